"""Function URLs: what the function gets, and what the browser gets."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import Message
from typing import Any

import pytest

from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.lambda_service.function_url import CorsSettings, FunctionUrl
from aurora_lambda_local.lambda_service.url_payload import url_event, url_response
from aurora_lambda_local.platform.http_server import Request

JSON = ("Content-Type", "application/json")


def request(
    method: str = "GET", path: str = "/", query: str = "", body: bytes = b"", *headers: tuple[str, str]
) -> Request:
    """Return a request as the HTTP server passes it on."""
    message = Message()
    for name, value in headers:
        message[name] = value
    return Request(method, path, query, message, body)


def test_the_event_is_payload_format_two() -> None:
    """A handler that parses the event would work here and fail behind a real function URL."""
    headers = (
        ("Host", "127.0.0.1:8000"),
        ("User-Agent", "curl/8"),
        ("Content-Type", "application/json"),
        ("X-Many", "a"),
        ("X-Many", "b"),
        ("Cookie", "one=1; two=2"),
        ("Cookie", "three=3"),
    )
    event: dict[str, Any] = {
        **url_event(request("POST", "/users/1%202", "a=1&a=2&b=%20", b'{"name": "x"}', *headers), "abc")
    }
    context = event["requestContext"]
    assert len(context.pop("requestId")) == 36
    assert context.pop("timeEpoch") > 1_700_000_000_000
    assert len(context.pop("time")) == len("12/Mar/2026:19:03:58 +0000")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/users/1%202",
        "rawQueryString": "a=1&a=2&b=%20",
        "cookies": ["one=1", "two=2", "three=3"],
        "headers": {
            "host": "127.0.0.1:8000",
            "user-agent": "curl/8",
            "content-type": "application/json",
            "x-many": "a,b",
            "cookie": "one=1; two=2; three=3",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"a": "1,2", "b": " "},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": "127.0.0.1:8000",
            "domainPrefix": "abc",
            "http": {
                "method": "POST",
                "path": "/users/1%202",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "routeKey": "$default",
            "stage": "$default",
        },
        "body": '{"name": "x"}',
        "isBase64Encoded": False,
    }


def test_what_a_request_lacks_the_event_lacks() -> None:
    """A handler that tests for a key would take the other branch than on AWS."""
    event = url_event(request(), "abc")
    assert not {"body", "cookies", "queryStringParameters"} & set(event)
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize(("content_type", "body"), [("image/png", b"abc"), ("", b"abc"), ("text/plain", b"\xff\x00")])
def test_a_body_that_is_not_text_comes_in_base64(content_type: str, body: bytes) -> None:
    """Uploads would arrive broken."""
    event = url_event(request("POST", "/", "", body, ("Content-Type", content_type)), "abc")
    assert (event["body"], event["isBase64Encoded"]) == ({b"abc": "YWJj"}.get(body, "/wA="), True)


@pytest.mark.parametrize(
    ("answer", "status", "body", "headers"),
    [
        ({"statusCode": 201, "body": "made"}, 201, b"made", (JSON,)),
        (
            {"statusCode": 200, "body": "<p>", "headers": {"content-type": "text/html", "X-N": 1, "X-B": True}},
            200,
            b"<p>",
            (("content-type", "text/html"), ("X-N", "1"), ("X-B", "true")),
        ),
        ({"statusCode": 204}, 204, b"", (JSON,)),
        ({"statusCode": "404", "body": "{}"}, 404, b"{}", (JSON,)),
        ({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}, 200, b"\x00\xff", (JSON,)),
        (
            {"statusCode": 200, "cookies": ["a=1", "b=2"]},
            200,
            b"",
            (JSON, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
        ),
        ({"message": "no statusCode"}, 200, b'{"message": "no statusCode"}', (JSON,)),
        ("text", 200, b'"text"', (JSON,)),
        (None, 200, b"null", (JSON,)),
        *(
            ({"statusCode": 200, **more}, 502, b'{"Message": "Internal Server Error"}', (JSON,))
            for more in (
                {"headers": {"X-City": "東京"}},
                {"headers": {"X-Split": "a\r\nSet-Cookie: b=1"}},
                {"headers": {"X Space": "a"}},
                {"cookies": ["a=1\nX-Split: 1"]},
                {"statusCode": float("inf")},
            )
        ),
        (
            {
                "statusCode": 200,
                "body": "ab",
                "headers": {"Content-Length": "9", "Transfer-Encoding": "chunked", "Connection": "close"},
            },
            200,
            b"ab",
            (JSON,),
        ),
        ({"statusCode": 499}, 499, b"", (JSON,)),
        ({"statusCode": 520, "body": "odd"}, 520, b"odd", (JSON,)),
        ({"statusCode": 600}, 502, b'{"Message": "Internal Server Error"}', (JSON,)),
        ({"statusCode": "many"}, 502, b'{"Message": "Internal Server Error"}', (JSON,)),
        ({"statusCode": 200, "body": {"not": "text"}}, 502, b'{"Message": "Internal Server Error"}', (JSON,)),
        (
            {"statusCode": 200, "body": "no base64", "isBase64Encoded": True},
            502,
            b'{"Message": "Internal Server Error"}',
            (JSON,),
        ),
    ],
)
def test_an_answer_becomes_the_response_that_aws_makes_of_it(
    answer: Any, status: int, body: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    """A handler's answer would look right here and wrong in a browser."""
    response = url_response(json.dumps(answer).encode())
    assert (int(response.status), response.body, response.headers) == (status, body, headers)


