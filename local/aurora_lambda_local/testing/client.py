"""An application, called as Lambda calls it: requests of its function URL, and direct invocations."""

import asyncio
import json
from dataclasses import dataclass
from email.message import Message
from functools import cached_property, partialmethod
from typing import Any
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from aurora_lambda_local.lambda_service.url_payload import url_event, url_response
from aurora_lambda_local.platform.http_server import Request
from aurora_lambda_runtime.handler.dispatcher import Dispatcher

JSON_TYPE = "application/json"


@dataclass
class Context:
    """Lambda's context object, as far as handlers read it."""

    aws_request_id: str = "6f1c5a4e-0000-4000-8000-000000000000"
    remaining: int = 15_000

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left, which do not go by."""
        return self.remaining


@dataclass(frozen=True)
class ClientResponse:
    """A response; `headers` are found in any case, and `headers.getlist("Set-Cookie")` are its cookies."""

    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @cached_property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


class Client:
    """Calls an application in this process, on its database.

    Methods of HTTP take a path, with its query string, and `json` (a value), `body` (bytes or text) and `headers`.
    """

    def __init__(self, dispatcher: Dispatcher, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Call what `dispatcher` answers; `loop` is the one that an ASGI application began in."""
        self._dispatcher = dispatcher
        self._loop = loop

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | str = b"",
        headers: dict[str, str] | None = None,
    ) -> ClientResponse:
        """Send a request; redirects are not followed, and no cookies kept."""
        url = urlsplit(path)
        content = encode(json) if json is not None else body.encode() if isinstance(body, str) else body
        given = Headers({"Host": "localhost", **(headers or {})})
        if json is not None:
            given.setdefault("Content-Type", JSON_TYPE)
        message = Message()
        for name, value in given.items():
            message[name] = value
        event = url_event(Request(method, url.path, url.query, message, content), "test")
        response = url_response(encode(self._handle(event, Context())))
        return ClientResponse(response.status, Headers(list(response.headers)), response.body)

    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")

    def invoke(self, payload: Any = None, context: Context | None = None) -> Any:
        """Invoke the application directly, and return its answer.

        Raises:
            Exception: what Lambda would make a function error of.
        """
        return json.loads(encode(self._handle({} if payload is None else payload, context or Context())))

    def _handle(self, event: object, context: Context) -> object:
        if self._loop:
            # Another test's may be the current one.
            asyncio.set_event_loop(self._loop)
        return self._dispatcher.handle(event, context)


def encode(value: Any) -> bytes:
    """Return a value as JSON, as it goes over the wire."""
    return json.dumps(value).encode()
