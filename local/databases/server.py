"""What every database server on this machine has in common."""

import os
import shutil
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from local.platform.errors import ServerUnavailable
from local.platform.processes import NOBODY, end_leftovers, free_port, spawn, stop, unprivileged, wait_until

START_SECONDS = 60
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "LC_ALL": "C", "TZ": "UTC"}


class DatabaseServer(ABC):
    """One server process, its data in `data`, listening on 127.0.0.1 and on a socket inside `data`."""

    engine: ClassVar[str]
    stop_signals: ClassVar[tuple[signal.Signals, ...]]

    def __init__(self, data: Path, parameters: Mapping[str, str]) -> None:
        self.data = data.absolute()
        self.cluster = self.data / "cluster"
        self.log = self.data / "server.log"
        self.parameters = dict(parameters)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, port: int | None = None) -> None:
        """Start the server, creating its data directory when absent; recovers after a crash.

        Raises:
            ServerUnavailable: it does not start; the message ends with its log.
        """
        end_leftovers(*self._own_arguments())
        if not self.cluster.exists():
            self._create()
        self._prepare()
        self.port = port or free_port()
        with self.log.open("ab") as log:
            self._process = spawn(
                self._command(),
                cwd=self.cluster,
                env=ENVIRONMENT,
                output=log,
                death_signal=self.stop_signals[0],
                drop_root=True,
            )
        wait_until(lambda: not self.alive() or self._ready(), START_SECONDS)
        if not self.alive():
            raise ServerUnavailable(f"the {self.engine} server did not start; its log ends with:\n{self._log_tail()}")

    def alive(self) -> bool:
        """Whether the process that `start` made still runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Shut down cleanly; nothing happens when it is not running."""
        if self._process is not None:
            stop(self._process, *self.stop_signals)
            self._process = None

    @abstractmethod
    def set_master(self, username: str, password: str) -> None:
        """Give `username` this password and a master user's rights, as RDS does; creates it when absent."""

    @abstractmethod
    def _initialise(self, directory: Path) -> list[str]:
        """The command that fills an empty data directory."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _ready(self) -> bool: ...

    @abstractmethod
    def _own_arguments(self) -> tuple[str, ...]:
        """Arguments by which a process on this data directory is known."""

    @abstractmethod
    def _prepare(self) -> None:
        """Write what has to be written before every start."""

    def _create(self) -> None:
        """Fill a directory beside the real one, then rename: an interrupted start leaves nothing half made."""
        new = self.data / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(new, NOBODY, NOBODY)
        line = unprivileged(self._initialise(new))
        done = subprocess.run(line, cwd=new, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerUnavailable(f"could not create {self.data}:\n{(done.stdout + done.stderr).strip()}")
        new.rename(self.cluster)

    def _log_tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @contextmanager
    def _socket_directory(self) -> Generator[str]:
        """The data directory by a name short enough for a socket's path, however deep the checkout lies."""
        if sys.platform != "linux":
            yield str(self.cluster)
            return
        directory = os.open(self.cluster, os.O_RDONLY)
        try:
            yield f"/proc/self/fd/{directory}"
        finally:
            os.close(directory)
