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
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aurora_lambda_local.databases.dsql.cluster import Cluster
from aurora_lambda_local.databases.dsql.errors import (
    ConnectionDroppedError,
    DsqlError,
    rows_conflict,
    schema_conflict,
    unsupported,
)
from aurora_lambda_local.databases.dsql.protocol import Message, RefusedError, error_response, query, sqlstate
from aurora_lambda_local.databases.dsql.rules import Kind
from aurora_lambda_local.databases.dsql.storage import CopiedData, StorageConnection

LOCKED = {"55P03", "40P01"}
CONFLICT = "40001"
# Said of a row of the catalog, which two sessions change by a GRANT on one table.
CHANGED_MEANWHILE = "tuple concurrently updated"
CHANGE_NOTE = "DSQL1"
# Statements that read no catalog.
UNCHECKED = {Kind.SET, Kind.WAIT}
# Statements that are repeated themselves; those that change rows leave notes instead.
REPEATED = {Kind.DDL, Kind.LOCK, Kind.SET}


@dataclass
class _Progress:
    """How far one transaction has come.

    `open`: PostgreSQL has begun it. `in_place`: all `changes` are made there. `doomed`: it cannot commit any more.
    """

    read_only: bool = False
    started: float = 0.0
    open: bool = False
    in_place: bool = False
    doomed: bool = False
    kinds: set[Kind] = field(default_factory=set)
    changes: list[tuple[Message, ...]] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0


