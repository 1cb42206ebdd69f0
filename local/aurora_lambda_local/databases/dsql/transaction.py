"""Transactions without locks and without waiting, on a PostgreSQL that has both: the first to commit wins.

A session's transaction is one of PostgreSQL's, REPEATABLE READ, with a savepoint at its beginning. What it changes is
noted, row by row, as statements that make the change again (`sys.note_change`). A session that meets a lock makes all
others roll back to their savepoints, which releases their locks and keeps their snapshots, and tries again. A session
that was rolled back repeats its changes before its next statement or at its commit, where PostgreSQL reports a conflict
with what others have committed.

A transaction that PostgreSQL refuses to go on with, because a row has been changed since its snapshot, can never
commit, but DSQL tells so only at the commit. Until then it goes on as READ COMMITTED and is answered by newer rows
than DSQL would show it.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from aurora_lambda_local.databases.dsql.cluster import Cluster
from aurora_lambda_local.databases.dsql.errors import (
    ConnectionDroppedError,
    DsqlError,
    rows_conflict,
    schema_conflict,
    unsupported,
)
from aurora_lambda_local.databases.dsql.protocol import Message, query, sqlstate
from aurora_lambda_local.databases.dsql.statements import Kind
from aurora_lambda_local.databases.dsql.storage import CopiedData, StorageConnection

LOCKED = {"55P03", "40P01"}
CONFLICT = "40001"
# Said of a row of the catalog, which two sessions change by a GRANT on one table.
CHANGED_MEANWHILE = "tuple concurrently updated"
CHANGE_NOTE = "DSQL1"
# Statements that read no catalog.
UNCHECKED = {Kind.SET, Kind.WAIT}


@dataclass(frozen=True)
class Request:
    """A statement as messages for PostgreSQL, which can be sent again and again."""

    kind: Kind
    messages: tuple[Message, ...]
    copied: CopiedData | None = None


class Transaction:
    """The transactions of one session, one after the other."""

    def __init__(self, storage: StorageConnection, cluster: Cluster) -> None:
        self._storage = storage
        self._cluster = cluster
        self._lock = threading.Lock()
        self._known_catalog = cluster.catalog_version
        self._clear()
        cluster.add(self)

    def _clear(self) -> None:
        self._open = False
        self._in_place = False
        self._doomed = False
        self._read_only = False
        self._started: float | None = None
        self._kinds: set[Kind] = set()
        self._changes: list[tuple[Message, ...]] = []
        self._rows = 0
        self._bytes = 0

    def begin(self, *, read_only: bool = False) -> None:
        """Begin a transaction block; PostgreSQL's begins with its first statement."""
        self._started = time.monotonic()
        self._read_only = read_only

    def run(self, request: Request) -> list[Message]:
        """Return PostgreSQL's replies to a statement; it waits for no other transaction.

        Raises:
            DsqlError: DSQL would refuse it; the caller has to roll back.
        """
        self._check_mixture(request.kind)
        self._check_catalog(request.kind)
        while True:
            with self._lock:
                state, replies = self._attempt(request)
            if state in LOCKED:
                self._cluster.free_locks(self)
            elif state == CONFLICT and not self._doomed:
                self._doom()
            else:
                break
        self._kinds.add(request.kind)
        if self._rows > self._cluster.limits.transaction_rows:
            raise DsqlError("54000", "transaction row limit exceeded")
        return replies

    def commit(self) -> list[Message]:
        """Commit; what is returned is PostgreSQL's refusal, if any.

        Raises:
            DsqlError: DSQL would refuse to; the caller has to roll back.
        """
        if not self._open and not self._doomed:
            self._clear()
            return []
        while True:
            with self._cluster.commits, self._lock:
                state, replies = self._attempt_commit()
            if state not in LOCKED:
                break
            self._cluster.free_locks(self)
        if state == CONFLICT:
            raise self._conflict()
        return replies

    def rollback(self) -> None:
        """Undo all; nothing happens where there is nothing to undo."""
        with self._lock:
            if self._open:
                self._storage.execute("ROLLBACK")
            self._clear()

    def step_back(self) -> None:
        """Give up all locks and keep the snapshot; what was changed is changed again later."""
        with self._lock, suppress(ConnectionDroppedError, OSError):
            if self._open and self._in_place:
                self._to_savepoint()

    def probe(self) -> None:
        """Find out whether a transaction that stepped back conflicts with one that is about to commit.

        It would not show later where the other one only locked rows, which counts as a write on DSQL.
        """
        # One that is running a statement is not stepped back.
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._changes and not self._in_place and not self._doomed and self._restore():
                self._doomed = True
                self._restart()
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the session."""
        self._cluster.remove(self)
        with self._lock:
            self._clear()
            self._storage.close()

    def _check_mixture(self, kind: Kind) -> None:
        if kind == Kind.DDL and Kind.DDL in self._kinds:
            raise unsupported("multiple ddl statements not supported in a transaction")
        if {kind} | self._kinds >= {Kind.DDL, Kind.DML}:
            raise unsupported("ddl and dml are not supported in the same transaction")

    def _check_catalog(self, kind: Kind) -> None:
        """Refuse, once, to begin a transaction after others have changed the catalog."""
        if not self._open and kind not in UNCHECKED:
            self._learn_catalog()

    def _check_commit(self) -> None:
        limits = self._cluster.limits
        if time.monotonic() - (self._started or 0) > limits.transaction_seconds:
            raise DsqlError("54000", f"transaction age limit of {limits.transaction_seconds:g}s exceeded")
        if self._bytes > limits.transaction_bytes:
            raise DsqlError("54000", "transaction size limit 10mb exceeded")
        if self._kinds - UNCHECKED:
            self._learn_catalog()
        if self._doomed:
            raise self._conflict()

    def _learn_catalog(self) -> None:
        if self._cluster.catalog_changed(self._known_catalog):
            self._known_catalog = self._cluster.catalog_version
            raise schema_conflict()

    def _conflict(self) -> DsqlError:
        return schema_conflict() if Kind.DDL in self._kinds else rows_conflict()

    def _attempt(self, request: Request) -> tuple[str, list[Message]]:
        if state := self._restore():
            return state, []
        replies = self._storage.exchange(*request.messages, copied=request.copied)
        if state := _state(replies):
            self._to_savepoint()
            return state, replies
        changes = [each.fields["M"] for each in replies if _is_change(each)]
        self._changes += [(query(change),) for change in changes]
        if request.kind in {Kind.DDL, Kind.LOCK, Kind.SET}:
            self._changes.append(request.messages)
        self._rows += len(changes)
        self._bytes += sum(len(change) for change in changes)
        return "", [each for each in replies if not _is_change(each)]

    def _attempt_commit(self) -> tuple[str, list[Message]]:
        self._check_commit()
        if state := self._restore():
            return state, []
        if Kind.LOCK in self._kinds:
            for other in self._cluster.others(self):
                other.probe()
        # Deferred constraints may meet locks: check them while the transaction can still be tried again.
        replies = self._storage.execute("SET CONSTRAINTS ALL IMMEDIATE; COMMIT")
        if state := _state(replies):
            self._to_savepoint()
            return state, replies
        if Kind.DDL in self._kinds:
            self._cluster.change_catalog()
            self._known_catalog += 1
        self._clear()
        return "", []

    def _restore(self) -> str:
        """Open the transaction and make all its changes; return the SQLSTATE of what prevents it; empty for none."""
        if not self._open:
            level = "READ COMMITTED" if self._doomed else "REPEATABLE READ"
            mode = " READ ONLY" if self._read_only else ""
            self._storage.execute(f"BEGIN ISOLATION LEVEL {level}{mode}; SELECT 1; SAVEPOINT beginning")
            self._open = True
            self._started = self._started or time.monotonic()
        elif self._in_place:
            return ""
        for change in self._changes:
            if state := self._repeat(change):
                return state
        self._in_place = True
        return ""

    def _repeat(self, change: tuple[Message, ...]) -> str:
        if self._doomed:
            self._storage.execute("SAVEPOINT change")
        state = _state(self._storage.exchange(*change))
        if state and self._doomed and state not in LOCKED:
            # The transaction cannot commit, so its reads need not be exact.
            self._storage.execute("ROLLBACK TO change")
            return ""
        if state:
            self._to_savepoint()
        return state if not state or state in LOCKED else CONFLICT

    def _to_savepoint(self) -> None:
        self._storage.execute("ROLLBACK TO beginning")
        self._in_place = False

    def _doom(self) -> None:
        with self._lock:
            self._doomed = True
            self._restart()

    def _restart(self) -> None:
        self._storage.execute("ROLLBACK")
        self._open = self._in_place = False


def _state(replies: Sequence[Message]) -> str:
    """Return the SQLSTATE of a refusal; a row of the catalog that another session changes counts as locked by it."""
    if any(each.type == b"E" and each.fields["M"] == CHANGED_MEANWHILE for each in replies):
        return "55P03"
    return sqlstate(replies)


def _is_change(message: Message) -> bool:
    return message.type == b"N" and message.fields.get("C") == CHANGE_NOTE
