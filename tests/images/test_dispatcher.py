"""Events answered from real databases: the routes every application has, and what failures are answered with."""

import logging

import pytest

from aurora_lambda_runtime.database.errors import DatabaseError
from aurora_lambda_runtime.payload import CommandError
from tests.conftest import Database
from tests.images.client import Client
from tests.images.runs import rows, run

REMEDY = "run `aurora-lambda migrate`"


def test_info_names_the_database(app: Client, database: Database) -> None:
    """How an operator sees which database a function talks to; no password among it."""
    answer = app.http("GET", "/info")
    assert (answer.status, answer.body) == (
        200,
        {
            "message": "SQL Database Info",
            "endpoint": database.host,
            "identifier": "",
            "schema": database.name,
            "dbRole": database.master,
            "arn": "",
        },
    )


def test_init_confirms_a_schema_at_head(app: Client, database: Database) -> None:
    """The check people run after a deployment."""
    answer = app.http("POST", "/init")
    assert (answer.status, answer.body) == (
        200,
        {"message": "Database initialized successfully", "schema": database.name, "tables": ["notes", "comments"]},
    )


@pytest.mark.parametrize(("expected", "status"), [("0003", 200), ("0004", 200), ("0005", 503)])
def test_init_takes_the_expected_revision_or_a_later_one(app: Client, expected: str, status: int) -> None:
    """During a deployment the old handler meets the new schema, which is made to serve it."""
    object.__setattr__(app.dispatcher.connector.settings, "revision", expected)
    assert app.http("POST", "/init").status == status


def test_a_missing_schema_is_answered_with_the_remedy(app: Client, database: Database) -> None:
    """Whoever calls the function before the migration, or after a downgrade, learns what to type."""
    object.__setattr__(app.dispatcher.connector.settings, "revision", "0004")
    run({"command": "downgrade", "revision": "0001"}, database.environment())
    behind = f"The database schema is at revision 0001, expected 0004: {REMEDY}"
    assert app.http("POST", "/init").error == (503, behind)
    for table in ("notes", "alembic_version"):
        rows(database, f"DROP TABLE {table}")
    missing = f"The database schema is not there yet, expected 0004: {REMEDY}"
    assert app.http("POST", "/init").error == (503, missing)
    assert app.http("GET", "/notes").error == (503, f"The database schema is not there yet: {REMEDY}")
    with pytest.raises(CommandError) as failure:
        app.invoke({"command": "list"})
    assert str(failure.value) == f"The database schema is not there yet: {REMEDY}"
    assert failure.value.__suppress_context__


def test_a_failing_statement_is_told_in_the_databases_own_words(app: Client, database: Database) -> None:
    """The statement and its values are the application's, and a link to a library's manual helps nobody."""
    rows(database, "ALTER TABLE notes DROP COLUMN text")
    with pytest.raises(DatabaseError) as failure:
        app.invoke({})
    assert str(failure.value) in {
        'column "text" of relation "notes" does not exist (SQLSTATE 42703)',
        "Unknown column 'text' in 'field list' (error 1054)",
        "Unknown column 'text' in 'INSERT INTO' (error 1054)",
    }


def test_a_failing_command_says_where_in_the_application_it_failed(app: Client, database: Database) -> None:
    """The log of a command or a schedule would name the runtime's own lines alone, and not the statement's place."""
    rows(database, "ALTER TABLE notes DROP COLUMN text")
    with pytest.raises(DatabaseError) as failure:
        app.invoke({})
    where = [each.name for each in failure.traceback if "sample_application" in str(each.path)]
    assert where == ["add", "<lambda>"]


def test_an_unexpected_database_error_is_logged_and_told_to_nobody(
    app: Client, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A column somebody dropped by hand is a fault of ours, not of the client's."""
    rows(database, "ALTER TABLE notes DROP COLUMN text")
    with caplog.at_level(logging.ERROR):
        assert app.http("GET", "/notes").error == (500, "Internal server error")
    assert [record.message for record in caplog.records] == ["unexpected database error"]
