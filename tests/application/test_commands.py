"""Direct invocations, against real servers."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambda_images.database.errors import DatabaseError
from lambda_images.migrations.runner import run
from lambda_images.payload import CommandError
from tests.conftest import Database
from tests.images.client import Client, Context
from tests.images.runs import rows

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.mark.parametrize("event", [None, {}, {"command": "create"}, {"other": 1}])
def test_create_is_what_an_invocation_does_unless_told_otherwise(app: Client, event: Any) -> None:
    """People invoke the function with no payload and look for the row."""
    row = app.invoke(event, Context("request-1"))
    assert list(row) == ["id", "awsRequestId", "createdAt"]
    assert UUID.fullmatch(row["id"])
    assert row["awsRequestId"] == "request-1"
    assert MOMENT.fullmatch(row["createdAt"])
    assert abs(datetime.fromisoformat(row["createdAt"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert app.invoke({"command": "get"}) == [row]


def test_get_lists_the_newest_first_and_no_more_than_the_limit(app: Client) -> None:
    """The newest row is the one people look for."""
    made = [app.invoke({}, Context(f"request-{number}")) for number in range(105)]
    assert app.invoke({"command": "get"}) == made[:4:-1]
    assert app.invoke({"command": "get", "limit": 2}) == [made[104], made[103]]
    assert app.invoke({"command": "get", "limit": 1000}) == made[::-1]


@pytest.mark.parametrize("limit", [0, -1, 1001, True, "5", 2.0, None, [1]])
def test_get_refuses_a_limit_out_of_range(app: Client, limit: Any) -> None:
    """`true` is not 1, and a wrong limit is an error rather than a surprise."""
    with pytest.raises(CommandError) as refusal:
        app.invoke({"command": "get", "limit": limit})
    assert str(refusal.value) == f"limit is {limit!r}: it takes a whole number from 1 to 1000"


@pytest.mark.parametrize("command", ["list", "", "CREATE", None, 1, ["create"], {"a": 1}])
def test_an_unknown_command_is_refused_naming_the_allowed(app: Client, command: Any) -> None:
    """A misspelt command must not be taken for another."""
    with pytest.raises(CommandError) as refusal:
        app.invoke({"command": command})
    assert str(refusal.value) == f"unknown command {command!r}: the allowed commands are create, get"


@pytest.mark.parametrize(
    ("event", "kind"), [([], "a list"), ("create", "a string"), (3, "a number"), (True, "a boolean"), (1.5, "a number")]
)
def test_a_payload_that_is_no_object_is_refused(app: Client, event: Any, kind: str) -> None:
    """The caller learns the form, not a Python error."""
    with pytest.raises(CommandError) as refusal:
        app.invoke(event)
    assert str(refusal.value) == f'the payload must be a JSON object such as {{"command": "create"}}, not {kind}'


def test_a_huge_wrong_command_is_not_repeated_whole(app: Client) -> None:
    """An error message of megabytes helps nobody and costs log storage."""
    with pytest.raises(CommandError) as refusal:
        app.invoke({"command": "x" * 1_000_000})
    assert str(refusal.value) == f"unknown command '{'x' * 59}...: the allowed commands are create, get"


@pytest.mark.parametrize("command", ["create", "get"])
def test_a_missing_schema_is_answered_with_the_remedy(app: Client, database: Database, command: str) -> None:
    """Whoever invokes the function before the migration learns what to run, and sees no SQL."""
    run({"command": "downgrade", "revision": "base"}, database.environment())
    with pytest.raises(CommandError) as failure:
        app.invoke({"command": command})
    assert str(failure.value) == "The database schema is not there yet: run `aurora-lambda migrate`"
    assert failure.value.__suppress_context__


def test_a_failing_statement_is_told_in_the_databases_own_words(app: Client, database: Database) -> None:
    """The statement and its values are the application's, and a link to a library's manual helps nobody."""
    rows(database, "ALTER TABLE invocations DROP COLUMN aws_request_id")
    with pytest.raises(DatabaseError) as failure:
        app.invoke({})
    assert str(failure.value) in {
        'column "aws_request_id" of relation "invocations" does not exist (SQLSTATE 42703)',
        "Unknown column 'aws_request_id' in 'field list' (error 1054)",
        "Unknown column 'aws_request_id' in 'INSERT INTO' (error 1054)",
    }


@pytest.mark.parametrize("context", [None, 5, "http", [], {}, {"http": None}, {"http": {}}, {"http": {"method": None}}])
def test_a_request_context_that_is_not_a_function_urls_is_a_plain_payload(app: Client, context: Any) -> None:
    """A direct invocation is answered as one, whatever else its payload holds."""
    row = app.invoke({"requestContext": context}, Context("request-1"))
    assert row["awsRequestId"] == "request-1"
    assert app.invoke({"command": "get", "requestContext": context}) == [row]
