"""A small HTTP/1.1 server on loopback: a function from request to response, on a thread for each connection."""

import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any

# More than any answer or event may have: what is larger than those, but no larger than this, is refused in their words.
BODY_LIMIT = 256 * 1024 * 1024
LINE_LIMIT = 65536
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?\r?\n")


@dataclass(frozen=True)
class Request:
    """One request, its path and query as they came."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Response:
    """One response; `Content-Length` is added."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=(("Content-Type", "application/json"),))


Handle = Callable[[Request], Response]


class Server:
    """Listens on 127.0.0.1 until stopped; a port of 0 takes a free one."""

    def __init__(self, handle: Handle, port: int = 0) -> None:
        self._server = _Listener(("127.0.0.1", port), _handler(handle))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self.port}"

    def alive(self) -> bool:
        """Whether it still listens."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Listen no more; connections that are open end with this process."""
        self._server.shutdown()
        self._server.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # ty: ignore[invalid-argument-type]


def _handler(handle: Handle) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        error_content_type = "application/json"
        error_message_format = '{"Message": "%(explain)s"}'

        def __getattr__(self, name: str) -> Any:
            """Each `do_METHOD`: which methods there are is for `handle` to say."""
            if name.startswith("do_"):
                return self._respond
            raise AttributeError(name)

        def _respond(self) -> None:
            try:
                body = _body(self.headers, self.rfile)
            except _TooLarge:
                self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, explain="Request Entity Too Large")
                return
            except ValueError as error:
                self.send_error(HTTPStatus.BAD_REQUEST, explain=str(error))
                return
            # Not self.path, in which leading slashes are made one.
            path, _, query = self.requestline.split()[1].partition("?")
            self._send(handle(Request(self.command, path, query, self.headers, body)))

        def _send(self, response: Response) -> None:
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: what matters is in the functions' logs."""

    return Handler


class _TooLarge(Exception):  # noqa: N818 - of the body, not of this program
    """A body that is not read."""


def _body(headers: Message, source: BufferedIOBase) -> bytes:
    """The body of a request, of a declared length or in chunks.

    Raises:
        ValueError: it is neither.
    """
    if encoding := headers.get("Transfer-Encoding"):
        if encoding.lower() != "chunked":
            raise ValueError("Transfer-Encoding is not chunked")
        return _chunks(source)
    length = headers.get("Content-Length") or "0"
    if not _LENGTH.fullmatch(length):
        raise ValueError("Content-Length is not a number of bytes")
    return _exactly(source, int(length))


def _chunks(source: BufferedIOBase) -> bytes:
    body = bytearray()
    while True:
        match = _CHUNK.fullmatch(source.readline(LINE_LIMIT))
        if match is None:
            raise ValueError("a chunk does not begin with its size")
        if not (size := int(match[1], 16)):
            break
        body += _exactly(source, size, BODY_LIMIT - len(body))
        if source.readline(LINE_LIMIT).strip():
            raise ValueError("a chunk does not end with its size")
    # Trailers: a function is not told of them.
    while source.readline(LINE_LIMIT).strip():
        continue
    return bytes(body)


def _exactly(source: BufferedIOBase, size: int, limit: int = BODY_LIMIT) -> bytes:
    if size > limit:
        raise _TooLarge
    data = source.read(size)
    if len(data) < size:
        raise ValueError("the body ends too early")
    return data
