"""The migration runner's commands against real servers."""

from pathlib import Path

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images.revisions import history
from tests.images.runs import rows, run, steps, table_names

pytestmark = pytest.mark.slow

REVISIONS = ["0001", "0002", "0003", "0004"]
KEYS = ["command", "engine", "status", "before", "after", "applied", "pending", "output", "duration_ms"]


def test_deploy_makes_the_database_and_applies_every_revision(database: Database) -> None:
    """Without it a new stack has no tables."""
    result = run({}, database.environment())
    assert list(result) == KEYS
    assert steps(result) == REVISIONS
    assert [step["message"] for step in result["applied"]][:2] == ["create notes", "index notes by time"]
    duration = result.pop("duration_ms")
    assert 0 < duration < 10_000
    del result["applied"]
    assert result == {
        "command": "deploy",
        "engine": database.engine,
        "status": "ok",
        "before": None,
        "after": "0004",
        "pending": [],
        "output": "",
    }
    assert table_names(database) == {"alembic_version", "notes", "comments"}


def test_the_runner_tells_who_asks_which_columns_its_code_names(database: Database) -> None:
    """What breaks the code that runs could only be guessed."""
    run({}, database.environment())
    tables = run({"command": "current", "tables": True}, database.environment())["tables"]
    assert sorted(tables) == ["comments", "notes"]
    assert "tables" not in run({"command": "current"}, database.environment())


def test_a_second_deploy_applies_nothing(database: Database) -> None:
    """Every deployment invokes the runner: one that ran a revision twice would fail or lose data."""
    run({}, database.environment())
    result = run({"command": "deploy"}, database.environment())
    assert (result["before"], result["after"], result["applied"], result["pending"]) == ("0004", "0004", [], [])


def test_check_agrees_with_a_fresh_database(database: Database) -> None:
    """Tables in the code that the revisions do not make would break the handler on its first query."""
    run({}, database.environment())
    assert run({"command": "check"}, database.environment())["output"] == "code and database agree"


def test_check_names_what_differs(database: Database) -> None:
    """A hand-made change to a database is found before it surprises anybody."""
    run({}, database.environment())
    rows(database, "DROP TABLE comments")
    with pytest.raises(MigrationError, match="code and database disagree: create comments"):
        run({"command": "check"}, database.environment())


def test_check_asks_for_a_migration_first(database: Database, tmp_path: Path) -> None:
    """Comparing an old database with new code would report as a fault what a migration is about to add."""
    run({}, database.environment())
    run({"command": "stamp", "revision": "0002"}, database.environment())
    with pytest.raises(MigrationError) as refusal:
        run({"command": "check"}, database.environment())
    assert str(refusal.value) == (
        "0003 create comments, 0004 index comments by note are not applied: run `aurora-lambda migrate`"
    )


def test_downgrade_goes_back_and_deploy_forward_again(database: Database) -> None:
    """The way out of a bad release, and back in."""
    run({}, database.environment())
    back = run({"command": "downgrade", "revision": "0002"}, database.environment())
    assert (back["before"], back["after"], steps(back)) == ("0004", "0002", ["0004", "0003"])
    assert [step["revision"] for step in back["pending"]] == ["0003", "0004"]
    assert table_names(database) == {"alembic_version", "notes"}
    forward = run({}, database.environment())
    assert (forward["before"], forward["after"], steps(forward)) == ("0002", "0004", ["0003", "0004"])


def test_downgrade_to_base_leaves_no_table_of_ours(database: Database) -> None:
    """Every revision can be undone, on every engine."""
    run({}, database.environment())
    assert run({"command": "downgrade", "revision": "base"}, database.environment())["after"] is None
    assert table_names(database) == {"alembic_version"}


def test_stamp_writes_down_a_revision_and_runs_nothing(database: Database) -> None:
    """How a database that was made by other means joins the history."""
    run({}, database.environment())
    result = run({"command": "stamp", "revision": "0003"}, database.environment())
    assert (result["before"], result["after"], result["applied"]) == ("0004", "0003", [])
    assert "comments" in table_names(database)


