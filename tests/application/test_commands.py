"""Direct invocations, against real servers."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aurora_lambda_runtime.payload import CommandError
from tests.images.client import Client, Context

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
    assert str(refusal.value) == f"limit is {limit!r}; must be a whole number from 1 to 1000"


def test_an_unknown_command_is_refused_naming_the_allowed(app: Client) -> None:
    """A misspelt command must not be taken for another."""
    with pytest.raises(CommandError) as refusal:
        app.invoke({"command": "list"})
    assert str(refusal.value) == "unknown command 'list': the allowed commands are create, get"
