"""Function URL events: what they ask for, which route answers it, and how the answer is written."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

# Lambda refuses an answer over 6 MB; what wraps the body counts too, and so does its escaping.
LARGEST_BODY = 5_000_000
JSON = {"Content-Type": "application/json"}


class HttpError(Exception):
    """A request that is answered with an error: `{"error": message}`."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True)
class Request:
    """One HTTP request; `parameters` are the route's, by name."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Request":
        """Read an event of payload format 2.0.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
        """
        http = event["requestContext"]["http"]
        body = _decoded(event.get("body") or "", bool(event.get("isBase64Encoded")))
        path = event.get("rawPath") or http.get("path", "/")
        return cls(http["method"], path, event.get("rawQueryString", ""), body)

    def json_object(self) -> dict[str, Any]:
        """The body, which has to be a JSON object.

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
        """A number from the query string.

        Raises:
            HttpError: it is no number, or not in `allowed`.
        """
        text = parse_qs(self.query, keep_blank_values=True).get(name, [str(default)])[-1]
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
        if number is None or number not in allowed:
            raise HttpError(400, f"{name} takes a whole number from {allowed[0]} to {allowed[-1]}")
        return number


Route = Callable[[Request], tuple[int, Mapping[str, Any]]]


class Router:
    """Routes by method and path; `{name}` in a path stands for one segment."""

    def __init__(self, routes: Mapping[str, Mapping[str, Route]]) -> None:
        self._fixed = {path: methods for path, methods in routes.items() if "{" not in path}
        self._patterns = [
            (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), methods)
            for path, methods in routes.items()
            if "{" in path
        ]

    def answer(self, request: Request) -> dict[str, Any]:
        """The response of the route that `request` names, or of the error it makes."""
        try:
            return response(*self._route(request))
        except HttpError as error:
            return response(error.status, {"error": str(error)}, error.headers)

    def _route(self, request: Request) -> tuple[int, Mapping[str, Any]]:
        methods, parameters = self._find(request.path)
        if request.method not in methods:
            allowed = ", ".join(sorted(methods))
            raise HttpError(405, f"{request.method} is not allowed here; {allowed} is", {"Allow": allowed})
        named = Request(request.method, request.path, request.query, request.body, parameters)
        return methods[request.method](named)

    def _find(self, path: str) -> tuple[Mapping[str, Route], Mapping[str, str]]:
        if path in self._fixed:
            return self._fixed[path], {}
        for pattern, methods in self._patterns:
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        raise HttpError(404, "Not found")


def response(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A response of payload format 2.0 whose body is JSON."""
    text = json.dumps(body, separators=(",", ":"))
    if len(text) > LARGEST_BODY:
        return response(413, {"error": "The answer is larger than a function may return: ask for less with ?limit="})
    return {"statusCode": status, "headers": {**JSON, **(headers or {})}, "body": text}


def _decoded(body: str, encoded: bool) -> bytes:
    """The body's bytes; a lone surrogate, which no UTF-8 has, stays invalid and is refused as JSON."""
    try:
        return base64.b64decode(body, validate=True) if encoded else body.encode(errors="surrogatepass")
    except binascii.Error:
        raise HttpError(400, "The request body is not valid base64") from None
