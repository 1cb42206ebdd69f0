"""The form in which Lambda takes a response of a route.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from aurora_lambda_runtime.handler.http import Response
from aurora_lambda_runtime.handler.json_values import to_json

# Lambda's limit for what a function returns. Source: Lambda developer guide, "Lambda quotas".
MAX_RESPONSE_BYTES = 6 * 1024 * 1024
# A body of so many characters need not be measured: escaped, a character becomes at most twelve (twice `\ud83d`).
_SMALL = MAX_RESPONSE_BYTES // 16
TOO_LARGE = "The answer is larger than a function may return: ask for less with ?limit="
# Source: RFC 9110, section 6.4.1.
WITHOUT_BODY = (204, 304)


class FunctionUrlResponse(TypedDict):
    """A response of payload format 2.0."""

    statusCode: int
    headers: Mapping[str, str]
    body: str
    cookies: NotRequired[Sequence[str]]
    isBase64Encoded: NotRequired[bool]


def to_event(response: Response, method: str = "GET") -> FunctionUrlResponse:
    """Return the response to a request of `method`, as a function URL takes it.

    HEAD, 204 and 304 have no body; a response too large for Lambda becomes a 413.

    Raises:
        TypeError: the body is nothing that JSON can hold.
        ValueError: the body holds NaN or an infinity.
    """
    content_type, text, encoded = _content(response.body)
    headers = dict(response.headers)
    if content_type and response.status not in WITHOUT_BODY and not any(n.lower() == "content-type" for n in headers):
        headers["Content-Type"] = content_type
    empty = response.status in WITHOUT_BODY or method == "HEAD"
    event: FunctionUrlResponse = {"statusCode": response.status, "headers": headers, "body": "" if empty else text}
    if response.cookies:
        event["cookies"] = list(response.cookies)
    if encoded and not empty:
        event["isBase64Encoded"] = True
    return limited(event)


def limited(event: FunctionUrlResponse) -> FunctionUrlResponse:
    """Return `event`, or a 413 in its place where Lambda would refuse it as too large."""
    if len(event["body"]) > _SMALL and len(json.dumps(event)) > MAX_RESPONSE_BYTES:
        return to_event(Response(413, {"error": TOO_LARGE}))
    return event


def _content(body: object) -> tuple[str, str, bool]:
    """Return the content type of a body, the body as text, and whether that text is base64."""
    match body:
        case None:
            return "", "", False
        case str():
            return "text/plain; charset=utf-8", body, False
        case bytes():
            return "application/octet-stream", base64.b64encode(body).decode(), True
    # A shell's prompt begins a line of its own after it.
    return "application/json", f"{to_json(body)}\n", False
