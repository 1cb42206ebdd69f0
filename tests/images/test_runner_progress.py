"""Revisions that stopped half way on an engine that commits each statement of DDL, and what the next run does."""

from pathlib import Path

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.progress import first_word
from tests.conftest import Database
from tests.images.revisions import history
from tests.images.runs import rows, run, steps

pytestmark = pytest.mark.slow

TABLE = "CREATE TABLE t1 (id integer PRIMARY KEY, n integer)"
INSERT = 'op.execute("INSERT INTO t1 VALUES (1, 0)")'
ADD_COLUMN = 'op.execute("ALTER TABLE t1 ADD COLUMN note varchar(10)")'
UPDATE = 'op.execute("UPDATE t1 SET n = n + 1")'
MISTAKE = 'op.execute("ALTER TABLE t1 ADD NONSENSE")'


def of(*statements: str) -> str:
    """Return a revision of several statements, as `history` takes it."""
    return ">" + "\n    ".join(statements)


@pytest.fixture
def stopped(mysql: Database, tmp_path: Path) -> Database:
    """Return a database whose second revision inserted a row, added a column, updated the row, and then failed."""
    with pytest.raises(MigrationError, match="revision 0002 "):
        run({}, mysql.environment(), versions=history(tmp_path, TABLE, of(INSERT, ADD_COLUMN, UPDATE, MISTAKE)))
    return mysql


def test_a_mended_revision_goes_on_with_the_statement_that_failed(stopped: Database, tmp_path: Path) -> None:
    """The row would be there already, and the column too: only a person could repair the database."""
    assert run({"command": "status"}, stopped.environment(), versions=tmp_path)["output"].splitlines() == [
        "the upgrade of 0002 step 2 was interrupted: `aurora-lambda migrate` finishes it",
        "0002 step 2 is not applied: run `aurora-lambda migrate`",
    ]
    add_index = 'op.execute("CREATE INDEX ix_n ON t1 (n)")'
    versions = history(tmp_path, TABLE, of(INSERT, ADD_COLUMN, UPDATE, add_index, UPDATE))
    result = run({}, stopped.environment(), versions=versions)
    assert (result["before"], result["after"], steps(result)) == ("0001", "0002", ["0002"])
    assert rows(stopped, "SELECT * FROM t1") == [(1, 2, None)]
    assert rows(stopped, "SELECT * FROM migration_progress") == []


def test_what_a_mended_revision_writes_anew_is_written(stopped: Database, tmp_path: Path) -> None:
    """Passed over with the rest, it would be missed by nobody until its rows are."""
    more = 'op.execute("INSERT INTO t1 (id, n) SELECT max(id) + 1, 5 FROM t1")'
    run({}, stopped.environment(), versions=history(tmp_path, TABLE, of(INSERT, ADD_COLUMN, more, more, UPDATE)))
    assert rows(stopped, "SELECT * FROM t1 ORDER BY id") == [(1, 1, None), (2, 5, None), (3, 5, None)]


def test_a_revision_that_asks_what_is_there_already_goes_on_too(stopped: Database, tmp_path: Path) -> None:
    """Careful authors look before they add a column; that must not be worse than not to look."""
    look = 'if "note" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("t1")]:'
    careful = [f"import sqlalchemy as sa\n    {look}\n        {ADD_COLUMN}"]
    run({}, stopped.environment(), versions=history(tmp_path, TABLE, of(*careful)))
    assert rows(stopped, "SELECT n, note FROM t1") == [(1, None)]


def test_a_revision_that_hides_how_far_it_got_asks_for_a_decision(stopped: Database, tmp_path: Path) -> None:
    """To guess whether its rows are written would write them twice, or never."""
    with pytest.raises(MigrationError) as failure:
        run({}, stopped.environment(), versions=history(tmp_path, TABLE, of(INSERT, UPDATE)))
    assert str(failure.value) == (
        "the upgrade of revision 0002 was interrupted and no longer sends a statement that it had sent, so how far it"
        " got cannot be told. Look at the tables, do by hand what is missing, then `stamp` the revision that the"
        " database is at"
    )
    run({"command": "stamp", "revision": "0002"}, stopped.environment(), versions=tmp_path)
    result = run({}, stopped.environment(), versions=tmp_path)
    assert (result["before"], result["after"], steps(result)) == ("0002", "0002", [])
    assert rows(stopped, "SELECT * FROM migration_progress") == []


