"""What a function URL is sent for what a route returns."""

import json
import logging
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import pytest

from aurora_lambda_runtime.handler.dispatcher import Application
from aurora_lambda_runtime.handler.http import Answer, HttpError, Request, Response, html, redirect
from aurora_lambda_runtime.handler.responses import to_event
from tests.images.client import Client, Context
from tests.unit.test_http import NOWHERE

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
PAGE = {"Content-Type": "text/html; charset=utf-8"}


class Color(Enum):
    RED = "red"


class Size(StrEnum):
    LARGE = "l"


def app_of(answer: Any) -> Client:
    """Return an application whose one route answers `answer`."""
    return Client(Application(routes={"/": {"GET": lambda _: answer}}), NOWHERE)


@pytest.mark.parametrize(
    ("response", "event"),
    [
        (Response(200, {"a": 1}), {"statusCode": 200, "headers": JSON, "body": '{"a":1}\n'}),
        (Response(200, [1, None]), {"statusCode": 200, "headers": JSON, "body": "[1,null]\n"}),
        (Response(201, "grün"), {"statusCode": 201, "headers": TEXT, "body": "grün"}),
        (html("<p>"), {"statusCode": 200, "headers": PAGE, "body": "<p>"}),
        (
            Response(200, b"\xff", {"content-type": "image/png"}),
            {"statusCode": 200, "headers": {"content-type": "image/png"}, "body": "/w==", "isBase64Encoded": True},
        ),
        (
            redirect("https://example.com/grün?a=1&b=%20#c", 301),
            {"statusCode": 301, "headers": {"Location": "https://example.com/gr%C3%BCn?a=1&b=%20#c"}, "body": ""},
        ),
        (
            Response(200, cookies=["a=1; HttpOnly", "b=2"]),
            {"statusCode": 200, "headers": {}, "body": "", "cookies": ["a=1; HttpOnly", "b=2"]},
        ),
        (Response(204, {}), {"statusCode": 204, "headers": {}, "body": ""}),
        (Response(304, {}, {"ETag": "1"}), {"statusCode": 304, "headers": {"ETag": "1"}, "body": ""}),
    ],
)
def test_a_response_is_sent_as_its_body_is(response: Response, event: object) -> None:
    """Pages, pictures, redirects and sessions are answered, not JSON alone; 204 and 304 have no body, as HTTP asks."""
    assert to_event(response) == event


def test_head_is_answered_as_get_without_the_body() -> None:
    """Monitors and link checkers ask by HEAD, which nobody writes a route for."""
    app = app_of(Response(200, {"a": 1}, {"ETag": "1"}))
    answer = app.http("HEAD", "/")
    assert (answer.status, answer.body, answer.headers) == (200, "", {"Etag": "1", **JSON})
    missing = app.http("HEAD", "/missing")
    assert (missing.status, missing.body) == (404, "")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 11, 21, 11, tzinfo=timezone(timedelta(hours=1))), "2026-11-21T10:00:00.000000Z"),
        (datetime(2026, 11, 21, 11, tzinfo=UTC).replace(tzinfo=None), "2026-11-21T11:00:00"),
        (date(2026, 11, 21), "2026-11-21"),
        (time(10, 30), "10:30:00"),
        (Decimal("1.10"), "1.10"),
        (b"\xff\x00", "/wA="),
        (Color.RED, "red"),
        (Size.LARGE, "l"),
        ((1, 2), [1, 2]),
    ],
)
def test_a_value_that_json_lacks_has_one_form(value: object, written: object) -> None:
    """A row goes into an answer as it comes out of the database, the same by HTTP and by command."""
    assert app_of((200, {"value": value})).http("GET", "/").body == {"value": written}
    assert Client(Application({"give": lambda _: [value]}), NOWHERE).invoke({}) == [written]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, {"value": float("nan")}), ValueError),
        ((200, {"value": object()}), TypeError),
        ((99, {}), ValueError),
        ((200, [1]), TypeError),
        ({"statusCode": 200}, TypeError),
        ("text", TypeError),
        (None, TypeError),
    ],
)
def test_an_answer_that_cannot_be_sent_is_a_logged_500(
    answer: Any, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """Lambda would answer with an opaque 502, or the client could not read it."""
    with caplog.at_level(logging.ERROR):
        assert app_of(answer).http("GET", "/").error == (500, "Internal server error")
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [error]


@pytest.mark.parametrize("headers", [{"X-A": "a\r\nSet-Cookie: b"}, {"X A": "a"}, {"X-A": "ä"}, {"X-A": 1}])
def test_a_header_that_would_end_the_line_is_refused(headers: Any) -> None:
    """Text of a client in a header must not become a header of its own."""
    with pytest.raises(ValueError, match="it must be printable ASCII"):
        Response(200, headers=headers)


def test_a_cookie_that_would_end_the_line_is_refused() -> None:
    """The same of a cookie."""
    with pytest.raises(ValueError, match="it must be printable ASCII"):
        Response(200, cookies=["a\nb"])


def test_a_redirect_cannot_be_made_to_hold_another_header() -> None:
    """Where a redirect leads often comes from a client."""
    location = redirect("https://example.com/\r\nSet-Cookie: a=1").headers["Location"]
    assert location == "https://example.com/%0D%0ASet-Cookie:%20a=1"


def test_an_answer_too_large_for_lambda_says_how_to_ask_for_less() -> None:
    """Lambda itself would answer with an opaque 502: the limit is that of the whole response, escaped."""
    limit = 6 * 1024 * 1024
    around = len(json.dumps(to_event(Response(200, ""))))
    assert to_event(Response(200, "x" * (limit - around)))["statusCode"] == 200
    refused = app_of(Response(200, "x" * (limit - around + 1))).http("GET", "/")
    assert refused.error == (413, "The answer is larger than a function may return: ask for less with ?limit=")
    assert to_event(Response(200, "\U0001f600" * (limit // 12)))["statusCode"] == 413


def test_an_error_has_the_headers_that_it_was_raised_with() -> None:
    """A 401 has to say how to log in."""

    def refuse(_request: Request) -> Answer:
        raise HttpError(401, "Who are you?", {"WWW-Authenticate": "Bearer"})

    answer = Client(Application(routes={"/": {"GET": refuse}}), NOWHERE).http("GET", "/")
    assert (answer.error, answer.headers["Www-Authenticate"]) == ((401, "Who are you?"), "Bearer")


def test_a_command_whose_result_json_lacks_fails_by_name() -> None:
    """Lambda's own message names a line of its runtime."""
    with pytest.raises(TypeError, match="object cannot be in an answer: convert it to text or a number"):
        Client(Application({"give": lambda _: object()}), NOWHERE).invoke({}, Context())
