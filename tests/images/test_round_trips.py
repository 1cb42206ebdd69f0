"""Revisions written from tables of many kinds: applied they agree with the code, and they go back and forth."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from aurora_lambda_runtime.database.types import Uuid
from aurora_lambda_runtime.migrations.autogenerate.changes import Decisions
from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images.runs import create_revision, rows, run
from tests.sample_application import tables

pytestmark = pytest.mark.slow
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

    def write(self, declare: Tables, decisions: Decisions = Decisions()) -> list[str]:  # noqa: B008
        """Put tables in place of the application's, write and apply what leads there; return the files' names."""
        code = MetaData(naming_convention=NAMES)
        declare(code)
        self._monkeypatch.setattr(tables, "metadata", code)
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


@pytest.fixture
def history(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return an empty history."""
    return History(database, tmp_path, monkeypatch)


def test_a_key_that_counts_by_itself_is_no_difference(history: History) -> None:
    """The commonest key of all: on Aurora DSQL `check` would fail for good, and so would each test of the service."""

    def declare(code: MetaData) -> None:
        Table("cups", code, Column("id", Integer, primary_key=True), Column("text", String(9)))
        Table("pots", code, Column("id", sa.BigInteger, primary_key=True), Column("cup_id", ForeignKey("cups.id")))

    assert history.write(declare) == ["0001_create_cups.py", "0002_create_pots.py"]
    history.write(lambda code: Table("spoons", code, Column("id", Uuid, primary_key=True)), Decisions(may_drop=bool))
    history.go_back_and_forth("0002")
    history.run("downgrade", revision="0002")
    rows(history.database, "INSERT INTO cups (text) VALUES ('tea')")
    assert rows(history.database, "SELECT text FROM cups WHERE id = 1") == [("tea",)]


def test_any_text_may_be_a_default(history: History) -> None:
    """A quote in it made `check` fail on Aurora DSQL, and JSON did."""

    def declare(code: MetaData) -> None:
        quoted = Column("state", String(20), server_default="it's 100% \\new")
        Table("cups", code, Column("id", Uuid, primary_key=True), quoted, Column("more", sa.JSON))
        if history.database.engine == "dsql":
            code.tables["cups"].append_column(Column("tags", sa.JSON, server_default="{}"))

    history.write(declare)
    history.go_back_and_forth()


def test_comments_come_and_go(history: History) -> None:
    """Aurora DSQL takes them, and a revision that sets one stopped its deployments."""

    def declare(code: MetaData, column: str | None, table: str | None) -> None:
        text = Column("text", String(9), nullable=False, server_default="tea", comment=column)
        Table("cups", code, Column("id", Uuid, primary_key=True), text, comment=table)

    history.write(lambda code: declare(code, None, None))
    history.write(lambda code: declare(code, "it's 100% %s", "all: of 'them'"))
    history.write(lambda code: declare(code, None, None))
    history.go_back_and_forth()
