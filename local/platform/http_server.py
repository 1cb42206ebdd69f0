"""An HTTP/1.1 server on loopback that passes each request to one function, with a thread for each connection."""

import re
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase

# Larger than any payload that Lambda accepts, so that the API in question refuses what is too large for it.
BODY_LIMIT = 256 * 1024 * 1024
LINE_LIMIT = 65536
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?\r?\n")


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
    """One response; `Content-Length` is added."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=(("Content-Type", "application/json"),))


RequestHandler = Callable[[Request], Response]


class HttpServer:
    """A server that listens on 127.0.0.1 until stopped; port 0 means any free port."""

    def __init__(self, handle: RequestHandler, port: int = 0) -> None:
        self._server = _Listener(("127.0.0.1", port), _request_handler(handle))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
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
        self._server.shutdown()
        self._server.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _request_handler(handle: RequestHandler) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        error_content_type = "application/json"
        error_message_format = '{"Message": "%(explain)s"}'

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Return the same `do_METHOD` for every method: `handle` decides which there are."""
            if name.startswith("do_"):
                return self._respond
            raise AttributeError(name)

        def _respond(self) -> None:
            try:
                body = _read_body(self.headers, self.rfile)
            except _BodyTooLargeError:
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

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Print nothing: what matters is in the functions' logs."""

    return Handler


class _BodyTooLargeError(Exception):
    """The declared body is larger than `BODY_LIMIT`; it is not read."""


def _read_body(headers: Message, source: BufferedIOBase) -> bytes:
    """Return the body of a request, whether of a declared length or in chunks.

    Raises:
        ValueError: the body is neither, or ends too early.
    """
    if encoding := headers.get("Transfer-Encoding"):
        if encoding.lower() != "chunked":
            raise ValueError("Transfer-Encoding is not chunked")
        return _read_chunks(source)
    length = headers.get("Content-Length") or "0"
    if not _LENGTH.fullmatch(length):
        raise ValueError("Content-Length is not a number of bytes")
    return _read_exactly(source, int(length))


def _read_chunks(source: BufferedIOBase) -> bytes:
    body = bytearray()
    while True:
        match = _CHUNK.fullmatch(source.readline(LINE_LIMIT))
        if match is None:
            raise ValueError("a chunk does not begin with its size")
        if not (size := int(match[1], 16)):
            break
        body += _read_exactly(source, size, BODY_LIMIT - len(body))
        if source.readline(LINE_LIMIT).strip():
            raise ValueError("a chunk does not end with its size")
    # Trailers are not part of an event.
    while source.readline(LINE_LIMIT).strip():
        continue
    return bytes(body)


def _read_exactly(source: BufferedIOBase, size: int, limit: int = BODY_LIMIT) -> bytes:
    if size > limit:
        raise _BodyTooLargeError
    data = source.read(size)
    if len(data) < size:
        raise ValueError("the body ends too early")
    return data
