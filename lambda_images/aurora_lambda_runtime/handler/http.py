"""Requests and responses of a function URL, as routes get and return them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeGuard
from urllib.parse import parse_qs, quote, unquote

from typing_extensions import override

from aurora_lambda_runtime.database.transactions import Database

# Printable ASCII: what a header may hold, and a function URL passes on. Source: RFC 9110, section 5.5.
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What a URL may hold as it is; the rest is escaped. Source: RFC 3986, section 2.
_URL_CHARACTERS = "%/:?#[]@!$&'()*+,;=~"


# An event of payload format 2.0.
FunctionUrlEvent = Mapping[str, Any]


class HttpError(Exception):
    """A request that is answered with an error: `{"error": message}`."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class Headers(Mapping[str, str]):
    """A request's headers; a name is found in any case. Of a header sent twice, the values are joined by commas."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in headers.items()}

    @override
    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @override
    def __len__(self) -> int:
        return len(self._values)


class Query(Mapping[str, str]):
    """The parameters of a query string; of one that is there several times, the last, or `get_all`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._values = parse_qs(text, keep_blank_values=True)

    def get_all(self, name: str) -> Sequence[str]:
        """Return each value of a parameter, in the order in which they were sent."""
        return self._values.get(name, [])

    @override
    def __getitem__(self, name: str) -> str:
        return self._values[name][-1]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @override
    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True)
class Caller:
    """Who signed a request, under `functionUrlAuth: AWS_IAM`."""

    arn: str
    account_id: str
    user_id: str


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    Attributes:
        segments: what stands between the slashes of the path, each decoded: a slash that was sent escaped is no end.
        request_id: Lambda's id of the invocation, which its log lines have.
        event: the event as Lambda gave it.
        parameters: those of the route's path, by name, decoded.
    """

    database: Database
    method: str
    segments: Sequence[str]
    request_id: str
    event: FunctionUrlEvent
    body: bytes = b""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_event(cls, event: FunctionUrlEvent, database: Database, request_id: str) -> "Request":
        """Return the request in `event`.

        Raises:
            HttpError: its body is not valid base64 although the event says so, or its path is not UTF-8.
        """
        http = event["requestContext"]["http"]
        segments = _segments(event.get("rawPath") or http.get("path", "/"))
        body = _decode(event.get("body") or "", bool(event.get("isBase64Encoded")))
        return cls(database, http["method"], segments, request_id, event, body)

    @property
    def path(self) -> str:
        """The path, decoded."""
        return "/".join(self.segments)

    @cached_property
    def query(self) -> Query:
        """The query string's parameters."""
        return Query(self.event.get("rawQueryString") or "")

    @cached_property
    def headers(self) -> Headers:
        """The headers."""
        return Headers(self.event.get("headers") or {})

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """The cookies, by name."""
        pairs = (cookie.partition("=") for cookie in self.event.get("cookies") or [])
        return {name.strip(): value.strip() for name, _, value in pairs}

    @property
    def source_ip(self) -> str:
        """The address that the request came from."""
        return self.event["requestContext"]["http"].get("sourceIp", "")

    @property
    def caller(self) -> Caller | None:
        """Who signed the request; None where nobody has to."""
        iam = (self.event["requestContext"].get("authorizer") or {}).get("iam")
        return Caller(iam["userArn"], iam["accountId"], iam["userId"]) if iam else None

    @property
    def text(self) -> str:
        """The body as text.

        Raises:
            HttpError: it is not UTF-8.
        """
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            raise HttpError(400, "The request body is not valid UTF-8") from None

    @cached_property
    def json(self) -> Any:
        """The body, which is JSON.

        Raises:
            HttpError: it is not.
        """
        try:
            return json.loads(self.body.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise HttpError(400, "The request body is not valid JSON") from None

    def json_object(self) -> dict[str, object]:
        """Return the body, a JSON object.

        Raises:
            HttpError: it is something else.
        """
        if not isinstance(self.json, dict):
            raise HttpError(400, "The request body must be a JSON object")
        return self.json

    def whole_number(self, name: str, default: int, allowed: range) -> int:
        """Return a number of the query string.

        Raises:
            HttpError: it is not a whole number, or not in `allowed`.
        """
        text = self.query.get(name, str(default))
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
        if number is None or number not in allowed:
            raise HttpError(400, f"{name} must be a whole number from {allowed[0]} to {allowed[-1]}")
        return number


@dataclass(frozen=True)
class Response:
    """One HTTP response.

    A `body` of bytes or text is sent as it is, None not at all, and anything else as JSON (see `json_values`). The
    header `Content-Type` says what it is, where the body's type does not: `text/plain`, `application/octet-stream`,
    `application/json`. `cookies` are values of `Set-Cookie`, such as `session=1; HttpOnly; Secure`.

    Raises:
        ValueError: the status is none, or a header or cookie holds what none may, such as a line's end.
    """

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:  # noqa: PLR2004
            raise ValueError(f"{self.status!r} is no status: it must be a number from 200 to 599")
        for name, value in [*self.headers.items(), *(("Set-Cookie", cookie) for cookie in self.cookies)]:
            if not (_HEADER_NAME.fullmatch(name) and isinstance(value, str) and _HEADER_VALUE.fullmatch(value)):
                raise ValueError(f"the header {name} cannot be {value!r}: it must be printable ASCII")


# What a route returns: a status and a JSON object, or a `Response`.
Answer = Response | tuple[int, Mapping[str, object]]


def html(text: str, status: int = 200) -> Response:
    """Return a response that is a web page."""
    return Response(status, text, {"Content-Type": "text/html; charset=utf-8"})


def redirect(location: str, status: int = 302) -> Response:
    """Return a response that leads to `location`; what a URL cannot hold is escaped."""
    return Response(status, headers={"Location": quote(location, safe=_URL_CHARACTERS)})


def is_http(event: object) -> TypeGuard[FunctionUrlEvent]:
    """Return whether a function URL sent `event`; anything else is the payload of a direct invocation."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    http = context.get("http") if isinstance(context, dict) else None
    return isinstance(http, dict) and isinstance(http.get("method"), str)


def _refuse_constant(name: str) -> object:
    """Refuse NaN and the infinities, which Python's reader takes, and neither JSON nor a database has."""
    raise ValueError(f"{name} is not JSON")


def _segments(raw: str) -> Sequence[str]:
    """Return the segments of a path, decoded.

    Raises:
        HttpError: it is not UTF-8.
    """
    try:
        return [unquote(segment, errors="strict") for segment in raw.split("/")]
    except UnicodeDecodeError:
        raise HttpError(400, "The path is not valid UTF-8") from None


def _decode(body: str, encoded: bool) -> bytes:
    """Return the body's bytes; a lone surrogate, which UTF-8 cannot hold, is refused later, as JSON."""
    try:
        return base64.b64decode(body, validate=True) if encoded else body.encode(errors="surrogatepass")
    except binascii.Error:
        raise HttpError(400, "The request body is not valid base64") from None
