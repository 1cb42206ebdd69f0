"""Function URL events: requests read from them, responses written for them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NotRequired, TypedDict, TypeGuard
from urllib.parse import parse_qs
from uuid import UUID

from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.database.types import iso_utc

# Lambda refuses an answer over 6 MB, in which the body is escaped once more.
MOST_BODY_CHARACTERS = 5_000_000
JSON = {"Content-Type": "application/json"}
WITHOUT_BODY = (204, 304)

# A status and a JSON object, whose values may also be ids (UUID) and moments (datetime with a time zone).
Response = tuple[int, Mapping[str, object]]


class HttpDescription(TypedDict):
    """What an event's `requestContext` says of the request."""

    method: str
    path: NotRequired[str]


class RequestContext(TypedDict):
    """The part of an event that names the request."""

    http: HttpDescription


class FunctionUrlEvent(TypedDict):
    """An event of payload format 2.0, as far as it is read here."""

    requestContext: RequestContext
    rawPath: NotRequired[str]
    rawQueryString: NotRequired[str]
    body: NotRequired[str | None]
    isBase64Encoded: NotRequired[bool]


class FunctionUrlResponse(TypedDict):
    """A response of payload format 2.0."""

    statusCode: int
    headers: Mapping[str, str]
    body: str


class HttpError(Exception):
    """A request that is answered with an error: `{"error": message}`."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True)
class Request:
    """One HTTP request; `parameters` are the path's, by name."""

    database: Database
    method: str
    path: str
    query: str = ""
    body: bytes = b""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_event(cls, event: FunctionUrlEvent, database: Database) -> "Request":
        """Return the request in `event`.

        Raises:
            HttpError: its body is not valid base64 although the event says so.
        """
        http = event["requestContext"]["http"]
        body = _decode(event.get("body") or "", bool(event.get("isBase64Encoded")))
        path = event.get("rawPath") or http.get("path", "/")
        return cls(database, http["method"], path, event.get("rawQueryString", ""), body)

    def json_object(self) -> dict[str, object]:
        """Return the body, a JSON object.

        Raises:
            HttpError: it is something else.
        """
        try:
            value = json.loads(self.body.decode())
        except (ValueError, RecursionError):
            raise HttpError(400, "The request body is not valid JSON") from None
        if not isinstance(value, dict):
            raise HttpError(400, "The request body must be a JSON object")
        return value

    def whole_number(self, name: str, default: int, allowed: range) -> int:
        """Return a number of the query string.

        Raises:
            HttpError: it is not a whole number, or not in `allowed`.
        """
        text = parse_qs(self.query, keep_blank_values=True).get(name, [str(default)])[-1]
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
        if number is None or number not in allowed:
            raise HttpError(400, f"{name} takes a whole number from {allowed[0]} to {allowed[-1]}")
        return number


def is_http(event: object) -> TypeGuard[FunctionUrlEvent]:
    """Return whether a function URL sent `event`; anything else is the payload of a direct invocation."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    http = context.get("http") if isinstance(context, dict) else None
    return isinstance(http, dict) and isinstance(http.get("method"), str)


def to_response(
    status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> FunctionUrlResponse:
    """Return the response that a function URL sends; one too large for Lambda becomes a 413, and 204 has no body."""
    if status in WITHOUT_BODY:
        return {"statusCode": status, "headers": headers or {}, "body": ""}
    text = json.dumps(body, separators=(",", ":"), default=_to_json)
    if len(text) > MOST_BODY_CHARACTERS:
        error = "The answer is larger than a function may return: ask for less with ?limit="
        return to_response(413, {"error": error})
    return {"statusCode": status, "headers": {**JSON, **(headers or {})}, "body": text}


def _to_json(value: object) -> str:
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be in a response: convert it to text or a number")


def _decode(body: str, encoded: bool) -> bytes:
    """Return the body's bytes; a lone surrogate, which UTF-8 cannot hold, is refused later, as JSON."""
    try:
        return base64.b64decode(body, validate=True) if encoded else body.encode(errors="surrogatepass")
    except binascii.Error:
        raise HttpError(400, "The request body is not valid base64") from None
