"""A checkout whose application is empty, as somebody who begins a service has it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.checkout import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TOOLS = Path(sys.executable).parent
MODULES = {
    "__init__.py": "",
    "tables.py": """\
from sqlalchemy import MetaData

metadata = MetaData()
""",
    "commands.py": """\
from aurora_lambda_runtime.handler.commands import Commands

COMMANDS: Commands = {}
""",
    "routes.py": """\
from aurora_lambda_runtime.handler.routing import Routes

TABLES = ()
ROUTES: Routes = {}
""",
    "streams/__init__.py": "",
    "versions/__init__.py": "",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository with an empty application and no tests of it."""
    copy = tmp_path_factory.mktemp("empty") / "checkout"
    shutil.copytree(
        ROOT,
        copy,
        ignore=shutil.ignore_patterns(".git", ".venv", ".local", ".aurora-lambda", ".*_cache", "__pycache__"),
    )
    shutil.rmtree(copy / "tests" / "application")
    shutil.rmtree(copy / "lambda_images" / "application")
    for name, text in MODULES.items():
        file = copy / "lambda_images" / "application" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'"""Nothing yet."""\n\n{text}'.rstrip() + "\n")
    return copy


# Of the components, those that read the application. The images' tests have an application of their own, and whatever
# imports the shipped one does not pass the check of types.
WITH_APPLICATION = [
    f"tests/components/test_{name}.py" for name in ("functions", "function_settings", "image", "service")
]


@pytest.mark.parametrize(
    "line",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["ty", "check", "--python", sys.prefix],
        ["lint-imports", "--no-cache"],
        ["pytest", "-q", "-m", "not slow", "tests/unit", *WITH_APPLICATION],
    ],
    ids=lambda line: line[0],
)
def test_lint_and_tests_pass(checkout: Path, line: list[str]) -> None:
    """Whoever replaces the shipped application would have to mend tests of code that is not theirs."""
    # The copy's own modules, lest some be of the installed packages.
    sources = [checkout, *(checkout / each for each in ("lambda_images", "components", "local"))]
    done = subprocess.run(
        [TOOLS / line[0], *line[1:]],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
