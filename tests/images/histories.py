"""Histories that a test writes from one state of the tables to the next."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from aurora_lambda_runtime.migrations.autogenerate.changes import Decisions
from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images.runs import create_revision, run
from tests.sample_application import tables

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
Tables = Callable[[MetaData], object]


class History:
    """A history that is written on one database, and applied there."""

    def __init__(self, database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.versions = versions
        self._monkeypatch = monkeypatch

    def declare(self, declare: Tables) -> None:
        """Put tables in place of the application's."""
        code = MetaData(naming_convention=NAMES)
        declare(code)
        self._monkeypatch.setattr(tables, "metadata", code)

    def write(self, declare: Tables, decisions: Decisions = Decisions()) -> list[str]:  # noqa: B008
        """Declare tables, write and apply what leads there; return the files' names."""
        self.declare(declare)
        self.run()
        written = create_revision(self.database.environment(), versions=self.versions, decisions=decisions)
        self.run()
        self.agree()
        return [path.name for path in written]

    def run(self, command: str = "deploy", **payload: str) -> str:
        """Run a command, and return its output."""
        return run({"command": command, **payload}, self.database.environment(), versions=self.versions)["output"]

    def agree(self) -> None:
        """Assert that neither `check` nor `new-migration` finds anything."""
        assert self.run("check").startswith("code and database agree")
        with pytest.raises(MigrationError, match="^nothing to write: "):
            create_revision(self.database.environment(), versions=self.versions)

    def go_back_and_forth(self, revision: str = "base") -> None:
        """Undo all revisions after `revision`, and do them again."""
        self.run("downgrade", revision=revision)
        self.run()
        self.agree()
