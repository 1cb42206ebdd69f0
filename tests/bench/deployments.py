"""Migrations: two hundred revisions from empty, and a deployment that finds all of them applied."""

import json
import tempfile
from pathlib import Path
from typing import Any

from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from tests.bench.containers import MOUNT, PYTHON, WORKLOADS, Program
from tests.bench.database import Database
from tests.bench.samples import ROUNDS, Samples

REVISIONS = 200
VERSIONS = "/var/task/application/versions"
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


def deployments(engine: DockerEngine, image: str, database: Database, *, peers: bool = False) -> dict[str, Samples]:
    """Milliseconds of `check` (raw) and `nothing` (ours), and of `ddl` (raw) and `all` (ours); in warm processes.

    With `peers`, also of `alembic_nothing` and `alembic_all`: Alembic as it comes.
    """
    script = ["deployments.py", str(ROUNDS), str(REVISIONS), *(["peers"] if peers else [])]
    printed = _run(engine, image, database, script)
    return {name: Samples(tuple(values)) for name, values in printed.items()}


def profile(engine: DockerEngine, image: str, database: Database) -> str:
    """Return a table of where the time of a deployment of all revisions goes."""
    parts = _run(engine, image, database, ["deployment_profile.py"])
    rows = [f"| {part} | {milliseconds:.0f} |" for part, milliseconds in parts.items()]
    return "\n".join(["| part | ms |", "|---|---|", *rows])


def _run(engine: DockerEngine, image: str, database: Database, script: list[str]) -> dict[str, Any]:
    """Return what a workload prints in the migrations image, with two hundred revisions in place of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        versions = Path(scratch)
        write_revisions(versions)
        _compile(engine, image, versions)
        environment = {**database.runner_environment("revisions"), "PYTHONPATH": "/var/task"}
        command = [PYTHON, f"{MOUNT}/{script[0]}", *script[1:]]
        mounts = {WORKLOADS: MOUNT, versions: VERSIONS}
        database.create("revisions")
        try:
            return json.loads(Program(script[0], image, environment, command, mounts).output(engine).splitlines()[-1])
        finally:
            database.drop("revisions")


def write_revisions(versions: Path) -> None:
    """Write two hundred revisions, each of which creates a table."""
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
