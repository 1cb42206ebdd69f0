"""What the sessions of one cluster share: their transactions, the version of the catalog, and its faults."""

import threading
import time
from random import SystemRandom
from typing import Protocol

from aurora_lambda_local.databases.dsql.faults import Faults


class LockHolder(Protocol):
    """A transaction that may hold locks of PostgreSQL's."""

    def step_back(self) -> None:
        """Give up all locks."""

    def probe(self) -> None:
        """Find out whether it conflicts with one that is about to commit."""


class Cluster:
    """What the sessions of one cluster share."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
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

    def change_catalog(self) -> None:
        """Note that a session, or a job, has changed the catalog."""
        self.catalog_version += 1
        self.jobs.set()