def test_sql_shows_what_is_pending_and_runs_nothing(database: Database) -> None:
    """People read the SQL before they let it near production."""
    run({}, database.environment())
    run({"command": "downgrade", "revision": "0003"}, database.environment())
    result = run({"command": "sql"}, database.environment())
    statements = [line for line in result["output"].splitlines() if line.startswith(("CREATE", "UPDATE", "DROP"))]
    kind = "INDEX ASYNC" if database.engine == "dsql" else "INDEX"
    assert statements == [
        f"CREATE {kind} ix_comments_note_id_created_at ON comments (note_id, created_at);",
        "UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';",
    ]
    assert result["after"] == "0003"
    assert run({"command": "status"}, database.environment())["output"] == (
        "0004 index comments by note is not applied: run `aurora-lambda migrate`"
    )


def test_current_history_and_status_tell_where_the_database_is(database: Database) -> None:
    """What an operator asks first."""
    run({}, database.environment())
    run({"command": "downgrade", "revision": "0003"}, database.environment())
    assert run({"command": "current"}, database.environment())["output"] == "0003"
    assert run({"command": "history"}, database.environment())["output"].splitlines() == [
        "0003 -> 0004 (head), index comments by note",
        "0002 -> 0003, create comments (current)",
        "0001 -> 0002, index notes by time",
        "<base> -> 0001, create notes",
    ]
    status = run({"command": "status"}, database.environment())
    assert (status["status"], status["before"], status["after"]) == ("incomplete", "0003", "0003")
    assert status["pending"] == [{"revision": "0004", "message": "index comments by note"}]


def test_asking_a_database_that_is_not_there_says_how_to_make_it(database: Database) -> None:
    """The first thing a newcomer does out of order gets a remedy, not a driver's error."""
    with pytest.raises(MigrationError, match=f"^there is no database '{database.name}': run `aurora-lambda migrate`$"):
        run({"command": "status"}, database.environment())


def test_reset_is_refused_unless_the_stack_allows_it(database: Database) -> None:
    """One wrong word must not empty production."""
    run({}, database.environment())
    for value in ({}, {"ALLOW_RESET": "false"}, {"ALLOW_RESET": "1"}):
        with pytest.raises(MigrationError, match="^reset is refused: it drops every table"):
            run({"command": "reset"}, database.environment(**value))
    assert "comments" in table_names(database)


def test_reset_drops_everything_and_applies_from_empty(database: Database) -> None:
    """Development starts over with one word, whatever lies about in the database."""
    run({}, database.environment())
    rows(database, "CREATE TABLE stray (id integer)")
    result = run({"command": "reset"}, database.environment(ALLOW_RESET="true"))
    assert (result["before"], result["after"], steps(result)) == ("0004", "0004", REVISIONS)
    assert table_names(database) == {"alembic_version", "notes", "comments"}


def test_reset_drops_schemas_of_revisions_too(postgres: Database, tmp_path: Path) -> None:
    """A revision that makes a schema would fail in every later reset: it is there already."""
    made = ["CREATE SCHEMA audit", 'CREATE TABLE audit."A b" (id integer)', 'CREATE SCHEMA "My ""own"""']
    run({}, postgres.environment(), versions=history(tmp_path, *made))
    result = run({"command": "reset"}, postgres.environment(ALLOW_RESET="true"), versions=tmp_path)
    assert (result["after"], steps(result)) == ("0003", ["0001", "0002", "0003"])
    assert table_names(postgres) == {"alembic_version"}


@pytest.mark.parametrize(
    ("command", "revision", "message"),
    [
        ("stamp", "9999", "there is no revision 9999 in this image: there are 0001 to 0004"),
        ("downgrade", "9999", "there is no revision 9999 in this image: there are 0001 to 0004"),
        ("downgrade", "-4", "-4 is too far: 3 revisions can be undone, back to base"),
    ],
)
def test_a_revision_that_is_not_there_is_answered_with_those_that_are(
    database: Database, command: str, revision: str, message: str
) -> None:
    """Whoever mistypes one in the middle of going back needs to know what there is to type."""
    run({}, database.environment())
    run({"command": "downgrade", "revision": "-1"}, database.environment())
    with pytest.raises(MigrationError) as refusal:
        run({"command": command, "revision": revision}, database.environment())
    assert str(refusal.value) == message
    assert run({"command": "current"}, database.environment())["output"] == "0003"
