"""Start a database server again when its process ends by itself, as RDS does, and bound its log."""

import threading
import time
from collections import deque

from aurora_lambda_local.databases.dsql.server import DsqlServer
from aurora_lambda_local.databases.server import DatabaseServer
from aurora_lambda_local.platform.errors import LocalError, print_error

POLL_SECONDS = 0.2
# A server that keeps ending is not started again, so that `up` reports why.
MAXIMUM_RESTARTS = 3
RESTART_PERIOD_SECONDS = 60.0


class ServerWatch:
    """Watch over a server that runs, until `stop` shuts it down."""

    def __init__(self, server: DatabaseServer | DsqlServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._restarts: deque[float] = deque(maxlen=MAXIMUM_RESTARTS)
        threading.Thread(target=self._run, daemon=True).start()

    def alive(self) -> bool:
        """Return whether the server runs, after a restart where it needs one."""
        with self._lock:
            return self._server.alive() or self._restart()

    def stop(self) -> None:
        """Shut the server down."""
        self._stopped.set()
        with self._lock:
            self._server.stop()

    def _run(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            self.alive()
            self._server.bound_log()

    def _restart(self) -> bool:
        now = time.monotonic()
        exhausted = len(self._restarts) == MAXIMUM_RESTARTS and now - self._restarts[0] < RESTART_PERIOD_SECONDS
        if self._stopped.is_set() or exhausted:
            return False
        self._restarts.append(now)
        try:
            self._server.start(self._server.port)
        except (LocalError, OSError) as error:
            print_error(error)
            return False
        return True
