"""The three packages as other services install them: from wheels, beside folders that are called as ours are."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.packages.conftest import ROOT, uv

pytestmark = pytest.mark.slow

# A module of the project that takes the place of one of ours ends whatever imports it.
MINE = 'raise ImportError("this one is the project\'s own")\n'
PROGRAM = "from aurora_lambda.service import Service\n\nService()\n"


@pytest.fixture(scope="module")
def service(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a project of somebody else's with the packages installed in its .venv."""
    project = tmp_path_factory.mktemp("service") / "shop"
    for name in ("components", "local", "cli", "lambda_images"):
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text(MINE)
    leave_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lambda_images" / "application", project / "application", ignore=leave_out)
    shutil.copytree(ROOT / "lambda_images" / "requirements", project / "requirements")
    (project / "Pulumi.yaml").write_text("name: shop\nmain: stacks\nstackConfigDir: stacks\nruntime: python\n")
    (project / "stacks").mkdir()
    (project / "stacks" / "__main__.py").write_text(PROGRAM)
    (project / "stacks" / "Pulumi.local.yaml").write_text("config:\n  aws:region: eu-west-1\n  shop:engine: postgres\n")
    uv("venv", "--quiet", "--python", sys.executable, project / ".venv")
    uv("pip", "install", "--quiet", "--python", project / ".venv/bin/python", *wheels.values())
    yield project
    run(project, "aurora-lambda", "down", "-y")


def run(project: Path, program: str, *arguments: str) -> str:
    """Run a program of the project's .venv there, and return what it prints."""
    command = [project / ".venv/bin" / program, *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_holds_its_package_and_nothing_else(wheels: Mapping[str, Path]) -> None:
    """A top-level name such as `components` would take the place of a folder of the user's, or be taken by it."""
    for package, wheel in wheels.items():
        tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
        assert {top for top in tops if not top.endswith(".dist-info")} == {package}


def test_a_service_of_ones_own_runs_from_wheels(service: Path) -> None:
    """A service that has to be a fork of this repository could not take a later version by changing a number."""
    run(service, "aurora-lambda", "up", "-q")
    created = json.loads(run(service, "aurora-lambda", "invoke", "handler"))
    listed = json.loads(run(service, "aurora-lambda", "invoke", "handler", '{"command": "get"}'))
    assert [row["id"] for row in listed] == [created["id"]]


def test_components_need_nothing_that_runs_inside_lambda(wheels: Mapping[str, Path], tmp_path: Path) -> None:
    """A program that only uses the components would have to install a database's drivers and an emulator."""
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / ".venv")
    only = (wheels["aurora_lambda"], wheels["aurora_lambda_runtime"])
    uv("pip", "install", "--quiet", "--python", tmp_path / ".venv/bin/python", *only)
    listing = (
        "import aurora_lambda, aurora_lambda.service, sys, importlib.metadata as m;"
        "print({'sqlalchemy', 'alembic', 'boto3', 'moto'} & {d.name.lower() for d in m.distributions()})"
    )
    assert run(tmp_path, "python", "-c", listing) == "set()\n"
