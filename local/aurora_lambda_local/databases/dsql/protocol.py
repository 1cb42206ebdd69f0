"""PostgreSQL's frontend/backend protocol, version 3: messages, and a socket that carries them.

Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import ssl
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aurora_lambda_local.databases.dsql.errors import ConnectionDroppedError, DsqlError

VERSION = 196608
# A length counts itself.
LENGTH_BYTES = 4
CODE_BYTES = 4
# What PostgreSQL takes from a client that it does not know yet: MAX_STARTUP_PACKET_LENGTH, PG_MAX_AUTH_TOKEN_LENGTH.
MAX_STARTUP_BYTES = 10_000
MAX_LOGIN_BYTES = 65_535
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102


@dataclass(frozen=True)
class Message:
    """One message: its type, one byte, and what follows its length."""

    type: bytes
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the message as it is sent."""
        return self.type + struct.pack("!i", len(self.body) + LENGTH_BYTES) + self.body

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields of an ErrorResponse or NoticeResponse, by their one-letter codes."""
        return {part[:1].decode(): part[1:].decode(errors="replace") for part in self.body.split(b"\0") if part}


class RefusedError(Exception):
    """PostgreSQL has refused something; `replies` end with its error."""

    def __init__(self, replies: Sequence[Message]) -> None:
        super().__init__()
        self.replies = replies


class MessageSocket:
    """Messages to and from a socket; one of more than `limit` bytes ends the connection."""

    def __init__(self, connection: socket.socket, limit: int = 2**31) -> None:
        self.connection = connection
        self.limit = limit
        self._input = connection.makefile("rb")
        self._end: float | None = None

    def end_after(self, seconds: float) -> None:
        """Receive nothing later than `seconds` from now."""
        self._end = time.monotonic() + seconds

    def receive(self) -> Message:
        """Return the next message.

        Raises:
            ConnectionDroppedError: the other side has closed, or the message is too large.
            TimeoutError: the time of the connection is over.
        """
        if self._end is not None:
            # No timeout of 0: that would mean a socket that never waits.
            self.connection.settimeout(max(0.001, self._end - time.monotonic()))
        return Message(self._exactly(1), self._content())

    def receive_startup(self) -> tuple[int, bytes]:
        """Return the code and the rest of a startup packet, the one kind that has no type.

        Raises:
            ConnectionDroppedError: the other side has closed, or the packet is too large or has no code.
        """
        packet = self._content(MAX_STARTUP_BYTES)
        if len(packet) < CODE_BYTES:
            raise ConnectionDroppedError
        return struct.unpack("!i", packet[:CODE_BYTES])[0], packet[CODE_BYTES:]

    def send(self, messages: Iterable[Message]) -> None:
        """Send all messages at once."""
        self.connection.sendall(b"".join(each.encode() for each in messages))

    def shut_down(self) -> None:
        """End the connection under the thread that reads from it; that thread has to close it."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection; a client under TLS is told so."""
        with suppress(OSError, ValueError):
            if isinstance(self.connection, ssl.SSLSocket):
                # Do not wait for the other side to close TLS.
                self.connection.settimeout(0)
                self.connection.unwrap()
        self.shut_down()
        self._input.close()
        self.connection.close()

    def _content(self, limit: int | None = None) -> bytes:
        size: int = struct.unpack("!i", self._exactly(LENGTH_BYTES))[0] - LENGTH_BYTES
        if not 0 <= size <= (self.limit if limit is None else limit):
            raise ConnectionDroppedError
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = self._input.read(size)
        if len(data) < size:
            raise ConnectionDroppedError
        return data


def startup_packet(code: int, body: bytes) -> bytes:
    """Return a packet of the one kind that has no type."""
    return struct.pack("!ii", LENGTH_BYTES + CODE_BYTES + len(body), code) + body


def startup(parameters: Mapping[str, str]) -> bytes:
    """Return the packet that opens a connection."""
    pairs = "".join(f"{name}\0{value}\0" for name, value in parameters.items())
    return startup_packet(VERSION, pairs.encode() + b"\0")


def startup_parameters(body: bytes) -> dict[str, str]:
    """Return the names and values in a startup packet."""
    words = [word.decode(errors="replace") for word in body.split(b"\0")]
    return {name: value for name, value in zip(words[::2], words[1::2], strict=False) if name}


def error_response(error: DsqlError) -> Message:
    """Return the message that reports `error`."""
    fields = {"S": error.severity, "V": error.severity, "C": error.sqlstate, "M": error.message, "H": error.hint}
    return _with_fields({code: text for code, text in fields.items() if text})


def without_internals(message: Message) -> Message:
    """Return an ErrorResponse without the fields that tell of the stand-in's own functions."""
    return _with_fields({code: text for code, text in message.fields.items() if code not in {"W", "q", "p"}})


def sqlstate(replies: Sequence[Message]) -> str:
    """Return the SQLSTATE of the error among `replies`; empty when there is none."""
    return next((each.fields["C"] for each in replies if each.type == b"E"), "")


def query(sql: str) -> Message:
    """Return the message of a simple query."""
    return Message(b"Q", sql.encode() + b"\0")


def complete(tag: str) -> Message:
    """Return the message that a statement is done."""
    return Message(b"C", tag.encode() + b"\0")


def ready(status: str) -> Message:
    """Return ReadyForQuery: `I` idle, `T` in a transaction block, `E` in one that has failed."""
    return Message(b"Z", status.encode())


def parameter_status(name: str, value: str) -> Message:
    """Return the report of a setting."""
    return Message(b"S", f"{name}\0{value}\0".encode())


def _with_fields(fields: Mapping[str, str]) -> Message:
    return Message(b"E", "".join(f"{code}{text}\0" for code, text in fields.items()).encode() + b"\0")


def split_text(body: bytes) -> tuple[str, bytes]:
    """Return the text at the beginning of `body`, up to its zero byte, and what comes after it.

    Raises:
        DsqlError: it is not UTF-8, the one encoding of a cluster.
    """
    text, _, rest = body.partition(b"\0")
    try:
        return text.decode(), rest
    except UnicodeDecodeError:
        raise DsqlError("22021", 'invalid byte sequence for encoding "UTF8"') from None
