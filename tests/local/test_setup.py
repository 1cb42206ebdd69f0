"""`make setup`, as far as it goes without a network: what it finds to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.project import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Write a checkout that is set up."""
    folder = tmp_path / "Ann's clone"
    (folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    for package in (".", "components", "lambda_images", "local"):
        (folder / package).mkdir(exist_ok=True)
        (folder / package / "pyproject.toml").touch()
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / ".venv" / ".ready").write_text(f"{folder}\n")
    return folder


def first_step(clone: Path) -> str:
    # Inside `make test` this is no part of that make.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    line = ["make", "-n", "setup"]
    done = subprocess.run(line, cwd=clone, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def test_what_is_set_up_is_left_alone(clone: Path) -> None:
    """Every `make` would take as long as the first."""
    assert first_step(clone) == "make: Nothing to be done for 'setup'."


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Path) -> None:
    """After an upgrade of Python each `make` would end with `Error 127` and no remedy."""
    (clone / ".venv" / "bin" / "python").unlink()
    assert first_step(clone) == "rm -rf .venv"


def test_an_environment_that_was_moved_is_made_anew(clone: Path) -> None:
    """Its scripts name the old folder: they would not start, or run the code of another checkout."""
    moved = clone.rename(clone.with_name("moved"))
    assert first_step(moved) == "rm -rf .venv"
