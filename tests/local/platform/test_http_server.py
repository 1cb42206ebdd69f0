"""The HTTP server below the function URL and the Lambda endpoint, byte for byte."""

import json
import socket
from collections.abc import Iterator

import pytest

from aurora_lambda_local.platform.http_server import HttpServer, Request, Response
from tests.services import PATIENCE_SECONDS


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """Start a server that answers each request with its parts."""

    def echo(request: Request) -> Response:
        return Response(body=json.dumps([request.method, request.path, request.query, request.body.decode()]).encode())

    server = HttpServer(echo)
    yield server
    server.stop()


def talk(server: HttpServer, request: str) -> tuple[int, object]:
    """Send this and nothing more; the status and the JSON of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "get"])
def test_any_method_reaches_the_function(server: HttpServer, method: str) -> None:
    """The function's 405 with its Allow header could not be tried out: the answer would be an HTML 501."""
    assert talk(server, f"{method} /users HTTP/1.1\r\n\r\n") == (200, [method, "/users", "", ""])


def test_the_path_comes_as_it_was_sent(server: HttpServer) -> None:
    """A request that finds a route here would be a 404 on AWS."""
    assert talk(server, "GET //users?a=%20 HTTP/1.1\r\n\r\n") == (200, ["GET", "//users", "a=%20", ""])


@pytest.mark.parametrize("length", ["abc", "-5", "+5", "1_0", "٣", "1, 1", "9" * 19])
def test_a_length_that_is_no_number_is_refused(server: HttpServer, length: str) -> None:
    """The connection would be dropped without a word, or hang."""
    assert talk(server, f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\nhello") == (
        400,
        {"Message": "Content-Length is not a number of bytes"},
    )


def test_a_huge_length_is_refused_unread(server: HttpServer) -> None:
    """One header would take all memory of this machine."""
    assert talk(server, f"POST / HTTP/1.1\r\nContent-Length: {10**15}\r\n\r\n") == (
        413,
        {"Message": "Request Entity Too Large"},
    )


def test_a_body_that_breaks_off_is_refused(server: HttpServer) -> None:
    """A function would work on half of what was sent."""
    assert talk(server, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhello") == (
        400,
        {"Message": "the body ends too early"},
    )


def test_a_body_in_chunks_is_put_together(server: HttpServer) -> None:
    """`curl -T -` and clients that stream would be refused, as function URLs do not."""
    chunks = "5\r\nhello\r\nA;name=value\r\n, you ther\r\n1\r\ne\r\n0\r\nX-Trailer: 1\r\n\r\n"
    request = f"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
    assert talk(server, request) == (200, ["POST", "/", "", "hello, you there"])


@pytest.mark.parametrize(
    ("encoding", "body", "status", "message"),
    [
        ("gzip", "", 400, "Transfer-Encoding is not chunked"),
        ("chunked", "-5\r\nhello\r\n", 400, "a chunk does not begin with its size"),
        ("chunked", "", 400, "a chunk does not begin with its size"),
        ("chunked", "3\r\nhello\r\n0\r\n\r\n", 400, "a chunk does not end with its size"),
        ("chunked", "5\r\nhell", 400, "the body ends too early"),
        ("chunked", "fffffffffff\r\n", 413, "Request Entity Too Large"),
    ],
)
def test_chunks_that_are_none_are_refused(
    server: HttpServer, encoding: str, body: str, status: int, message: str
) -> None:
    """As above, for a client that streams."""
    request = f"POST / HTTP/1.1\r\nTransfer-Encoding: {encoding}\r\n\r\n{body}"
    assert talk(server, request) == (status, {"Message": message})


def test_what_the_server_itself_refuses_is_json(server: HttpServer) -> None:
    """A client that reads errors as JSON would fail on a page of HTML."""
    headers = "".join(f"X-{number}: 1\r\n" for number in range(101))
    assert talk(server, f"GET / HTTP/1.1\r\n{headers}\r\n") == (431, {"Message": "got more than 100 headers"})


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_is_sent_without_one(status: int) -> None:
    """A client takes the body for the beginning of the next answer on the same connection."""
    server = HttpServer(lambda _: Response(status, b"{}"))
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            head, _, body = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
        assert (int(head.split()[1]), b"Content-Length" in head, body) == (status, False, b"")
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("request_head", "connection"),
    [
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive", "keep-alive"),
        ("GET / HTTP/1.0", "close"),
        ("GET / HTTP/1.1", "keep-alive"),
        ("GET / HTTP/1.1\r\nConnection: close", "close"),
        ("POST / HTTP/1.1\r\nContent-Length: x", "close"),
    ],
)
def test_an_answer_says_whether_the_connection_stays(server: HttpServer, request_head: str, connection: str) -> None:
    """A client of HTTP/1.0, as `ab -k` is, would wait a minute for the end of each connection."""
    head = read_head(server.port, f"{request_head}\r\n\r\n")
    assert [line for line in head if line.startswith("Connection")] == [f"Connection: {connection}"]


