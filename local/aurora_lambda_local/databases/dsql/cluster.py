"""What the sessions of one cluster share, and the asynchronous jobs that run beside them."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors

if TYPE_CHECKING:
    from aurora_lambda_local.databases.dsql.transaction import Transaction

MIB = 1024 * 1024
NEXT = "UPDATE sys.job SET status = 'processing', update_time = clock_timestamp() WHERE job_id = ({}) RETURNING {}"
OLDEST = "SELECT job_id FROM sys.job WHERE status IN ('submitted', 'processing') ORDER BY start_time LIMIT 1"
END = "UPDATE sys.job SET status = %s, details = %s, update_time = clock_timestamp() WHERE job_id = %s"
IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Limits:
    """The limits of a cluster, which are DSQL's documented ones, and how long a job takes here.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html
    """

    job_seconds: float = 0.1
    connection_seconds: float = 3600.0
    message_bytes: int = 10 * MIB
    transaction_rows: int = 3000
    transaction_bytes: int = 10 * MIB
    transaction_seconds: float = 300.0


class Cluster:
    """What the sessions of one cluster share: their transactions, the version of the catalog, and its limits."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.catalog_version = 0
        # Held during a commit: commits happen one after the other.
        self.commits = threading.Lock()
        self.jobs = threading.Event()
        self.transactions: set[Transaction] = set()

    def free_locks(self, transaction: "Transaction | None" = None) -> None:
        """Make all others give up their locks; statements that are running finish first."""
        # A copy: sessions come and go.
        for other in self.transactions - {transaction}:
            other.step_back()
        # A random pause, so that two transactions do not keep taking each other's locks.
        time.sleep(SystemRandom().uniform(0, 0.005))

    def catalog_changed(self, known: int) -> bool:
        """Return whether the catalog is another than the version that a session knows."""
        return self.catalog_version != known

    def change_catalog(self) -> None:
        """Note that a session, or a job, has changed the catalog."""
        self.catalog_version += 1
        self.jobs.set()


class JobRunner:
    """Runs jobs one after the other, in the order in which they were submitted.

    A thread looks for them whenever the catalog has changed; also for those of an earlier start.
    """

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
