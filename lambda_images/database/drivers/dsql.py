"""Aurora DSQL, by psycopg."""

import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import psycopg
from psycopg.abc import Params, Query
from typing_extensions import override

from lambda_images.database.backoff import Backoff
from lambda_images.database.contract import DatabaseSettings
from lambda_images.database.drivers import postgres
from lambda_images.database.engines.dsql import DSQL
from lambda_images.database.errors import DatabaseError, DatabaseWakingError, LoginRefusedError

DATABASE = "postgres"
IDLE = psycopg.pq.TransactionStatus.IDLE

fileno = postgres.fileno


class DsqlConnection(psycopg.Connection):
    """A connection that finds tables in one schema."""

    schema: str = ""


class DsqlCursor(psycopg.Cursor):
    """Runs a statement again that commits by itself and lost to another transaction: nothing of it was done.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/working-with-concurrency-control.html
    """

    @override
    def execute(
        self, query: Any, params: Params | None = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        run = super().execute
        self._repeat(lambda: run(query, params, prepare=prepare, binary=binary))
        return self

    @override
    def executemany(self, query: Query, params_seq: Iterable[Params], *, returning: bool = False) -> None:
        run, values = super().executemany, list(params_seq)
        self._repeat(lambda: run(query, values, returning=returning))

    def _repeat(self, run: Callable[[], object]) -> None:
        if self.connection.info.transaction_status == IDLE:
            for pause in Backoff().pauses():
                try:
                    run()
                except psycopg.Error as error:
                    if error.sqlstate not in DSQL.errors.conflict:
                        raise
                else:
                    return
                time.sleep(pause)
        run()


def connect(settings: DatabaseSettings, password: str, timeout: float, database: str) -> DsqlConnection:
    """Open a connection, as `Driver` says; `database` is the schema to find tables in."""
    search_path = f"-c search_path={escaped_option(quoted(database))}"
    connection = DsqlConnection.connect(
        **postgres.connection_parameters(settings, password, timeout, search_path),
        dbname=DATABASE,
        sslnegotiation="direct",
        cursor_factory=DsqlCursor,
    )
    connection.schema = database
    return connection


def classify_error(error: Exception) -> type[DatabaseError]:
    """Return what an error of `connect` means.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/troubleshooting.html
    """
    text = str(error)
    if "access denied" in text:
        return LoginRefusedError
    return DatabaseWakingError if "waking up cluster" in text else postgres.classify_error(error)


def ping(connection: psycopg.Connection) -> None:
    """Ask the server for a sign of life."""
    connection.execute("SELECT 1")


def quoted(identifier: str) -> str:
    """Return an identifier as SQL, whatever it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def escaped_option(value: str) -> str:
    """Return a value as the server reads it from the options of a connection, where spaces and backslashes part it."""
    return re.sub(r"([\s\\\"'])", r"\\\1", value)
