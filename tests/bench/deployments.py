"""Migrations: two hundred revisions from empty, and a deployment that finds all of them applied."""

import json
import tempfile
from pathlib import Path

from local.docker_engine import DockerEngine
from tests.bench.containers import MOUNT, PYTHON, WORKLOADS, Program
from tests.bench.database import Database
from tests.bench.samples import ROUNDS, Samples

REVISIONS = 200
VERSIONS = "/var/task/lambda_images/migrations/versions"
REVISION = '''"""create t_{0:04d}"""

import sqlalchemy as sa
from alembic import op

revision = "{0:04d}"
down_revision = {1!r}


def upgrade() -> None:
    op.create_table("t_{0:04d}", sa.Column("id", sa.Integer()), sa.Column("name", sa.String(100)))


def downgrade() -> None:
    op.drop_table("t_{0:04d}")
'''


def deployments(engine: DockerEngine, image: str, database: Database) -> dict[str, Samples]:
    """Milliseconds of `check` (raw) and `nothing` (ours), and of `ddl` (raw) and `all` (ours); in warm processes."""
    database.create("revisions")
    with tempfile.TemporaryDirectory() as scratch:
        versions = Path(scratch)
        _write(versions)
        mounts = {WORKLOADS: MOUNT, versions: VERSIONS}
        _compile(engine, image, versions)
        environment = {**database.runner_environment("revisions"), "PYTHONPATH": "/var/task"}
        command = [PYTHON, f"{MOUNT}/deployments.py", str(ROUNDS), str(REVISIONS)]
        printed = Program("deployments", image, environment, command, mounts).output(engine)
    database.drop("revisions")
    return {name: Samples(tuple(values)) for name, values in json.loads(printed.splitlines()[-1]).items()}


def _write(versions: Path) -> None:
    versions.chmod(0o755)
    (versions / "__init__.py").touch()
    for number in range(1, REVISIONS + 1):
        before = f"{number - 1:04d}" if number > 1 else None
        (versions / f"{number:04d}_create_t.py").write_text(REVISION.format(number, before))


def _compile(engine: DockerEngine, image: str, versions: Path) -> None:
    """As the image's build compiles what it ships."""
    sandbox = ["--rm", "--user=0:0", f"--volume={versions}:{VERSIONS}", f"--entrypoint={PYTHON}"]
    step = ["-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", VERSIONS]
    if (done := engine.run("run", *sandbox, image, *step)).returncode:
        raise RuntimeError(f"the revisions could not be compiled:\n{done.stdout}{done.stderr}")
