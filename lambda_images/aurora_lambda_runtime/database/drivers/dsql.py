"""Aurora DSQL, by psycopg."""

import math
import re
from collections.abc import Callable

import psycopg
from psycopg.adapt import Dumper, PyFormat
from psycopg.types.numeric import Int4, Int4Dumper, IntDumper

from aurora_lambda_runtime.database.contract import DatabaseSettings
from aurora_lambda_runtime.database.drivers import postgres
from aurora_lambda_runtime.database.errors import DatabaseError, LoginRefusedError
from aurora_lambda_runtime.database.quoting import quoted

DATABASE = "postgres"
PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

fileno = postgres.fileno
INTEGER = Int4Dumper(Int4)


class IntegerDumper(IntDumper):
    """Sends a number as INTEGER, as functions take it, or as BIGINT where it needs that; never as SMALLINT."""

    def upgrade(self, obj: int, format: PyFormat) -> Dumper:  # noqa: A002 - psycopg's name
        """Return what sends this number; not marked `override`, whose import would delay the first connection."""
        return INTEGER if -(2**31) <= obj < 2**31 else super().upgrade(obj, format)


class DsqlConnection(psycopg.Connection):
    """A connection that finds tables in one schema.

    Attributes:
        schema: the schema.
        deadline: until when a statement may be waited for, on `time.monotonic`'s clock.
        before_statement: called before each statement of a migration; may raise an error.
    """

    schema: str = ""
    deadline: float = math.inf
    before_statement: Callable[[], None] = staticmethod(lambda: None)


def connect(settings: DatabaseSettings, password: str, timeout: float, database: str) -> DsqlConnection:
    """Open a connection, as `Driver` says; `database` is the schema to find tables in."""
    search_path = f"-c search_path={schema_option(database)}"
    connection = DsqlConnection.connect(
        **postgres.connection_parameters(settings, password, timeout, search_path),
        dbname=DATABASE,
        sslnegotiation="direct",
        # psycopg ends a prepared statement by DEALLOCATE, which DSQL does not take.
        prepare_threshold=None,
    )
    connection.schema = database
    connection.adapters.register_dumper(int, IntegerDumper)
    return connection


def classify_error(error: Exception) -> type[DatabaseError]:
    """Return what an error of `connect` means.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/troubleshooting.html
    """
    text = str(error)
    if "access denied" in text:
        return LoginRefusedError
    return postgres.classify_error(error)


def ping(connection: psycopg.Connection) -> None:
    """Ask the server for an answer."""
    connection.execute("SELECT 1")


def schema_option(schema: str) -> str:
    """Return a schema as the server reads it from the options of a connection, where spaces and backslashes part it.

    A plain name needs no quotes, and so no backslashes, which no example of AWS's sends.
    """
    return schema if PLAIN.fullmatch(schema) else re.sub(r"([\s\\\"'])", r"\\\1", quoted(schema))
