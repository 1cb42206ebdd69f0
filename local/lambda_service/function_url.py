"""A function URL: HTTP in, one event of payload format 2.0, and its answer out.

Source: AWS Lambda developer guide, "Invoking Lambda function URLs", request and response payloads.
"""

import base64
import binascii
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from local.lambda_service.function import Function, Throttled
from local.platform.http_server import Request, Response, Server

BODY_LIMIT = 6 * 1024 * 1024
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")
JSON_TYPE = ("Content-Type", "application/json")


class FunctionUrl:
    """Listens on a port for one function, whichever it is at the time of a request."""

    def __init__(self, function: Callable[[], Function], url_id: str, port: int) -> None:
        self._function = function
        self._url_id = url_id
        self._server = Server(self._handle, port)
        self.url = f"http://{self._server.address}/"

    def alive(self) -> bool:
        """Whether it still listens."""
        return self._server.alive()

    def stop(self) -> None:
        """Answer no more."""
        self._server.stop()

    def _handle(self, request: Request) -> Response:
        if len(request.body) > BODY_LIMIT:
            return _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        event = json.dumps(url_event(request, self._url_id)).encode()
        if len(event) > BODY_LIMIT:
            return _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        try:
            result = self._function().invoke(event)
        except Throttled:
            return _message(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests")
        if result.failed:
            return _message(HTTPStatus.BAD_GATEWAY, "Internal Server Error")
        return url_response(result.payload)


def url_event(request: Request, url_id: str) -> dict[str, Any]:
    """The event that a function URL makes of a request."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    cookies = headers.pop("cookie", "")
    headers |= {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http"}
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
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
        },
        **_body(request.body, headers.get("content-type", "")),
    }
    if cookies:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if request.query:
        event["queryStringParameters"] = _query(request.query)
    return event


def url_response(payload: bytes) -> Response:
    """What a function's answer becomes on the wire; an answer without `statusCode` is the body itself."""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        return _message(HTTPStatus.BAD_GATEWAY, "Internal Server Error")
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Response(HTTPStatus.OK, payload, (JSON_TYPE,))
    try:
        body = answer.get("body") or ""
        content = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
        given = [(str(name), _text(value)) for name, value in (answer.get("headers") or {}).items()]
        cookies = [("Set-Cookie", str(cookie)) for cookie in answer.get("cookies") or []]
        status = HTTPStatus(int(answer["statusCode"]))
    except (AttributeError, TypeError, ValueError, binascii.Error):
        return _message(HTTPStatus.BAD_GATEWAY, "Internal Server Error")
    kept = [(name, value) for name, value in given if name.lower() != "content-length"]
    typed = any(name.lower() == "content-type" for name, _ in kept)
    return Response(status, content, (*kept, *([] if typed else [JSON_TYPE]), *cookies))


def _body(body: bytes, content_type: str) -> dict[str, Any]:
    if not body:
        return {"isBase64Encoded": False}
    if content_type.lower().startswith(TEXT_TYPES):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass_through = base64.b64encode(body).decode()
            return {"body": pass_through, "isBase64Encoded": True}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _query(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _message(status: HTTPStatus, message: str) -> Response:
    return Response(status, json.dumps({"Message": message}).encode(), (JSON_TYPE,))
