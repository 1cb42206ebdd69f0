"""Runs the asynchronous jobs of a cluster, one after the other, in the order in which they were submitted."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import psycopg
from psycopg import errors

from aurora_lambda_local.databases.dsql.transaction import Cluster

NEXT = "UPDATE sys.job SET status = 'processing', update_time = clock_timestamp() WHERE job_id = ({}) RETURNING {}"
OLDEST = "SELECT job_id FROM sys.job WHERE status IN ('submitted', 'processing') ORDER BY start_time LIMIT 1"
END = "UPDATE sys.job SET status = %s, details = %s, update_time = clock_timestamp() WHERE job_id = %s"
IDLE_SECONDS = 1.0


class JobRunner:
    """A thread that looks for submitted jobs whenever the catalog has changed; also for those of an earlier start."""

    def __init__(self, connect: Callable[[], AbstractContextManager[psycopg.Connection]], cluster: Cluster) -> None:
        self._connect = connect
        self._cluster = cluster
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the job that is running, and begin no other."""
        self._stopped.set()
        self._cluster.jobs.set()
        self._thread.join()

    def _run(self) -> None:
        # PostgreSQL is gone, or going: the jobs that are left wait for its next start.
        with suppress(psycopg.OperationalError), self._connect() as connection:
            connection.autocommit = True
            while not self._stopped.is_set():
                self._cluster.jobs.clear()
                while not self._stopped.is_set() and self._run_next(connection):
                    continue
                self._cluster.jobs.wait(IDLE_SECONDS)

    def _run_next(self, connection: psycopg.Connection) -> bool:
        """Run the oldest job that has not ended; False when there is none."""
        row = connection.execute(NEXT.format(OLDEST, "job_id, command")).fetchone()
        if row is None:
            return False
        job_id, command = row
        time.sleep(self._cluster.limits.job_seconds)
        status, details = self._result(connection, command)
        # Before anybody can know that it has ended.
        self._cluster.change_catalog()
        connection.execute(END, (status, details, job_id))
        return True

    def _result(self, connection: psycopg.Connection, command: str) -> tuple[str, str | None]:
        """Return how a job ends; one whose object is gone has nothing left to do, as on DSQL."""
        while True:
            try:
                connection.execute(command.encode())
            except (errors.LockNotAvailable, errors.DeadlockDetected):
                self._cluster.free_locks(None)
            except (errors.UndefinedTable, errors.UndefinedObject, errors.InvalidSchemaName) as error:
                return "completed", error.diag.message_primary
            except psycopg.Error as error:
                return "failed", error.diag.message_primary
            else:
                return "completed", None
