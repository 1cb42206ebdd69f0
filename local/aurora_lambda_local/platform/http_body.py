"""Read the body of an HTTP request, whether of a declared length or in chunks."""

import re
from email.message import Message
from io import BufferedIOBase

# Larger than any payload that Lambda accepts, so that the API in question refuses what is too large for it.
BODY_LIMIT = 256 * 1024 * 1024
LINE_LIMIT = 65536
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?\r?\n")


class BodyTooLargeError(Exception):
    """The declared body is larger than `BODY_LIMIT`; it is not read."""


def read_body(headers: Message, source: BufferedIOBase) -> bytes:
    """Return the body of a request, whether of a declared length or in chunks.

    Raises:
        ValueError: the body is neither, or ends too early.
        BodyTooLargeError: the body is larger than `BODY_LIMIT`.
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
        raise BodyTooLargeError
    data = source.read(size)
    if len(data) < size:
        raise ValueError("the body ends too early")
    return data
