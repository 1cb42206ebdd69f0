"""`aurora-lambda sql`: run a statement on the database that runs here."""

import json
import shlex
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from psycopg.conninfo import make_conninfo

from aurora_lambda_local.commands import database_url
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import DATABASE_URL, DatabaseSettings, database_settings
from aurora_lambda_runtime.database.errors import DatabaseError, format_driver_error


def running_database() -> DatabaseSettings:
    """Return how to log in, as its owner, to the database that runs here.

    Raises:
        UsageError: none runs.
    """
    return database_settings({DATABASE_URL: database_url()})


@dataclass(frozen=True)
class QueryResult:
    """The rows of a statement as text, and their number; a statement that returns none has no columns either."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    count: int


class OpenDatabase:
    """A connection to a database, on which each statement is a transaction of its own."""

    def __init__(self, settings: DatabaseSettings) -> None:
        """Connect.

        Raises:
            LocalError: the database does not answer.
        """
        self.settings = settings
        try:
            self._connection = Connector(settings).open()
        except DatabaseError as error:
            raise LocalError(str(error)) from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def run(
        self, query: str, parameters: Sequence[object] = ()
    ) -> tuple[Sequence[str], Sequence[Sequence[object]], int]:
        """Run one statement, and return its columns and rows, if it has any, and the number of rows.

        Raises:
            LocalError: the database refuses the statement.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, *([parameters] if parameters else []))
                if cursor.description is None:
                    return [], [], max(cursor.rowcount, 0)
                rows = cursor.fetchall()
                return [str(column[0]) for column in cursor.description], rows, len(rows)
        except Exception as error:
            # Each driver has error classes of its own.
            raise LocalError(f"{self.settings.engine} refused the statement: {format_driver_error(error)}") from None


def run_query(settings: DatabaseSettings, query: str) -> QueryResult:
    """Run one statement, and return its result.

    Raises:
        LocalError: the database does not answer, or refuses the statement.
    """
    with closing(OpenDatabase(settings)) as database:
        columns, rows, count = database.run(query)
    return QueryResult(columns, [["NULL" if value is None else as_text(value) for value in row] for row in rows], count)


def as_text(value: object) -> str:
    """Return a value that is not NULL as it is shown, and typed: as JSON, hexadecimal digits, hours and minutes."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, timedelta):
        # A TIME of MySQL's, or an interval; Python counts days, and below zero from the day before.
        hours, rest = divmod(abs(value), timedelta(hours=1))
        return f"{'-' * (value < timedelta(0))}{hours:02}{str(rest)[1:]}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else str(value)


def shell_command(settings: DatabaseSettings) -> str:
    """Return the command that opens the engine's own shell, its login included."""
    password = shlex.quote(settings.password or "")
    if settings.engine == "mysql":
        where = f"--protocol=tcp --host={settings.endpoint} --port={settings.port} --user={settings.db_role}"
        return f"MYSQL_PWD={password} mysql {where} {settings.schema}"
    login = {"host": settings.endpoint, "port": str(settings.port), "user": settings.db_role, "dbname": settings.schema}
    if settings.spec.always_tls:
        login |= {"dbname": settings.spec.maintenance_database, "options": f"-c search_path={settings.schema}"}
        login |= {"sslmode": "verify-full", "sslrootcert": settings.ca}
    return f"PGPASSWORD={password} psql {shlex.quote(make_conninfo(**login))}"