class Transaction:
    """The transactions of one session, one after the other."""

    def __init__(self, storage: StorageConnection, cluster: Cluster) -> None:
        self._storage = storage
        self._cluster = cluster
        self._lock = threading.Lock()
        self._known_catalog = cluster.catalog_version
        self._now = _Progress()
        cluster.transactions.add(self)

    def begin(self, *, read_only: bool = False) -> None:
        """Begin a transaction; PostgreSQL's begins with its first statement."""
        self._now = _Progress(read_only, time.monotonic())

    def run(self, kind: Kind, messages: tuple[Message, ...], copied: CopiedData | None = None) -> list[Message]:
        """Return PostgreSQL's replies to a statement, which may be sent again and again; it waits for no other one.

        Raises:
            DsqlError: DSQL would refuse it; the caller has to roll back.
            RefusedError: PostgreSQL does; the same.
        """
        if kind == Kind.DDL and Kind.DDL in self._now.kinds:
            raise unsupported("multiple ddl statements not supported in a transaction")
        if {kind} | self._now.kinds >= {Kind.DDL, Kind.DML}:
            raise unsupported("ddl and dml are not supported in the same transaction")
        if not self._now.open and kind not in UNCHECKED:
            self._learn_catalog()
        replies = self._until_free(lambda: self._attempt(kind, messages, copied))
        self._now.kinds.add(kind)
        if self._now.rows > self._cluster.limits.transaction_rows:
            raise DsqlError("54000", "transaction row limit exceeded")
        return replies

    def commit(self) -> None:
        """Commit; nothing happens where there is nothing to commit.

        Raises:
            DsqlError: DSQL would refuse to; the caller has to roll back.
            RefusedError: PostgreSQL does; the same.
        """
        if self._now.open or self._now.doomed:
            self._until_free(self._attempt_commit)
        self._now = _Progress()

    def rollback(self) -> None:
        """Undo all; nothing happens where there is nothing to undo."""
        with self._lock:
            if self._now.open:
                self._storage.execute("ROLLBACK")
            self._now = _Progress()

    def step_back(self) -> None:
        """Give up all locks and keep the snapshot; what was changed is changed again later."""
        with self._lock, suppress(ConnectionDroppedError, OSError):
            if self._now.in_place:
                self._to_savepoint()

    def probe(self) -> None:
        """Find out whether a transaction that stepped back conflicts with one that is about to commit.

        It would not show later where the other one only locked rows, which counts as a write on DSQL.
        """
        # One that is running a statement is not stepped back.
        if not self._lock.acquire(blocking=False):
            return
        try:
            now = self._now
            if now.changes and not now.in_place and not now.doomed and self._restore():
                self._doom()
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the session."""
        self._cluster.transactions.discard(self)
        with self._lock:
            self._now = _Progress()
            self._storage.close()

    def _learn_catalog(self) -> None:
        """Refuse, once, to go on after others have changed the catalog."""
        if self._cluster.catalog_changed(self._known_catalog):
            self._known_catalog = self._cluster.catalog_version
            raise schema_conflict()

    def _conflict(self) -> DsqlError:
        return schema_conflict() if Kind.DDL in self._now.kinds else rows_conflict()

    def _until_free(self, attempt: Callable[[], list[Message]]) -> list[Message]:
        """Attempt something until no lock of another transaction is in its way."""
        while True:
            with self._lock:
                replies = attempt()
                state = _state(replies)
                if state and self._now.open:
                    self._to_savepoint()
                if state == CONFLICT and not self._now.doomed:
                    self._doom()
                    continue
            if not state:
                return replies
            if state not in LOCKED:
                raise RefusedError(replies)
            self._cluster.free_locks(self)

    def _attempt(self, kind: Kind, messages: tuple[Message, ...], copied: CopiedData | None) -> list[Message]:
        if refusal := self._restore():
            return refusal
        replies = self._storage.exchange(*messages, copied=copied)
        if _state(replies):
            return replies
        notes = [each.fields["M"] for each in replies if _is_note(each)]
        self._now.changes += [(query(note),) for note in notes]
        self._now.changes += [messages] if kind in REPEATED else []
        self._now.rows += len(notes)
        self._now.bytes += sum(map(len, notes))
        return [each for each in replies if not _is_note(each)]

    def _attempt_commit(self) -> list[Message]:
        now, limits = self._now, self._cluster.limits
        if time.monotonic() - now.started > limits.transaction_seconds:
            raise DsqlError("54000", f"transaction age limit of {limits.transaction_seconds:g}s exceeded")
        if now.bytes > limits.transaction_bytes:
            raise DsqlError("54000", "transaction size limit 10mb exceeded")
        with self._cluster.commits:
            if now.kinds - UNCHECKED:
                self._learn_catalog()
            if now.doomed or _state(refusal := self._restore()) == CONFLICT:
                raise self._conflict()
            if refusal:
                return refusal
            if Kind.LOCK in now.kinds:
                for other in self._cluster.transactions - {self}:
                    other.probe()
            # Deferred constraints may meet locks: check them while the transaction can still be tried again.
            replies = self._storage.execute("SET CONSTRAINTS ALL IMMEDIATE; COMMIT")
            if _state(replies) == CONFLICT:
                raise self._conflict()
            if not _state(replies) and Kind.DDL in now.kinds:
                self._cluster.change_catalog()
                self._known_catalog += 1
            return replies

    def _restore(self) -> list[Message]:
        """Open the transaction and make all its changes; return the refusal that prevents it, if any."""
        now = self._now
        if not now.open:
            level = "READ COMMITTED" if now.doomed else "REPEATABLE READ"
            mode = " READ ONLY" if now.read_only else ""
            self._storage.execute(f"BEGIN ISOLATION LEVEL {level}{mode}; SELECT 1; SAVEPOINT beginning")
            now.open, now.started = True, now.started or time.monotonic()
        for change in () if now.in_place else now.changes:
            if refusal := self._repeat(change):
                return refusal
        now.in_place = True
        return []

    def _repeat(self, change: tuple[Message, ...]) -> list[Message]:
        if self._now.doomed:
            self._storage.execute("SAVEPOINT change")
        replies = self._storage.exchange(*change)
        if not (state := _state(replies)):
            return []
        if self._now.doomed and state not in LOCKED:
            # The transaction cannot commit, so its reads need not be exact.
            self._storage.execute("ROLLBACK TO change")
            return []
        return replies if state in LOCKED else [error_response(rows_conflict())]

    def _to_savepoint(self) -> None:
        self._storage.execute("ROLLBACK TO beginning")
        self._now.in_place = False

    def _doom(self) -> None:
        self._storage.execute("ROLLBACK")
        self._now.doomed, self._now.open, self._now.in_place = True, False, False


def _state(replies: Sequence[Message]) -> str:
    """Return the SQLSTATE of a refusal; a row of the catalog that another session changes counts as locked by it."""
    if any(each.type == b"E" and each.fields["M"] == CHANGED_MEANWHILE for each in replies):
        return "55P03"
    return sqlstate(replies)


def _is_note(message: Message) -> bool:
    return message.type == b"N" and message.fields.get("C") == CHANGE_NOTE
