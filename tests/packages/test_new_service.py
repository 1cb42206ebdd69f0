"""A service of one's own as a stranger makes it: from wheels, in an empty environment, far from this repository."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from aurora_lambda_local.databases.registry import ServerUnavailableError, database_server
from tests.packages.conftest import COMMAND, run
from tests.services import missing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# Each engine and each way to answer the URL, and how a column is added there: what stands for what in which module.
Edits = Mapping[str, tuple[str, str]]
CORE: Edits = {
    "tables.py": ('    Column("text"', '    Column("title", String(9)),\n    Column("text"'),
    "routes.py": ("NOTE = (", "NOTE = (notes.c.title, "),
}
ORM: Edits = {
    "tables.py": ("    text: Mapped", "    title: Mapped[str | None] = mapped_column(String(9))\n    text: Mapped")
}
SERVICES = [("postgres", "none", CORE), ("mysql", "fastapi", ORM), ("dsql", "flask", ORM)]


def write_service(installed: Path, tmp_path: Path, engine: str, web: str) -> Path:
    """Write a service, and return its folder."""
    if engine == "mysql":
        try:
            database_server("mysql", tmp_path, {})
        except ServerUnavailableError as error:
            missing(str(error))
    run(tmp_path, str(installed), "new", "links", "--engine", engine, "--web", web)
    return tmp_path / "links"


@pytest.mark.parametrize(("engine", "web", "column"), SERVICES)
def test_a_service_is_up_and_tested_untouched_and_grows(
    installed: Path, tmp_path: Path, engine: str, web: str, column: Edits
) -> None:
    """Whoever tries the first three commands and fails tries nothing else."""
    service = write_service(installed, tmp_path, engine, web)
    try:
        check_untouched(service)
        grow(service, column)
    finally:
        run(service, "make", "down")


def check_untouched(service: Path) -> None:
    """Bring it up and test it as it is; a second set-up changes nothing."""
    run(service, "make", "up")
    assert json.loads(run(service, COMMAND, "invoke", "handler")) == {"notes": 0}
    assert "4 passed in " in run(service, "make", "test")
    requirements = {path: path.read_text() for path in (service / "requirements").iterdir()}
    (service / ".venv/.ready").unlink()
    run(service, "make", "setup")
    assert {path: path.read_text() for path in (service / "requirements").iterdir()} == requirements


def grow(service: Path, column: Edits) -> None:
    """Add a column that is shown and a stream, and test again."""
    for name, edit in column.items():
        module = service / "application" / name
        module.write_text(module.read_text().replace(*edit))
    run(service, COMMAND, "new-migration")
    run(service, COMMAND, "new-stream", "copy-orders", "orders")
    run(service, "make", "up")
    assert "5 passed in " in run(service, "make", "test")
