"""An HTTP/1.1 server on loopback that passes each request to one function, with a thread for each connection."""

import json
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aurora_lambda_local.platform.errors import print_error
from aurora_lambda_local.platform.http_body import BodyTooLargeError, read_body
from aurora_lambda_local.platform.web_pages import foreign_host_error, web_page_error

IDLE_SECONDS = 60.0
WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


@dataclass(frozen=True)
class Request:
    """One request; the path and the query are as sent."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Response:
    """One response; `Content-Length` is added, and no body sent with a status that has none."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=(("Content-Type", "application/json"),))


RequestHandler = Callable[[Request], Response]


class HttpServer:
    """A server that listens on 127.0.0.1 until stopped.

    Args:
        handle: Answers each request.
        port: The port; 0 means any free port.
        web_pages: Whether the server answers web pages, which may come from any site that the developer visits.
        idle_seconds: How long the server waits for a silent client before it closes the connection; None: for ever.
    """

    def __init__(
        self,
        handle: RequestHandler,
        port: int = 0,
        *,
        web_pages: bool = False,
        idle_seconds: float | None = IDLE_SECONDS,
    ) -> None:
        check_headers = foreign_host_error if web_pages else web_page_error
        self._listener = _Listener(port, handle, check_headers, idle_seconds)
        self.port: int = self._listener.server_address[1]
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self.port}"

    def alive(self) -> bool:
        """Return whether it still listens."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop listening; open connections end with this process."""
        self._listener.shutdown()
        self._listener.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, port: int, handle: RequestHandler, check_headers: Callable[[Message], str], idle_seconds: float | None
    ) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.handle_http = handle
        self.check_headers = check_headers
        self.idle_seconds = idle_seconds

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # What an answer is written in before the request's own version is known: 0.9 would leave out the status line.
    default_request_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    error_content_type = "application/json"
    error_message_format = '{"Message": "%(explain)s"}'

    def __init__(self, request: socket.socket, client_address: tuple[str, int], listener: _Listener) -> None:
        self._listener = listener
        super().__init__(request, client_address, listener)

    def setup(self) -> None:
        """Set how long to wait for the client."""
        super().setup()
        self.connection.settimeout(self._listener.idle_seconds)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return the same `do_METHOD` for every method: the server's function decides which there are."""
        if name.startswith("do_"):
            return self._respond
        raise AttributeError(name)

    def _respond(self) -> None:
        # The parser takes a line that is no header, and all lines after it, for the beginning of the body.
        if isinstance(rest := self.headers.get_payload(), str) and rest:
            self._refuse(HTTPStatus.BAD_REQUEST, f"not a header: {rest.splitlines()[0]}")
            return
        if refusal := self._listener.check_headers(self.headers):
            self._refuse(HTTPStatus.FORBIDDEN, refusal)
            return
        try:
            body = read_body(self.headers, self.rfile)
        except BodyTooLargeError:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
            return
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        # Not self.path, in which leading slashes are made one.
        path, _, query = self.requestline.split()[1].partition("?")
        self._send(self._answer(Request(self.command, path, query, self.headers, body)))

    def _answer(self, request: Request) -> Response:
        """Return the answer to a request, also where the server's function fails."""
        try:
            return self._listener.handle_http(request)
        except Exception as error:
            print_error(error)
            return _message(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}")

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self.close_connection = True
        self._send(_message(status, message))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.status not in WITHOUT_BODY:
            self.send_header("Content-Length", str(len(response.body)))
        # A client of HTTP/1.0 that asked for it would wait for the end of the connection otherwise.
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()
        if self.command != "HEAD" and response.status not in WITHOUT_BODY:
            self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing: what matters is in the functions' logs."""


def _message(status: HTTPStatus, message: str) -> Response:
    return Response(status, json.dumps({"Message": message}).encode())
