"""The payload format 2.0 of function URLs: the event for a request, and the response for a function's answer.

Source: AWS Lambda developer guide, "Invoking Lambda function URLs", request and response payloads.
"""

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aurora_lambda_local.platform.http_server import Request, Response

TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")
JSON_TYPE = ("Content-Type", "application/json")
# Whether they have a name or not, such as 499 and 520. Source: RFC 9110, "Status Codes".
STATUSES = range(100, 600)
# Headers that say where a body or the connection ends, which whoever sends it does.
FRAMING = ("connection", "content-length", "transfer-encoding")
# Source: RFC 9110, "Fields": names are tokens, values have no control characters.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def url_event(request: Request, url_id: str) -> dict[str, Any]:
    """Return the event that a function URL makes of a request."""
    headers = _joined((name.lower(), value) for name, value in request.headers.items())
    if cookies := request.headers.get_all("Cookie"):
        headers["cookie"] = "; ".join(cookies)
    headers |= {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http"}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": _request_context(request, url_id, headers),
        **_event_body(request.body, headers.get("content-type", "")),
    }
    if cookies:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";")]
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    return event


def _request_context(request: Request, url_id: str, headers: Mapping[str, str]) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": "anonymous",
        "apiId": url_id,
        "domainName": headers.get("host", ""),
        "domainPrefix": url_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now * 1000),
    }


def url_response(payload: bytes) -> Response:
    """Return the response for a function's answer; an answer without `statusCode` is itself the body."""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        return error_response(HTTPStatus.BAD_GATEWAY, "Internal Server Error")
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Response(HTTPStatus.OK, payload, (JSON_TYPE,))
    try:
        body = answer.get("body") or ""
        content = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
        given = [_header(name, value) for name, value in (answer.get("headers") or {}).items()]
        cookies = [_header("Set-Cookie", cookie) for cookie in answer.get("cookies") or []]
        status = _status(answer["statusCode"])
    except (AttributeError, OverflowError, TypeError, ValueError, binascii.Error):
        return error_response(HTTPStatus.BAD_GATEWAY, "Internal Server Error")
    kept = [(name, value) for name, value in given if name.lower() not in FRAMING]
    typed = any(name.lower() == "content-type" for name, _ in kept)
    return Response(status, content, (*kept, *([] if typed else [JSON_TYPE]), *cookies))


def _event_body(body: bytes, content_type: str) -> dict[str, Any]:
    if not body:
        return {"isBase64Encoded": False}
    if content_type.lower().startswith(TEXT_TYPES):
        with suppress(UnicodeDecodeError):
            return {"body": body.decode(), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a value for each name: all that it has, separated by commas."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _status(value: Any) -> int:
    status = int(value)
    if status not in STATUSES:
        raise ValueError(f"{value!r} is no status")
    return status


def _header(name: str, value: object) -> tuple[str, str]:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(text)):
        raise ValueError(f"{name!r} cannot be sent as a header")
    return name, text


def error_response(status: HTTPStatus, message: str) -> Response:
    """Return an error in the form in which a function URL answers it."""
    return Response(status, json.dumps({"Message": message}).encode(), (JSON_TYPE,))
