"""The state that sessions of one cluster share: their transactions, the version of the catalog, and its limits."""

import threading
import time
from dataclasses import dataclass
from random import SystemRandom
from typing import Protocol

MIB = 1024 * 1024


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


class LockHolder(Protocol):
    """A transaction that may hold locks of PostgreSQL's."""

    def step_back(self) -> None:
        """Give up all locks."""

    def probe(self) -> None:
        """Find out whether it conflicts with one that is about to commit."""


class Cluster:
    """What the sessions of one cluster share."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.catalog_version = 0
        # Held during a commit: commits happen one after the other.
        self.commits = threading.Lock()
        self.jobs = threading.Event()
        self._transactions: set[LockHolder] = set()
        self._lock = threading.Lock()

    def add(self, transaction: LockHolder) -> None:
        """Count a session's transactions among those that may hold locks."""
        with self._lock:
            self._transactions.add(transaction)

    def remove(self, transaction: LockHolder) -> None:
        """Forget a session."""
        with self._lock:
            self._transactions.discard(transaction)

    def others(self, transaction: LockHolder | None) -> list[LockHolder]:
        """Return all transactions but this one."""
        with self._lock:
            return [each for each in self._transactions if each is not transaction]

    def free_locks(self, transaction: LockHolder | None) -> None:
        """Make all others give up their locks; statements that are running finish first."""
        for other in self.others(transaction):
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
