"""A function URL: an HTTP listener that invokes one function."""

import json
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from aurora_lambda_local.lambda_service.cors import CorsSettings
from aurora_lambda_local.lambda_service.function import Function, ThrottledError
from aurora_lambda_local.lambda_service.url_payload import error_response, url_event, url_response
from aurora_lambda_local.platform.http_server import HttpServer, Request, Response

BODY_LIMIT = 6 * 1024 * 1024


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
