"""Read the logs of a stack's functions on this machine."""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path

from aurora_lambda_local.deployed.stack import program_name
from aurora_lambda_local.platform.paths import earlier_log

# Lines that a full disk has cut do not match.
LINE = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class LogEvent:
    """What a function logged at one time: a line here; on AWS it may be several."""

    time: datetime
    function: str
    text: str


class LogReader:
    """A reader of the logs in a folder, which goes on where it stopped; functions go by their names in the program."""

    def __init__(self, directory: Path, names: Collection[str] = (), newest_bytes: int | None = None) -> None:
        """Read the logs of functions of these `names`, or of all.

        The first read begins `newest_bytes` before the end of each current log.
        """
        self._directory, self._names, self._newest_bytes = directory, names, newest_bytes
        # By the log's path: the file that was read, as its inode, and how far.
        self._positions: dict[Path, tuple[int, int]] = {}

    def functions(self) -> list[str]:
        """Return the functions that have a log."""
        return sorted({program_name(path.stem) for path in self._directory.glob("*.log")})

    def read(self) -> list[LogEvent]:
        """Return what has been logged since the last call, in order of time."""
        events = [event for path in self._directory.glob("*.log") for event in self._read(path)]
        return sorted(events, key=attrgetter("time"))

    def _read(self, path: Path) -> Iterator[LogEvent]:
        function = program_name(path.stem)
        if self._names and function not in self._names:
            return
        if self._newest_bytes is not None and path not in self._positions:
            with suppress(FileNotFoundError):
                status = path.stat()
                self._positions[path] = status.st_ino, max(status.st_size - self._newest_bytes, 0)
        # What was the current file at the last call may be the earlier one now.
        for file in (earlier_log(path), path):
            with suppress(FileNotFoundError), file.open("rb") as log:
                status = os.fstat(log.fileno())
                known, position = self._positions.get(path, (0, 0))
                if file != path and known not in (0, status.st_ino):
                    continue
                # A `down` may have deleted the log, and an `up` begun another.
                position = log.seek(position if known == status.st_ino and position <= status.st_size else 0)
                data = log.read()
                self._positions[path] = status.st_ino, position + data.rfind(b"\n") + 1
                for time, text in LINE.findall(data):
                    moment = datetime.fromisoformat(time.decode())
                    yield LogEvent(moment, function, text.decode(errors="replace"))
