"""The short-lived side's view of the supervisor: start it, ask it, end it."""

import fcntl
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

import psutil

from local.platform.errors import LocalError
from local.platform.paths import CHECKOUT, LocalPaths, code_digest
from local.platform.processes import end_leftovers, wait_until
from local.runtimes.container import remove_containers

START_SECONDS = 30
STOP_SECONDS = 30


class SupervisorClient:
    """Asks one checkout's supervisor."""

    def __init__(self, paths: LocalPaths) -> None:
        self._paths = paths
        self._connections: set[http.client.HTTPConnection] = set()

    def running(self) -> bool:
        """Whether there is a supervisor to ask."""
        return self._about() is not None

    def start(self) -> None:
        """Start the supervisor, unless one with this code runs already.

        Raises:
            LocalError: it does not start; the message ends with its log.
        """
        about = self._about()
        if about and about["code"] == code_digest():
            return
        self.stop()
        self._paths.root.mkdir(exist_ok=True)
        with self._paths.supervisor_log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.supervisor.server", self._paths.marker],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self.running() or process.poll() is not None, START_SECONDS)
        # It lives on when this process ends: there is nothing for Popen to warn of.
        process.returncode = process.returncode or 0
        if not self.running():
            log_text = self._paths.supervisor_log.read_text(errors="replace").strip()
            raise LocalError(f"the supervisor did not start; its log ends with:\n{log_text[-2000:]}")

    def call(self, path: str, **body: object) -> Any:
        """Ask, and wait for the answer however long it takes.

        Raises:
            LocalError: the supervisor says why not, or there is none.
        """
        about = self._about()
        if about is None:
            raise LocalError("nothing is up here: run aurora-lambda up")
        connection = http.client.HTTPConnection("127.0.0.1", about["port"])
        self._connections.add(connection)
        try:
            connection.request("POST", path, json.dumps(body, default=str), {"Authorization": about["token"]})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LocalError(f"the supervisor went away; see {self._paths.supervisor_log}") from error
        finally:
            self._connections.discard(connection)
            connection.close()
        if response.status != HTTPStatus.OK:
            raise LocalError(answer["error"])
        return answer

    def abort(self) -> None:
        """Stop waiting for answers; the supervisor finishes what it is at."""
        for connection in list(self._connections):
            if connection.sock:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """End the supervisor and everything that belongs to it; also what one that was killed left behind."""
        if about := self._about():
            with suppress(LocalError):
                self.call("/stop")
            with suppress(psutil.Error):
                psutil.Process(about["pid"]).wait(STOP_SECONDS)
        end_leftovers(*self._paths.process_marks())
        remove_containers(self._paths)
        self._paths.supervisor.unlink(missing_ok=True)

    def _about(self) -> Mapping[str, Any] | None:
        """How to reach the supervisor; None when it is not there, whatever a stale file says."""
        try:
            about = json.loads(self._paths.supervisor.read_text())
            arguments = psutil.Process(about["pid"]).cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return about if self._paths.marker in arguments else None


@contextmanager
def exclusive(paths: LocalPaths) -> Generator[None]:
    """Hold the checkout for one `up` or `down`; the hold ends with the process, however it ends.

    Raises:
        LocalError: another one holds it.
    """
    paths.root.mkdir(exist_ok=True)
    with paths.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError("another aurora-lambda up or down is under way in this checkout") from None
        yield
