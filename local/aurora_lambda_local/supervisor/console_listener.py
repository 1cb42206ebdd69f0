"""The console's address: a socket that the supervisor listens on, for a process that starts when it is first opened.

So the console costs an `up` nothing, and what it does holds up nothing here.
"""

import os
import secrets
import select
import socket
import subprocess
import sys
import threading
from contextlib import suppress

from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.platform.processes import kill_process_group, spawn

MODULE = "aurora_lambda_local.console.server"
SOCKET = "--socket="
BACKLOG = 64
STOP_SECONDS = 5.0


class ConsoleListener:
    """Listens on a port of 127.0.0.1, and starts the console's process at the first connection."""

    def __init__(self, paths: LocalPaths, port: int) -> None:
        self._paths = paths
        self._socket = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self._socket.setblocking(False)
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self.address = f"http://127.0.0.1:{port}/?token={secrets.token_urlsafe()}"
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more, and end the process."""
        self._closed = True
        # Wakes the thread.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._process:
            kill_process_group(self._process)
        self._thread.join(STOP_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        while True:
            select.select([self._socket], [], [])
            if self._closed:
                return
            with self._paths.supervisor_log.open("ab") as log:
                self._process = spawn(
                    [sys.executable, "-m", MODULE, f"{SOCKET}{self._socket.fileno()}", self._paths.supervisor_argument],
                    cwd=self._paths.root,
                    env=os.environ,
                    output=log,
                    pass_fds=(self._socket.fileno(),),
                )
            self._process.wait()
            self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        """Close the connections that the process has left: one that does not start would be started for ever."""
        with suppress(OSError):
            while True:
                self._socket.accept()[0].close()
