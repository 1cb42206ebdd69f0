"""A service of one's own as a stranger makes it: from wheels, in an empty environment, far from this repository."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from aurora_lambda_local.databases.registry import ServerUnavailableError, database_server
from tests.packages.conftest import uv
from tests.services import missing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def installed(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command, in an environment that has nothing but the packages."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    uv("venv", "--quiet", "--python", sys.executable, environment)
    uv("pip", "install", "--quiet", "--python", environment / "bin/python", *wheels.values())
    return environment / "bin/aurora-lambda"


@pytest.fixture(params=["postgres", "mysql", "dsql"])
def service(request: pytest.FixtureRequest, installed: Path, tmp_path: Path) -> Iterator[Path]:
    """Yield a service that was just written."""
    if request.param == "mysql":
        try:
            database_server("mysql", tmp_path, {})
        except ServerUnavailableError as error:
            missing(str(error))
    run(tmp_path, str(installed), "new", "links", "--engine", request.param)
    yield tmp_path / "links"
    run(tmp_path / "links", "make", "down")


def run(folder: Path, *command: str) -> str:
    """Run a command there as in a shell that knows nothing of this project's environment; return what it prints."""
    shell = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHON": sys.executable}
    certificates = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "UV_"))}
    done = subprocess.run(
        command, cwd=folder, env={**shell, **certificates}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_up_and_tested_untouched_and_grows(service: Path) -> None:
    """Whoever tries the first three commands and fails tries nothing else."""
    command = str(service / ".venv/bin/aurora-lambda")
    run(service, "make", "up")
    assert json.loads(run(service, command, "invoke", "handler")) == {"notes": 0}
    assert "4 passed in " in run(service, "make", "test")
    # What was written is what the lock makes, and a second run changes nothing.
    requirements = {path: path.read_text() for path in (service / "requirements").iterdir()}
    (service / ".venv/.ready").unlink()
    run(service, "make", "setup")
    assert {path: path.read_text() for path in (service / "requirements").iterdir()} == requirements
    tables = service / "application" / "tables.py"
    tables.write_text(
        tables.read_text().replace('    Column("text"', '    Column("title", String(9)),\n    Column("text"')
    )
    run(service, command, "new-migration")
    run(service, command, "new-stream", "copy-orders", "orders")
    run(service, "make", "up")
    assert "5 passed in " in run(service, "make", "test")
