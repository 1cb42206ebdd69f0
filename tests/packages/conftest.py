"""The three packages as wheels."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

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
