"""MySQL and MariaDB, by PyMySQL."""

import socket
import ssl
from collections.abc import Mapping
from functools import cache

import pymysql
from pymysql.constants.CLIENT import FOUND_ROWS

from aurora_lambda_runtime.database.contract import DatabaseSettings
from aurora_lambda_runtime.database.drivers import UNACKNOWLEDGED_SECONDS, ca_file
from aurora_lambda_runtime.database.errors import (
    DatabaseError,
    DatabaseMissingError,
    DatabaseUnavailableError,
    LoginRefusedError,
)

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
SESSION = f"SET sql_mode='{SQL_MODE}', time_zone='+00:00'"

CONNECT_ERRORS: Mapping[int, type[DatabaseError]] = {
    1044: LoginRefusedError,
    1045: LoginRefusedError,
    1049: DatabaseMissingError,
    1251: LoginRefusedError,
    1524: LoginRefusedError,
    1698: LoginRefusedError,
    2026: DatabaseError,
    2059: LoginRefusedError,
}


def connect(settings: DatabaseSettings, password: str, timeout: float, database: str) -> pymysql.Connection:
    """Open a connection, as `Driver` says."""
    authorities = ca_file(settings)
    try:
        connection = _open(settings, password, timeout, database, _tls(authorities) if authorities else None)
    except RuntimeError:
        if authorities:
            raise
        # MySQL asks for a password that it has not seen since its start over TLS, or encrypted by the package
        # `cryptography`, which the images do without.
        connection = _open(settings, password, timeout, database, _unverified_tls())
    # The login had a deadline; statements have the function's.
    connection._read_timeout = None
    if hasattr(socket, "TCP_USER_TIMEOUT") and connection._sock:
        connection._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_SECONDS * 1000)
    return connection


def _open(
    settings: DatabaseSettings, password: str, timeout: float, database: str, tls: ssl.SSLContext | None
) -> pymysql.Connection:
    return pymysql.connect(
        host=settings.endpoint,
        port=settings.port,
        database=database or None,
        user=settings.db_role,
        password=password,
        charset="utf8mb4",
        autocommit=True,
        init_command=SESSION,
        # Count the rows that an UPDATE finds, as the other engines do, also where it leaves them as they are.
        client_flag=FOUND_ROWS,
        connect_timeout=timeout,
        read_timeout=timeout,
        ssl=tls,
        ssl_disabled=tls is None,
    )


def classify_error(error: Exception) -> type[DatabaseError]:
    """Return what an error of `connect` means."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error) or "SSL" in str(error):
        return DatabaseError
    return CONNECT_ERRORS.get(error.args[0] if error.args else 0, DatabaseUnavailableError)


def fileno(connection: pymysql.Connection) -> int:
    """Return the connection's socket."""
    return connection._sock.fileno() if connection._sock else -1


def ping(connection: pymysql.Connection) -> None:
    """Ask the server for an answer."""
    connection.ping()


@cache
def _tls(authorities: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authorities)


def _unverified_tls() -> ssl.SSLContext:
    """Return TLS for loopback, where a server's certificate is one that it has made itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
