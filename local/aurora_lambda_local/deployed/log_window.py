"""The newest lines of the functions' logs, each with the request that it belongs to."""

import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from aurora_lambda_local.deployed.log_lines import format_event
from aurora_lambda_local.deployed.log_reader import LogEvent, LogReader

KEPT_LINES = 5000
# The end of a log, with which a window begins.
NEWEST_BYTES = 1 << 20
REQUEST_ID = re.compile(r'[Rr]equestId"?: ?"?([0-9a-f-]{36})|^\S+Z ([0-9a-f-]{36}) Task timed out')
START = re.compile(r'START RequestId: |\{.*"type": "platform\.start"')
REPORT = re.compile(r'REPORT RequestId: |\{.*"type": "platform\.report"')
ERROR_STYLES = ("red", "bold red")


@dataclass(frozen=True)
class Line:
    """A line of a log as texts with their styles; `request_id` is empty where it cannot be told."""

    number: int
    function: str
    request_id: str
    parts: list[tuple[str, str]]

    @property
    def is_error(self) -> bool:
        """Whether it tells of an error."""
        return any(style in ERROR_STYLES for _, style in self.parts) or "[ERROR]" in self.text

    @property
    def text(self) -> str:
        """What a person reads of it, without its time."""
        return "".join(text for text, _ in self.parts[1:])


class LogWindow:
    """The newest lines of a stack's functions; may be read from several threads."""

    def __init__(self, directory: Path) -> None:
        self._logs = LogReader(directory, newest_bytes=NEWEST_BYTES)
        self._lines: deque[Line] = deque(maxlen=KEPT_LINES)
        self._numbers = count(1)
        # The requests of each function that have begun and not ended.
        self._open: defaultdict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    def lines(self, function: str, request_id: str = "", after: int = 0) -> list[Line]:
        """Return the lines of a function after the line `after`, of all requests or of those that begin so."""
        with self._lock:
            self._lines += self._read()
            of_function = [line for line in self._lines if line.number > after and line.function == function]
        return [line for line in of_function if line.request_id.startswith(request_id)]

    def last_errors(self) -> dict[str, Line]:
        """Return the last line of each function that tells of an error."""
        with self._lock:
            self._lines += self._read()
            return {line.function: line for line in self._lines if line.is_error}

    def _read(self) -> Iterator[Line]:
        for event in self._logs.read():
            request_id = self._request_id(event)
            if parts := format_event(event):
                yield Line(next(self._numbers), event.function, request_id, parts)

    def _request_id(self, event: LogEvent) -> str:
        """Return the request that a line names, or the only one that its function is working on."""
        is_open = self._open[event.function]
        match = REQUEST_ID.search(event.text)
        request_id = (match[1] or match[2]) if match else next(iter(is_open)) if len(is_open) == 1 else ""
        if START.match(event.text):
            is_open.add(request_id)
        elif REPORT.match(event.text):
            is_open.discard(request_id)
        return request_id
