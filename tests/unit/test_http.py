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
from aurora_lambda_runtime.handler.http import Answer, Request
from aurora_lambda_runtime.payload import CommandError
from tests.images.client import Client, Context

MOMENT = datetime(2026, 11, 21, 10, 0, 0, 123456, UTC)


def echo(request: Request) -> Answer:
    """Answer what was sent."""
    return 200, {"body": request.json_object(), **request.parameters}


def number(request: Request) -> Answer:
    """Answer a number of the query string."""
    return 200, {"number": request.whole_number("limit", 10, range(1, 1001))}


def values(_request: Request) -> Answer:
    """Answer values of the types that rows have."""
    return 201, {"id": UUID(int=1), "created_at": MOMENT, "count": 1, "content": None}


def broken(_request: Request) -> Answer:
    """Fail."""
    raise ZeroDivisionError("a secret detail")


ROUTES = {
    "/echo": {"POST": echo},
    "/echo/{id}": {"POST": echo, "PUT": echo},
    "/echo/fixed": {"GET": values},
    "/number": {"GET": number},
    "/broken": {"GET": broken},
}


@pytest.fixture
def app() -> Iterator[Client]:
    """Return an application whose database is never asked."""
    client = Client(
        Application({"name": lambda invocation: invocation.request_id}, ROUTES, database_routes=True), NOWHERE
    )
    yield client
    client.close()


NOWHERE = {"DATABASE_URL": "postgres://nobody:secret@127.0.0.1:1/nothing"}


def test_a_route_gets_the_body_and_what_the_path_holds(app: Client) -> None:
    """What every route is made of."""
    assert app.http("POST", "/echo", {"a": 1}).body == {"body": {"a": 1}}
    assert app.http("PUT", "/echo/x%20y", {}).body == {"body": {}, "id": "x y"}


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
        ('{"a": NaN}', "The request body is not valid JSON"),
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
    assert answer.error == (400, "limit must be a whole number from 1 to 1000")


def sent(request: Request) -> Answer:
    """Answer what a request says of itself."""
    caller = request.caller
    return 200, {
        "path": request.path,
        "agent": request.headers["User-Agent"],
        "missing": request.headers.get("X-Missing"),
        "tags": request.query.get_all("tag"),
        "tag": request.query["tag"],
        "cookies": request.cookies,
        "text": request.text,
        "json": request.json,
        "source_ip": request.source_ip,
        "caller": caller and [caller.arn, caller.account_id, caller.user_id],
        "request_id": request.request_id,
        "version": request.event["version"],
    }


def test_a_route_sees_the_whole_request() -> None:
    """A link shortener counts by Referer, a session is a cookie, an audit names who signed."""
    app = Client(Application(routes={"/sent/{id}": {"POST": sent}}), NOWHERE)
    context = {
        "http": {"method": "POST", "path": "/sent/J%C3%BCrgen%20M%2F1", "sourceIp": "192.0.2.1"},
        "authorizer": {"iam": {"userArn": "arn:aws:iam::1:user/ann", "accountId": "1", "userId": "AIDA"}},
    }
    answer = app.http(
        "POST",
        "/sent/J%C3%BCrgen%20M%2F1?tag=a&tag=b%20c",
        "[1]",
        requestContext=context,
        headers={"user-agent": "curl/8"},
        cookies=["session=a=b", "theme=dark"],
    )
    assert (answer.status, answer.body) == (
        200,
        {
            "path": "/sent/Jürgen M/1",
            "agent": "curl/8",
            "missing": None,
            "tags": ["a", "b c"],
            "tag": "b c",
            "cookies": {"session": "a=b", "theme": "dark"},
            "text": "[1]",
            "json": [1],
            "source_ip": "192.0.2.1",
            "caller": ["arn:aws:iam::1:user/ann", "1", "AIDA"],
            "request_id": "6f1c5a4e-0000-4000-8000-000000000000",
            "version": "2.0",
        },
    )


def test_nobody_has_signed_a_public_request() -> None:
    """A route must not take a public URL's caller for somebody."""
    app = Client(Application(routes={"/": {"GET": lambda request: (200, {"caller": request.caller})}}), NOWHERE)
    assert app.http("GET", "/").body == {"caller": None}


def test_text_that_is_no_utf_8_is_refused() -> None:
    """The client's error, not a stack trace."""
    app = Client(Application(routes={"/": {"POST": lambda request: (200, {"text": request.text})}}), NOWHERE)
    assert app.http("POST", "/", "//8=", isBase64Encoded=True).error == (400, "The request body is not valid UTF-8")


def test_a_parameter_arrives_decoded(app: Client) -> None:
    """A name with a space, a letter beyond ASCII or an escaped slash is one parameter, as it was meant."""
    assert app.http("POST", "/echo/J%C3%BCrgen%20M%2F1", {}).body == {"body": {}, "id": "Jürgen M/1"}
    assert app.http("POST", "/echo/100%", {}).body == {"body": {}, "id": "100%"}
    assert app.http("POST", "/echo/%FF", {}).error == (400, "The path is not valid UTF-8")


def test_a_path_beyond_ascii_is_found_however_it_is_escaped() -> None:
    """Browsers escape what a route has in letters."""
    app = Client(Application(routes={"/größe/{id}.json": {"GET": echo_parameters}}), NOWHERE)
    assert app.http("GET", "/gr%C3%B6%C3%9Fe/a%62.json").body == {"id": "ab"}


def echo_parameters(request: Request) -> Answer:
    """Answer what the path holds."""
    return 200, request.parameters


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("users", "the route 'users' is no path: it must be like /users/{id}/posts"),
        ("/users/{id", "the route '/users/{id' is no path: it must be like /users/{id}/posts"),
        ("/users/{1}", "the route '/users/{1}' is no path: it must be like /users/{id}/posts"),
        ("/a/{id}/b/{id}", "the route '/a/{id}/b/{id}' names a parameter twice"),
    ],
)
def test_a_route_that_no_request_could_match_is_refused_at_the_start(path: str, message: str) -> None:
    """The deployment fails in words, rather than the route being dead."""
    with pytest.raises(ValueError, match=".*") as refusal:
        Client(Application(routes={path: {"GET": values}}), NOWHERE)
    assert str(refusal.value) == message


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


def test_an_unexpected_error_is_logged_and_told_to_nobody(app: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets no stack trace; whoever reads the log does."""
    with caplog.at_level(logging.ERROR):
        assert app.http("GET", "/broken").error == (500, "Internal server error")
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


def test_a_public_url_does_not_say_where_the_database_is() -> None:
    """`/info` and `/init` are for whoever may know: under a signed URL, or where the configuration allows it."""
    app = Client(Application(), NOWHERE)
    assert app.http("GET", "/info").error == (404, "Not found")
    assert app.http("POST", "/init").error == (404, "Not found")


def test_an_application_may_put_a_route_of_its_own_in_place_of_one_that_all_have() -> None:
    """`/info` shows where the database is, which not every service wants to."""
    app = Client(Application({}, {"/info": {"GET": values}}, database_routes=True), NOWHERE)
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
