"""A function's log: the output of its environments, and the lines that Lambda adds, each with its time."""

import json
import os
import select
import threading
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from aurora_lambda_local.platform.paths import LOG_BYTES, earlier_log

TAIL_BYTES = 4096
# What a pipe holds at most.
PIPE_BYTES = 1 << 16
# The largest event that CloudWatch Logs takes; a longer line is cut.
LINE_BYTES = 1 << 20


class FunctionLog:
    """The log of a function, shared by its environments: a file, and the full one before it."""

    # One for all, because a function's next version writes to the same files while this one still runs.
    _lock = threading.Lock()

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._open()

    def write(self, lines: bytes) -> None:
        """Append each line with its time; ignore a full disk, which must not stop the function."""
        time = _now().encode()
        data = b"".join(b"%b %b\n" % (time, line) for line in lines.split(b"\n"))
        with suppress(OSError), self._lock:
            if os.fstat(self._descriptor).st_size > LOG_BYTES:
                self._begin_file()
            while data:
                data = data[os.write(self._descriptor, data) :]

    def _begin_file(self) -> None:
        # Another version may have done it already.
        if os.path.samestat(os.fstat(self._descriptor), self._path.stat()):
            self._path.replace(earlier_log(self._path))
        close = self._close
        self._open()
        close()

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._close = weakref.finalize(self, os.close, self._descriptor)


class OutputPump:
    """Copy the output of one environment to the log, and keep the tail of the current invocation."""

    def __init__(self, log: FunctionLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._tail: bytearray | None = None
        self._line = b""
        self._source, self.sink = os.pipe()
        os.set_blocking(self._source, False)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start copying; call this once the process has `sink` as its output."""
        os.close(self.sink)
        self._thread.start()

    def write(self, line: str) -> None:
        """Add one of Lambda's own lines after the output so far."""
        with self._lock:
            self._drain()
            self._end_line()
            self._append(line.encode() + b"\n")

    @contextmanager
    def tail(self) -> Generator[bytearray]:
        """Collect the last 4 KB that are logged within the `with` block."""
        with self._lock:
            self._drain()
            self._tail = collected = bytearray()
        try:
            yield collected
        finally:
            with self._lock:
                self._drain()
                self._tail = None

    def _run(self) -> None:
        while True:
            select.select([self._source], [], [])
            with self._lock:
                if not self._drain():
                    self._end_line()
                    os.close(self._source)
                    self._source = -1
                    return

    def _drain(self) -> bool:
        """Copy the output that is available; return False at its end.

        It reads once: a function that never stops printing would keep others from the lock, and from its timeout.
        """
        if self._source < 0:
            return False
        try:
            data = os.read(self._source, PIPE_BYTES)
        except BlockingIOError:
            return True
        self._append(data)
        return bool(data)

    def _append(self, data: bytes) -> None:
        lines, newline, rest = data.rpartition(b"\n")
        if newline:
            self._log.write(self._line + lines)
            self._line = b""
        self._line += rest
        if len(self._line) > LINE_BYTES:
            self._end_line()
        if self._tail is not None:
            self._tail += data
            del self._tail[:-TAIL_BYTES]

    def _end_line(self) -> None:
        """Log a line that the function has not ended."""
        if self._line:
            self._log.write(self._line)
            self._line = b""


def start_line(request_id: str, *, as_json: bool) -> str:
    """Return the line that Lambda logs when an invocation begins."""
    if as_json:
        return _platform_event("platform.start", {"requestId": request_id, "version": "$LATEST"})
    return f"START RequestId: {request_id} Version: $LATEST"


def timeout_line(request_id: str, seconds: float) -> str:
    """Return the line that Lambda logs when an invocation exceeds its timeout."""
    return f"{_now()} {request_id} Task timed out after {seconds:.2f} seconds\n"


def report_lines(
    request_id: str,
    milliseconds: float,
    memory_mb: int,
    used_mb: int,
    init_milliseconds: float | None,
    *,
    as_json: bool,
) -> str:
    """Return the lines that Lambda logs when an invocation has ended."""
    billed = int(milliseconds + (init_milliseconds or 0)) + 1
    if as_json:
        init = {} if init_milliseconds is None else {"initDurationMs": round(init_milliseconds, 3)}
        metrics = {
            "durationMs": round(milliseconds, 3),
            "billedDurationMs": billed,
            "memorySizeMB": memory_mb,
            "maxMemoryUsedMB": used_mb,
            **init,
        }
        return _platform_event("platform.report", {"requestId": request_id, "metrics": metrics})
    start = "" if init_milliseconds is None else f"Init Duration: {init_milliseconds:.2f} ms\t"
    return (
        f"END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {billed} ms\t"
        f"Memory Size: {memory_mb} MB\tMax Memory Used: {used_mb} MB\t{start}"
    )


def _platform_event(event_type: str, record: Mapping[str, object]) -> str:
    return json.dumps({"time": _now(), "type": event_type, "record": record})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