PAGE_HEADERS = ["Origin: https://evil.example.com", "Origin: null", "Sec-Fetch-Site: cross-site"]
FOREIGN_HOSTS = [
    "Host: evil.example.com",
    "Host: evil.example.com:80",
    "Host: 127.0.0.1.evil.example.com",
    "Host: [::1",
]


@pytest.mark.parametrize("header", [*PAGE_HEADERS, *FOREIGN_HOSTS])
def test_requests_of_web_pages_are_refused(server: HttpServer, header: str) -> None:
    """A page that the developer visits could empty the database by a POST to the Invoke endpoint."""
    name, _, value = header.partition(": ")
    message = "this endpoint does not take requests of web pages"
    if name == "Host":
        message = f"Host {value} is not this machine: use 127.0.0.1 or localhost"
    assert talk(server, f"POST / HTTP/1.1\r\n{header}\r\n\r\n") == (403, {"Message": message})


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_programs_of_this_machine_are_answered(server: HttpServer, host: str) -> None:
    """Curl and the AWS CLI would be refused."""
    assert talk(server, f"GET / HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: none\r\n\r\n")[0] == 200


def test_a_server_for_web_pages_still_refuses_foreign_hosts() -> None:
    """A page could read every answer, once its own name resolves to this machine."""
    server = HttpServer(lambda _: Response(body=b"1"), web_pages=True)
    try:
        assert talk(server, f"GET / HTTP/1.1\r\n{PAGE_HEADERS[0]}\r\n\r\n") == (200, 1)
        assert talk(server, f"GET / HTTP/1.1\r\n{FOREIGN_HOSTS[0]}\r\n\r\n")[0] == 403
    finally:
        server.stop()


def test_a_failure_of_the_server_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """With a full disk, connections would be dropped without a word."""

    def fail(_: Request) -> Response:
        raise OSError(28, "No space left on device")

    server = HttpServer(fail)
    try:
        message = "OSError: [Errno 28] No space left on device"
        assert talk(server, "GET / HTTP/1.1\r\n\r\n") == (500, {"Message": message})
        assert capsys.readouterr().err.endswith(f"{message}\n")
    finally:
        server.stop()


@pytest.mark.parametrize("sent", ["", "GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhello"])
def test_a_silent_client_is_disconnected(sent: str) -> None:
    """Connections that say nothing would pile up, each with a thread, until no more can be opened."""
    server = HttpServer(lambda _: Response(), idle_seconds=0.2)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(sent.encode())
            assert connection.recv(100) == b""
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /info HTTP/2.0", 505),
        ("GET /info HTTP/x", 400),
        ("GET /info extra HTTP/1.1", 400),
        ("GET", 400),
        ("POST /info", 400),
        (f"GET /{'a' * 70_000} HTTP/1.1", 414),
        (f"GET / HTTP/1.1\r\nX: {'a' * 70_000}", 431),
    ],
    ids=["version", "no version", "four words", "one word", "two words", "long line", "long header"],
)
def test_a_request_that_cannot_be_read_is_answered_with_a_status_line(
    server: HttpServer, request_line: str, status: int
) -> None:
    """A client would take the answer's body for the whole answer, of no status at all."""
    head = read_head(server.port, f"{request_line}\r\nHost: localhost\r\n\r\n")
    assert head[0].startswith(f"HTTP/1.1 {status} ")
    assert "Content-Type: application/json" in head


def read_head(port: int, request: str) -> list[str]:
    """Send this; the lines of the answer before its body."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(request.encode())
        with connection.makefile("rb") as answer:
            return [line.decode().strip() for line in iter(answer.readline, b"\r\n")]


def test_a_request_without_a_version_gets_a_status_line_too(server: HttpServer) -> None:
    """`printf 'GET /info'` would show a body that no client can read."""
    assert talk(server, "GET /info\r\n\r\n") == (200, ["GET", "/info", "", ""])


@pytest.mark.parametrize("line", ["bad", "Name : value", "A\0: 1"])
def test_a_line_that_is_no_header_is_refused(server: HttpServer, line: str) -> None:
    """All headers behind it would be lost, and the body taken for the next request."""
    request = f"POST / HTTP/1.1\r\nA: 1\r\n{line}\r\nContent-Length: 5\r\n\r\nhello"
    assert talk(server, request) == (400, {"Message": f"not a header: {line}"})


def test_the_requests_of_web_pages_are_refused_unread(server: HttpServer) -> None:
    """Any page could make this machine keep 256 MB for each request that it sends."""
    request = f"POST / HTTP/1.1\r\n{PAGE_HEADERS[0]}\r\nContent-Length: 256000000\r\n\r\n"
    head = read_head(server.port, request)
    assert head[0] == "HTTP/1.1 403 Forbidden"
