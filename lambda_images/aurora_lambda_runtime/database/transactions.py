"""Work on a database: single statements and transactions, run again when they lose to others."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, and_, exists, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from aurora_lambda_runtime.database.backoff import Backoff
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import DatabaseSettings
from aurora_lambda_runtime.database.error_codes import is_conflict, is_duplicate
from aurora_lambda_runtime.database.errors import ConflictError, format_driver_error
from aurora_lambda_runtime.database.sqlalchemy_engine import autocommit, lambda_engine, take_back

T = TypeVar("T")
Work = Callable[[Connection], T]
# About a second in all. The first pause is at most as long as a transaction of a few statements takes: ten clients that
# increment one row get through as fast with longer ones, and whoever conflicts once in a while waits less.
CONFLICTS = Backoff(retries=10, first_seconds=0.01, longest_seconds=0.25)

log = logging.getLogger(__name__)


class Database:
    """One database, as commands, routes and streams use it.

    Work is a function of a connection. It may run several times, so it has no effects outside the database: of two
    transactions that conflict or deadlock, the engine fails one, which is then run again.
    """

    def __init__(self, engine: Engine, settings: DatabaseSettings, conflicts: Backoff = CONFLICTS) -> None:
        self.settings = settings
        self.transactions = engine
        self.statements = autocommit(engine)
        self._conflicts = conflicts
        self._at_end: list[Callable[[], None]] = []

    @classmethod
    def on(cls, connector: Connector, conflicts: Backoff = CONFLICTS) -> "Database":
        """Return the database on the one connection of `connector`."""
        return cls(lambda_engine(connector), connector.settings, conflicts)

    def at_end(self, close: Callable[[], None]) -> None:
        """Call `close` when the invocation ends."""
        self._at_end.append(close)

    def end_invocation(self) -> None:
        """Close what this invocation has opened, and take back the connection if it was left open."""
        while self._at_end:
            self._at_end.pop()()
        take_back(self.transactions)

    def statement(self, work: Work[T], *, idempotent: bool = False) -> T:
        """Return what `work` returns, each statement committing itself: one message to the server instead of three.

        `idempotent` work runs again after a lost connection too, when it is not known whether it was committed.

        Raises:
            ConflictError: each time a concurrent transaction won.
        """
        return self._run(self.statements, work, idempotent)

    def transaction(self, work: Work[T], *, idempotent: bool = False) -> T:
        """Return what `work` returns; its statements are done together or not at all. `idempotent` as above.

        Raises:
            ConflictError: each time a concurrent transaction won.
        """
        return self._run(self.transactions, work, idempotent)

    def insert(self, table: Table, row: Mapping[str, Any], check: Work[None] | None = None) -> None:
        """Insert a row, whose primary key the caller has made, exactly once, even if the connection is lost.

        `check` runs before it in the same transaction, and may raise an error.

        Raises:
            ConflictError: each time a concurrent transaction won.
            IntegrityError: another row has the same unique value, or a constraint is violated.
            ValueError: the table has no primary key, or `row` lacks it: a second run could not find its row.
        """
        if not table.primary_key or not all(row.get(column.name) is not None for column in table.primary_key):
            raise ValueError(f"a row for {table.name} must have its primary key, made by the caller")
        losses: list[DBAPIError] = []

        def insert_checked(connection: Connection) -> None:
            if check:
                check(connection)
            connection.execute(insert(table), row)

        try:
            engine = self.transactions if check else self.statements
            self._run(engine, insert_checked, idempotent=True, note_loss=losses.append)
        except IntegrityError as error:
            # A run that lost to another transaction has left nothing: the row that is there is another's.
            if not losses or not is_duplicate(error) or not self._holds(table, row):
                raise

    def _holds(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Return whether a row with this primary key exists: an earlier run inserted it, and lost its connection."""
        key = and_(*(column == row[column.name] for column in table.primary_key))
        found = select(exists().where(key))
        return bool(self.statement(lambda connection: connection.scalar(found), idempotent=True))

    def _run(
        self, engine: Engine, work: Work[T], idempotent: bool, note_loss: Callable[[DBAPIError], None] = lambda _: None
    ) -> T:
        for number, pause in enumerate(self._conflicts.pauses(), start=1):
            try:
                return _run_once(engine, work)
            except ConflictError as conflict:
                log.warning("conflict, run again (%d of %d): %s", number, self._conflicts.retries, conflict)
            except DBAPIError as error:
                if not (idempotent and error.connection_invalidated):
                    raise
                note_loss(error)
                log.warning("connection lost, run again (%d of %d)", number, self._conflicts.retries)
            time.sleep(pause)
        return _run_once(engine, work)


def _run_once(engine: Engine, work: Work[T]) -> T:
    try:
        with engine.begin() as connection:
            return work(connection)
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        raise ConflictError(format_driver_error(error.orig or error)) from None
