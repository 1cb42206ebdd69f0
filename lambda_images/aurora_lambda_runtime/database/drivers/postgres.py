"""PostgreSQL, by psycopg."""

from collections.abc import Mapping
from typing import Any

import psycopg

from aurora_lambda_runtime.database.contract import DatabaseSettings
from aurora_lambda_runtime.database.drivers import UNACKNOWLEDGED_SECONDS, ca_file
from aurora_lambda_runtime.database.errors import (
    DatabaseError,
    DatabaseMissingError,
    DatabaseUnavailableError,
    LoginRefusedError,
)

# A refused login carries no SQLSTATE: libpq hands on the text alone.
CONNECT_ERRORS: Mapping[str, type[DatabaseError]] = {
    "authentication failed": LoginRefusedError,
    "no password supplied": LoginRefusedError,
    "no pg_hba.conf entry": LoginRefusedError,
    "pg_hba.conf rejects connection": LoginRefusedError,
    'FATAL:  role "': LoginRefusedError,
    'FATAL:  database "': DatabaseMissingError,
    "permission denied for database": LoginRefusedError,
    "certificate verify failed": DatabaseError,
    "SSL error": DatabaseError,
    "does not support SSL": DatabaseError,
}


def connect(settings: DatabaseSettings, password: str, timeout: float, database: str) -> psycopg.Connection:
    """Open a connection, as `Driver` says."""
    # Set here, so that it does not depend on settings of the role or the database.
    options = "-c search_path=public"
    return psycopg.connect(**connection_parameters(settings, password, timeout, options), dbname=database)


def connection_parameters(
    settings: DatabaseSettings, password: str, timeout: float, options: str = ""
) -> dict[str, Any]:
    """Return what any server that speaks PostgreSQL's protocol is connected to with, its `options` added."""
    authorities = ca_file(settings)
    return {
        "host": settings.endpoint,
        "port": settings.port,
        "user": settings.db_role,
        "password": password,
        "autocommit": True,
        "connect_timeout": int(timeout),
        "tcp_user_timeout": UNACKNOWLEDGED_SECONDS * 1000,
        "client_encoding": "utf8",
        "application_name": "aurora-lambda",
        "gssencmode": "disable",
        "options": f"-c timezone=UTC {options}".rstrip(),
        "sslmode": "verify-full" if authorities else "disable",
        "sslrootcert": authorities,
    }


def classify_error(error: Exception) -> type[DatabaseError]:
    """Return what an error of `connect` means."""
    text = str(error)
    return next((kind for part, kind in CONNECT_ERRORS.items() if part in text), DatabaseUnavailableError)


def fileno(connection: psycopg.Connection) -> int:
    """Return the connection's socket."""
    return connection.fileno()


def ping(connection: psycopg.Connection) -> None:
    """Ask the server for an answer."""
    connection.execute("")
