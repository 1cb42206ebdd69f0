"""Work on a database: single statements and transactions, run again when they lose to others."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from lambda_images.database.backoff import Backoff
from lambda_images.database.contract import DatabaseSettings
from lambda_images.database.error_codes import is_conflict
from lambda_images.database.errors import ConflictError, format_driver_error
from lambda_images.database.sqlalchemy_engine import autocommit

T = TypeVar("T")
Work = Callable[[Connection], T]
# About a second in all.
CONFLICTS = Backoff(retries=10, first_seconds=0.02, longest_seconds=0.25)

log = logging.getLogger(__name__)


class Database:
    """One database, as commands, routes and streams use it.

    Work is a function of a connection. It may run several times, so it does nothing but talk to the database: the
    engine undoes a deadlock or a conflict with a concurrent transaction by failing one of the two.
    """

    def __init__(self, engine: Engine, settings: DatabaseSettings, conflicts: Backoff = CONFLICTS) -> None:
        self.settings = settings
        self.transactions = engine
        self.statements = autocommit(engine)
        self._conflicts = conflicts

    def statement(self, work: Work[T]) -> T:
        """Return what `work` returns, each statement committing itself: one message to the server instead of three.

        Raises:
            ConflictError: each time a concurrent transaction won.
        """
        return self._run(self.statements, work)

    def transaction(self, work: Work[T]) -> T:
        """Return what `work` returns; its statements are done together or not at all.

        Raises:
            ConflictError: each time a concurrent transaction won.
        """
        return self._run(self.transactions, work)

    def _run(self, engine: Engine, work: Work[T]) -> T:
        for number, pause in enumerate(self._conflicts.pauses(), start=1):
            try:
                return _run_once(engine, work)
            except ConflictError as conflict:
                log.warning("conflict, run again (%d of %d): %s", number, self._conflicts.retries, conflict)
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