def test_a_stamp_forgets_what_was_interrupted(stopped: Database, tmp_path: Path) -> None:
    """A person who has undone the half revision by hand wants it from its beginning."""
    rows(stopped, "DELETE FROM t1")
    rows(stopped, "ALTER TABLE t1 DROP COLUMN note")
    run({"command": "stamp", "revision": "0001"}, stopped.environment(), versions=tmp_path)
    run({}, stopped.environment(), versions=history(tmp_path, TABLE, of(INSERT, ADD_COLUMN, UPDATE)))
    assert rows(stopped, "SELECT * FROM t1") == [(1, 1, None)]


def test_a_downgrade_finishes_an_interrupted_upgrade_first(stopped: Database, tmp_path: Path) -> None:
    """Going back over half a revision would drop what is not there."""
    versions = history(tmp_path, TABLE, of(INSERT, ADD_COLUMN, UPDATE))
    file = versions / "0002_step_2.py"
    file.write_text(file.read_text().replace("DROP TABLE t2", "ALTER TABLE t1 DROP COLUMN note"))
    result = run({"command": "downgrade", "revision": "0001"}, stopped.environment(), versions=versions)
    assert (result["after"], steps(result)) == ("0001", ["0002", "0002"])
    assert rows(stopped, "SELECT * FROM t1") == [(1, 1)]


def test_an_image_without_the_interrupted_revision_says_so(stopped: Database, tmp_path: Path) -> None:
    """Older code would otherwise go on beside half a revision."""
    (tmp_path / "0002_step_2.py").unlink()
    with pytest.raises(MigrationError) as failure:
        run({}, stopped.environment(), versions=tmp_path)
    assert str(failure.value) == (
        "the upgrade of revision 0002 was interrupted, and this image does not have it: deploy the code that has it,"
        " or `stamp` the revision that the database is at"
    )


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("SELECT 1", "SELECT"),
        ("  -- why\n insert INTO t VALUES (1)", "INSERT"),
        ("/* why */ ALTER TABLE t", "ALTER"),
        ("(SELECT 1)", "SELECT"),
        ("", ""),
    ],
)
def test_a_statement_is_known_by_its_first_word(statement: str, word: str) -> None:
    """An insert taken for a query would be done twice."""
    assert first_word(statement) == word


def test_a_revision_may_write_within_a_savepoint(aurora_database: Database, tmp_path: Path) -> None:
    """MySQL had no transaction for it yet: the revision failed, and whatever was done to it."""
    nested = ["with op.get_bind().begin_nested():", f"    {INSERT}", UPDATE, "with op.get_bind().begin_nested():"]
    versions = history(tmp_path, TABLE, of(*nested, f"    {UPDATE}", ADD_COLUMN))
    assert steps(run({}, aurora_database.environment(), versions=versions)) == ["0001", "0002"]
    assert rows(aurora_database, "SELECT * FROM t1") == [(1, 2, None)]


def test_what_follows_a_commit_of_ones_own_stays(database: Database, tmp_path: Path) -> None:
    """On PostgreSQL it was reported as applied, and rolled back with the version when the runner went."""
    committing = of(INSERT, "op.get_bind().commit()", UPDATE)
    versions = history(tmp_path, TABLE, committing, "CREATE TABLE t3 (id integer PRIMARY KEY)")
    assert steps(run({}, database.environment(), versions=versions)) == ["0001", "0002", "0003"]
    assert run({"command": "current"}, database.environment(), versions=versions)["after"] == "0003"
    assert rows(database, "SELECT * FROM t1") == [(1, 1)]
    assert steps(run({}, database.environment(), versions=versions)) == []
