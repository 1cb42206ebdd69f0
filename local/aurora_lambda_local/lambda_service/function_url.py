"""A function URL: an HTTP listener that invokes one function, and the CORS settings of it.

Source: AWS Lambda developer guide, "Creating and managing Lambda function URLs", cross-origin resource sharing: Lambda
answers preflight requests from the settings alone, and adds the CORS headers to all other responses, beside those that
the function returns.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from http import HTTPStatus
from typing import Any

from aurora_lambda_local.lambda_service.function import Function, ThrottledError
from aurora_lambda_local.lambda_service.url_payload import error_response, url_event, url_response
from aurora_lambda_local.platform.http_server import HttpServer, Request, Response

BODY_LIMIT = 6 * 1024 * 1024
_Header = tuple[str, str]


@dataclass(frozen=True)
class CorsSettings:
    """Which origins may use a function URL from a browser, and how; `max_age` is in seconds."""

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int = 0
    allow_credentials: bool = False

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "CorsSettings":
        """Return the settings in a `lambda.FunctionUrl`'s `cors`."""
        return cls(
            allow_origins=tuple(inputs.get("allowOrigins") or ()),
            allow_methods=tuple(inputs.get("allowMethods") or ()),
            allow_headers=tuple(inputs.get("allowHeaders") or ()),
            expose_headers=tuple(inputs.get("exposeHeaders") or ()),
            max_age=int(inputs.get("maxAge") or 0),
            allow_credentials=bool(inputs.get("allowCredentials")),
        )

    def preflight_response(self, request: Request) -> Response | None:
        """Return the response to a preflight request; None for any other request."""
        headers = request.headers
        if request.method != "OPTIONS" or "Origin" not in headers or "Access-Control-Request-Method" not in headers:
            return None
        return Response(HTTPStatus.OK, b"", tuple(self._preflight_headers(headers)))

    def response_headers(self, request: Message) -> list[_Header]:
        """Return the headers to add to the response to a request with these headers."""
        allowed = self._origin_headers(request)
        if allowed and self.expose_headers:
            allowed.append(("Access-Control-Expose-Headers", ",".join(self.expose_headers)))
        return allowed

    def _preflight_headers(self, request: Message) -> list[_Header]:
        allowed = self._origin_headers(request)
        if not allowed:
            return []
        if self.allow_methods:
            allowed.append(("Access-Control-Allow-Methods", ",".join(self.allow_methods)))
        if self.allow_headers:
            allowed.append(("Access-Control-Allow-Headers", ",".join(self.allow_headers)))
        if self.max_age:
            allowed.append(("Access-Control-Max-Age", str(self.max_age)))
        return allowed

    def _origin_headers(self, request: Message) -> list[_Header]:
        origin = request.get("Origin")
        if origin is None or not {"*", origin} & set(self.allow_origins):
            return []
        headers = [("Access-Control-Allow-Origin", "*" if "*" in self.allow_origins else origin)]
        if "*" not in self.allow_origins:
            headers.append(("Vary", "Origin"))
        if self.allow_credentials:
            headers.append(("Access-Control-Allow-Credentials", "true"))
        return headers


class FunctionUrl:
    """An HTTP listener for one function.

    Args:
        function: Returns the deployed version of the function.
        url_id: The id in the URL on AWS.
        port: The port; 0 means any free port.
        cors: The CORS settings; without them the function answers preflight requests itself.
    """

    def __init__(
        self, function: Callable[[], Function], url_id: str, port: int, cors: CorsSettings | None = None
    ) -> None:
        self._function = function
        self._url_id = url_id
        self._cors = cors
        self._server = HttpServer(self._handle, port, web_pages=True)
        self.url = f"http://{self._server.address}/"

    def alive(self) -> bool:
        """Return whether it still listens."""
        return self._server.alive()

    def close(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _handle(self, request: Request) -> Response:
        if self._cors is None:
            return self._invoke(request)
        if preflight := self._cors.preflight_response(request):
            return preflight
        response = self._invoke(request)
        return replace(response, headers=(*response.headers, *self._cors.response_headers(request.headers)))

    def _invoke(self, request: Request) -> Response:
        if len(request.body) > BODY_LIMIT:
            return error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        event = json.dumps(url_event(request, self._url_id)).encode()
        if len(event) > BODY_LIMIT:
            return error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        try:
            result = self._function().invoke(event)
        except ThrottledError:
            return error_response(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests")
        if result.failed:
            return error_response(HTTPStatus.BAD_GATEWAY, "Internal Server Error")
        return url_response(result.payload)
