"""Function URL events and their answers, without a database."""

import base64
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from aurora_lambda_runtime.handler.dispatcher import Application
from aurora_lambda_runtime.handler.http import Request, Response, to_response
from aurora_lambda_runtime.payload import CommandError
from tests.images.client import Client, Context

MOMENT = datetime(2026, 11, 21, 10, 0, 0, 123456, UTC)


def echo(request: Request) -> Response:
    """Answer what was sent."""
    return 200, {"body": request.json_object(), **request.parameters}


def number(request: Request) -> Response:
    """Answer a number of the query string."""
    return 200, {"number": request.whole_number("limit", 10, range(1, 1001))}


def large(request: Request) -> Response:
    """Answer that many letters."""
    return 200, {"text": "x" * int(request.parameters["letters"])}


def values(_request: Request) -> Response:
    """Answer values of the types that rows have."""
    return 201, {"id": UUID(int=1), "created_at": MOMENT, "count": 1, "content": None}


def broken(_request: Request) -> Response:
    """Fail."""
    raise ZeroDivisionError("a secret detail")


ROUTES = {
    "/echo": {"POST": echo},
    "/echo/{id}": {"POST": echo, "PUT": echo},
    "/echo/fixed": {"GET": values},
    "/number": {"GET": number},
    "/large/{letters}": {"GET": large},
    "/broken": {"GET": broken},
}


@pytest.fixture
def app() -> Iterator[Client]:
    """Return an application whose database is never asked."""
    client = Client(Application({"name": lambda invocation: invocation.request_id}, ROUTES), NOWHERE)
    yield client
    client.close()


NOWHERE = {"DATABASE_URL": "postgres://nobody:secret@127.0.0.1:1/nothing"}


def test_a_route_gets_the_body_and_what_the_path_holds(app: Client) -> None:
    """What every route is made of."""
    assert app.http("POST", "/echo", {"a": 1}).body == {"body": {"a": 1}}
    assert app.http("PUT", "/echo/x%20y", {}).body == {"body": {}, "id": "x%20y"}


def test_a_fixed_path_wins_over_a_pattern(app: Client) -> None:
    """`/users/count` is not the user called count."""
    assert app.http("GET", "/echo/fixed").status == 201


def test_ids_and_moments_become_text(app: Client) -> None:
    """A row goes into an answer as it comes out of the database."""
    assert app.http("GET", "/echo/fixed").body == {
        "id": "00000000-0000-0000-0000-000000000001",
        "created_at": "2026-11-21T10:00:00.123456Z",
        "count": 1,
        "content": None,
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "The request body is not valid JSON"),
        ("{", "The request body is not valid JSON"),
        ("[" * 100_000, "The request body is not valid JSON"),
        ("1" * 10_000, "The request body is not valid JSON"),
        ("\ud800", "The request body is not valid JSON"),
        ("[]", "The request body must be a JSON object"),
        ('"text"', "The request body must be a JSON object"),
        ("null", "The request body must be a JSON object"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(app: Client, body: str, message: str) -> None:
    """Whatever is sent, the answer is the client's error in words, never a 500."""
    assert app.http("POST", "/echo", body).error == (400, message)


def test_a_body_may_come_in_base64(app: Client) -> None:
    """Function URLs encode bodies whose content type they take for binary."""
    encoded = base64.b64encode(json.dumps({"a": "\u00e4"}).encode()).decode()
    assert app.http("POST", "/echo", encoded, isBase64Encoded=True).body == {"body": {"a": "\u00e4"}}
    invalid = app.http("POST", "/echo", "%%%", isBase64Encoded=True)
    assert invalid.error == (400, "The request body is not valid base64")
    binary = app.http("POST", "/echo", base64.b64encode(b"\xff\xfe").decode(), isBase64Encoded=True)
    assert binary.error == (400, "The request body is not valid JSON")


def test_a_number_comes_from_the_query_string(app: Client) -> None:
    """The last one counts, and none means the default."""
    assert app.http("GET", "/number").body == {"number": 10}
    assert app.http("GET", "/number?limit=7&limit=8").body == {"number": 8}
    assert app.http("GET", "/number?limit=1000").body == {"number": 1000}


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "", "x", "1.5", "9" * 30, "%F0", "\u0661"])
def test_a_number_out_of_range_is_refused(app: Client, limit: str) -> None:
    """A wrong number is the client's error."""
    answer = app.http("GET", f"/number?limit={limit}")
    assert answer.error == (400, "limit takes a whole number from 1 to 1000")


@pytest.mark.parametrize("path", ["/", "/ech", "/echo/", "/echo/1/2", "/ECHO", "/number/1", "//echo"])
def test_an_unknown_path_is_not_found(app: Client, path: str) -> None:
    """404 as JSON, like everything else."""
    assert app.http("POST", path).error == (404, "Not found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/echo", "POST"), ("GET", "/echo/1", "POST, PUT"), ("POST", "/info", "GET"), ("GET", "/init", "POST")],
)
def test_a_wrong_method_is_told_the_right_ones(app: Client, method: str, path: str, allowed: str) -> None:
    """405 with `Allow`, as HTTP asks."""
    answer = app.http(method, path)
    assert answer.error == (405, f"{method} is not allowed here; {allowed} is")
    assert answer.headers["Allow"] == allowed


def test_an_answer_too_large_for_lambda_says_how_to_ask_for_less(app: Client) -> None:
    """Lambda itself would answer with an opaque 502."""
    brackets = len('{"text":""}')
    assert app.http("GET", f"/large/{5_000_000 - brackets}").status == 200
    refused = app.http("GET", f"/large/{5_000_001 - brackets}")
    assert refused.error == (413, "The answer is larger than a function may return: ask for less with ?limit=")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(status: int) -> None:
    """The two bytes of `{}` would break the protocol, or be taken for the beginning of the next answer."""
    assert to_response(status, {}, {"ETag": "1"}) == {"statusCode": status, "headers": {"ETag": "1"}, "body": ""}


def test_an_unexpected_error_is_logged_and_told_to_nobody(app: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets no stack trace; whoever reads the log does."""
    with caplog.at_level(logging.ERROR):
        assert app.http("GET", "/broken").error == (500, "Internal server error")
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


def test_an_application_may_put_a_route_of_its_own_in_place_of_one_that_all_have() -> None:
    """`/info` shows where the database is, which not every service wants to."""
    app = Client(Application({}, {"/info": {"GET": values}}), NOWHERE)
    assert app.http("GET", "/info").status == 201


@pytest.mark.parametrize("context", [None, 5, "http", [], {}, {"http": None}, {"http": {}}, {"http": {"method": None}}])
def test_a_request_context_that_is_not_a_function_urls_is_a_plain_payload(app: Client, context: Any) -> None:
    """A direct invocation is answered as one, whatever else its payload holds."""
    assert app.invoke({"requestContext": context}, Context("request-1")) == "request-1"


def test_an_application_without_commands_says_where_to_write_one() -> None:
    """A new application has none yet."""
    with pytest.raises(CommandError) as refusal:
        Client(Application({}, {}), NOWHERE).invoke({})
    assert str(refusal.value) == ("this function has no commands: write one in the application's commands.py")