@pytest.fixture
def url(deploy: Callable[..., Function]) -> Iterator[FunctionUrl]:
    """Start a function URL."""
    function = deploy()
    url = FunctionUrl(lambda: function, "abc", 0)
    yield url
    url.close()


def ask(url: FunctionUrl, method: str, path: str, body: bytes = b"") -> tuple[int, bytes, Message]:
    """One request on a connection of its own."""
    address = url.url.removeprefix("http://").removesuffix("/")
    with closing(http.client.HTTPConnection(address)) as connection:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(), response.headers


def test_a_request_goes_through_the_function(url: FunctionUrl) -> None:
    """`curl` would get nothing."""
    status, body, headers = ask(url, "DELETE", "/users/7")
    assert (status, body) == (201, b"/users/7")
    assert headers.get_all("Set-Cookie") == ["a=b"]


def test_head_has_no_body(url: FunctionUrl) -> None:
    """A client that keeps its connection would read the body as the next response."""
    status, body, headers = ask(url, "HEAD", "/users/7")
    assert (status, body, headers["Content-Length"]) == (201, b"", "8")


def test_a_failing_function_is_a_bad_gateway(deploy: Callable[..., Function]) -> None:
    """The error's text, which may hold secrets, is for the log and not for the public."""
    function = deploy(handler="aurora_lambda_runtime.nowhere.handler")
    url = FunctionUrl(lambda: function, "abc", 0)
    try:
        assert ask(url, "GET", "/")[:2] == (502, b'{"Message": "Internal Server Error"}')
    finally:
        url.close()


def test_a_body_over_six_megabytes_is_refused(url: FunctionUrl) -> None:
    """It would work here and fail on AWS."""
    assert ask(url, "POST", "/", b"x" * (6 * 1024 * 1024 + 1))[:2] == (413, b'{"Message": "Request Entity Too Large"}')


PAGE = "https://app.example.com"


def ask_as_page(url: FunctionUrl, method: str, **headers: str) -> tuple[int, bytes, Message]:
    """Send one request as a browser would for the page."""
    address = url.url.removeprefix("http://").removesuffix("/")
    given = {"Origin": PAGE} | {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(address)) as connection:
        connection.request(method, "/users", headers=given)
        response = connection.getresponse()
        return response.status, response.read(), response.headers


def test_without_cors_settings_a_page_is_answered_by_the_function_alone(url: FunctionUrl) -> None:
    """Any page could read what the URL answers, which it cannot on AWS."""
    status, body, headers = ask_as_page(url, "OPTIONS", Access_Control_Request_Method="POST")
    assert (status, body) == (201, b"/users")
    assert [name for name in headers if name.lower().startswith("access-control-")] == []


def test_with_cors_settings_the_allowed_page_is_answered(deploy: Callable[..., Function]) -> None:
    """A front end on another address could not use the URL that it can use on AWS."""
    function = deploy()
    url = FunctionUrl(lambda: function, "abc", 0, CorsSettings(allow_origins=(PAGE,), allow_methods=("GET",)))
    try:
        status, body, headers = ask_as_page(url, "OPTIONS", Access_Control_Request_Method="GET")
        assert (status, body) == (200, b"")
        assert headers["Access-Control-Allow-Methods"] == "GET"
        status, body, headers = ask_as_page(url, "GET")
        assert (status, body, headers["Access-Control-Allow-Origin"]) == (201, b"/users", PAGE)
    finally:
        url.close()
