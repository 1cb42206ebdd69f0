"""Keeps other runners out by a row, where the engine has no locks: the row says until when its holder is at work."""

import threading
import time
import uuid
from contextlib import suppress
from copy import copy
from typing import cast

import psycopg

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.drivers import DriverConnection
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.servers.dsql.cursors import RetryingCursor

LEASE_SECONDS = 10.0
RENEWAL_SECONDS = 2.0
# `dropping` says that a reset has begun to drop tables.
CREATE_LEASE_TABLE = (
    "CREATE TABLE IF NOT EXISTS migration_lease (id integer NOT NULL PRIMARY KEY, holder varchar(36) NOT NULL,"
    " expires_at timestamptz NOT NULL, dropping boolean NOT NULL)"
)
TAKE_LEASE = """
    INSERT INTO migration_lease AS lease VALUES (1, %s, now() + make_interval(secs => %s), false)
    ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
    WHERE lease.expires_at < now() RETURNING id"""
READ_LEASE = "SELECT holder, expires_at::text, expires_at < now() FROM migration_lease WHERE id = 1"
RENEW_LEASE = """
    UPDATE migration_lease SET expires_at = now() + make_interval(secs => %s)
    WHERE id = 1 AND holder = %s RETURNING id"""
END_LEASE = "UPDATE migration_lease SET holder = '', expires_at = '-infinity' WHERE id = 1 AND holder = %s"


class Lease:
    """A lease that is renewed, by a thread on a connection of its own, until `end`.

    Attributes:
        holder: who has it.
        seconds: for how long it is taken, and renewed.
    """

    def __init__(self, connector: Connector) -> None:
        self.holder = str(uuid.uuid4())
        self.seconds = LEASE_SECONDS
        self._connector = copy(connector)
        self._ended = threading.Event()
        self._valid_until = 0.0
        self._thread = threading.Thread(target=self._keep, name="migration-lease", daemon=True)

    def begin(self, taken_at: float) -> None:
        """Renew from now on the lease that was taken at `taken_at`, on `time.monotonic`'s clock."""
        self._valid_until = taken_at + self.seconds
        self._thread.start()

    def end(self) -> None:
        """Renew it no more."""
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raise a MigrationError when the lease has run out, so that another runner may be at work."""
        if time.monotonic() > self._valid_until:
            raise MigrationError(
                f"the lock could not be renewed for {self.seconds:g} seconds, so another runner may have it:"
                " run the command again, it goes on where this one stopped"
            )

    def _keep(self) -> None:
        connection: DriverConnection | None = None
        while not self._ended.wait(RENEWAL_SECONDS):
            asked_at = time.monotonic()
            try:
                # A cluster that is gone is not waited for: `end` waits for this thread.
                self._connector.deadline = asked_at + self.seconds
                connection = connection or self._connector.open()
                if not self._renew(connection):
                    break
                self._valid_until = asked_at + self.seconds
            except Exception:
                # The next attempt opens another.
                with suppress(Exception):
                    if connection:
                        connection.close()
                connection = None
        if connection:
            connection.close()

    def _renew(self, connection: DriverConnection) -> bool:
        cursor = RetryingCursor(cast(psycopg.Connection, connection))
        return cursor.execute(RENEW_LEASE, (self.seconds, self.holder)).fetchone() is not None
