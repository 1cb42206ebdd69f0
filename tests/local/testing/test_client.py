"""The client of a service's tests."""

import json
from typing import Any, cast

import pytest

from aurora_lambda_local.testing import Client, ClientResponse
from aurora_lambda_runtime.handler.dispatcher import Dispatcher


class Echo:
    """ClientResponses with the event it got, or as it is told to."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    def handle(self, event: dict[str, Any], _context: object) -> Any:
        return self.answer or event


def client(answer: Any = None) -> Client:
    return Client(cast(Dispatcher, Echo(answer)))


def sent(answer: ClientResponse) -> dict[str, Any]:
    """Return what of an event the request decides."""
    event = answer.json
    names = ("rawPath", "rawQueryString", "headers", "cookies", "body", "isBase64Encoded")
    return {
        "method": event["requestContext"]["http"]["method"],
        **{name: event[name] for name in names if name in event},
    }


def test_a_request_is_the_event_of_a_function_url() -> None:
    """A route that passes here would fail on AWS, whose headers are in lower case and whose cookies are a list."""
    answer = client().post("/notes/a%20b?x=1&x=2", json={"a": "ü"}, headers={"X-Id": "7", "Cookie": "a=1; b=2"})
    assert sent(answer) == {
        "method": "POST",
        "rawPath": "/notes/a%20b",
        "rawQueryString": "x=1&x=2",
        "headers": {
            "host": "localhost",
            "x-id": "7",
            "cookie": "a=1; b=2",
            "content-type": "application/json",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-proto": "http",
        },
        "cookies": ["a=1", "b=2"],
        "body": '{"a": "\\u00fc"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_each_method_sends_its_own(method: str) -> None:
    """A route would be tested by another's method."""
    assert sent(getattr(client(), method)("/"))["method"] == method.upper()


def test_bytes_arrive_as_base64() -> None:
    """An upload that works here would be garbled on AWS."""
    assert sent(client().put("/", body=b"\xff"))["body"] == "/w=="


def test_an_answer_has_status_headers_and_body() -> None:
    """A redirect, a cookie or a file could not be tested."""
    redirect = {"statusCode": 302, "headers": {"Location": "https://example.com"}, "cookies": ["a=1", "b=2"]}
    answer = client(redirect).get("/x")
    assert (answer.status, answer.headers["location"], answer.text) == (302, "https://example.com", "")
    assert answer.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert client({"statusCode": 200, "body": "/w==", "isBase64Encoded": True}).get("/").body == b"\xff"
    assert client({"statusCode": 200, "body": json.dumps({"a": 1})}).get("/").json == {"a": 1}


def test_a_direct_invocation_takes_any_json() -> None:
    """The payload would have another form than `aws lambda invoke` gives it."""
    assert client().invoke({"command": "count"}) == {"command": "count"}
    assert client().invoke() == {}
    assert client().invoke([]) == []
