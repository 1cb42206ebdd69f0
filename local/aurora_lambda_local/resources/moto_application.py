"""moto's application, closed to web pages and without moto's own control routes."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug import Request, Response

from aurora_lambda_local.platform.web_pages import web_page_error

# Routes of moto's own that list and reset all its data.
CONTROL_ROUTES = "/moto-api"


class ClosedApplication:
    """A WSGI application that answers programs of this machine only, and adds no CORS headers."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request: Request) -> Response:
        if refusal := web_page_error(request.headers):
            return _error(HTTPStatus.FORBIDDEN, "AccessDeniedException", refusal)
        if request.path.startswith(CONTROL_ROUTES):
            return _error(HTTPStatus.NOT_FOUND, "UnknownOperationException", f"{CONTROL_ROUTES} is closed here")
        response = Response.from_app(self._application, request.environ)
        for name in [name for name, _ in response.headers if name.lower().startswith("access-control-")]:
            response.headers.remove(name)
        return response


def _error(status: HTTPStatus, error_type: str, message: str) -> Response:
    body = json.dumps({"__type": error_type, "Message": message})
    return Response(body, status, content_type="application/x-amz-json-1.1")
