"""The base class of the database servers that run on this machine."""

import os
import shutil
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from aurora_lambda_local.platform.errors import ServerUnavailableError
from aurora_lambda_local.platform.paths import LOG_BYTES, earlier_log
from aurora_lambda_local.platform.processes import (
    NOBODY,
    free_port,
    spawn,
    stop,
    terminate_leftovers,
    unprivileged_command,
    wait_until,
)

START_SECONDS = 60
LOG_LINES = 15
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "LC_ALL": "C", "TZ": "UTC"}


class DatabaseServer(ABC):
    """A server process with its data in `data` that listens on 127.0.0.1 and on a socket inside `data`."""

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
        """Start the server, creating its data directory when absent, also after a crash.

        Raises:
            ServerUnavailableError: it does not start; the message ends with its log.
        """
        terminate_leftovers(*self._own_arguments())
        if not self.cluster.exists():
            self._create()
        self._prepare()
        self.port = port or free_port()
        with self.log.open("ab") as log:
            self._process = spawn(
                self._command(),
                cwd=self.cluster,
                env=self._environment(),
                output=log,
                death_signal=self.stop_signals[0],
                drop_root=True,
            )
        wait_until(lambda: not self.alive() or self._ready(), START_SECONDS)
        if not (self.alive() and self._ready()):
            self.stop()
            raise ServerUnavailableError(
                f"the {self.engine} server did not start; its log ends with:\n{self._log_tail()}"
            )

    def alive(self) -> bool:
        """Return whether the process that `start` started still runs."""
        return self._process is not None and self._process.poll() is None

    def bound_log(self) -> None:
        """Move what the log holds into the file before it, once it is full."""
        with suppress(OSError):
            if self.log.stat().st_size > LOG_BYTES:
                # A copy, since the server goes on writing to the file that it has open.
                shutil.copy(self.log, earlier_log(self.log))
                os.truncate(self.log, 0)

    def stop(self) -> None:
        """Shut the server down cleanly; do nothing when it is not running."""
        if self._process is not None:
            stop(self._process, *self.stop_signals)
            self._process = None

    @abstractmethod
    def set_master(self, username: str, password: str) -> None:
        """Give `username` this password and the rights of an RDS master user; create the user when absent."""

    @abstractmethod
    def _initialise(self, directory: Path) -> list[str]:
        """Return the command that initialises an empty data directory."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _ready(self) -> bool: ...

    @abstractmethod
    def _own_arguments(self) -> tuple[str, ...]:
        """Return the arguments that identify a process on this data directory."""

    @abstractmethod
    def _prepare(self) -> None:
        """Write the files that have to be written before every start."""

    def _create(self) -> None:
        """Initialise a new directory and rename it, so that an interruption leaves nothing incomplete."""
        new = self._empty_directory("new")
        command = unprivileged_command(self._initialise(new))
        completed = subprocess.run(
            command, cwd=new, env=self._environment(), capture_output=True, text=True, check=False
        )
        if completed.returncode:
            shutil.rmtree(new, ignore_errors=True)
            raise ServerUnavailableError(
                f"could not create {self.data}:\n{(completed.stdout + completed.stderr).strip()}"
            )
        new.rename(self.cluster)

    def _environment(self) -> dict[str, str]:
        # MariaDB removes at its start what other servers have in a temporary directory that they share.
        return {**ENVIRONMENT, "TMPDIR": str(self._empty_directory("tmp"))}

    def _empty_directory(self, name: str) -> Path:
        directory = self.data / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
        return directory

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    @contextmanager
    def _socket_directory(self) -> Generator[str]:
        """Give the data directory by a path short enough for a socket (108 bytes on Linux)."""
        if sys.platform != "linux":
            yield str(self.cluster)
            return
        directory = os.open(self.cluster, os.O_RDONLY)
        try:
            yield f"/proc/self/fd/{directory}"
        finally:
            os.close(directory)
