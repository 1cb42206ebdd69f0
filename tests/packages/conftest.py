"""The three packages as wheels."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

COMMAND = ".venv/bin/aurora-lambda"
ROOT = Path(__file__).parents[2]
FOLDERS = {
    "components": "aurora_lambda",
    "lambda_images": "aurora_lambda_runtime",
    "local": "aurora_lambda_local",
}


def uv(*arguments: str | Path) -> None:
    """Run uv, with what it has downloaded before where that is enough."""
    tool = Path(sys.executable).with_name("uv")
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run([tool, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Return the wheel of each package."""
    folder = tmp_path_factory.mktemp("wheels")
    for source in FOLDERS:
        uv("build", "--quiet", "--wheel", "--out-dir", folder, ROOT / source)
    return {package: next(folder.glob(f"{package}-*.whl")) for package in FOLDERS.values()}


@pytest.fixture(scope="session")
def installed(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command, in an environment that has nothing but the packages."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    uv("venv", "--quiet", "--python", sys.executable, environment)
    uv("pip", "install", "--quiet", "--python", environment / "bin/python", *wheels.values())
    return environment / "bin/aurora-lambda"


def run(folder: Path, *command: str) -> str:
    """Run a command there as in a shell that knows nothing of this project's environment; return what it prints."""
    shell = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHON": sys.executable}
    certificates = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "UV_"))}
    done = subprocess.run(
        command, cwd=folder, env={**shell, **certificates}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
