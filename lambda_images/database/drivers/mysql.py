"""MySQL and MariaDB, by PyMySQL."""

import socket
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import pymysql

from lambda_images.database.contract import DatabaseSettings
from lambda_images.database.drivers import SILENCE_SECONDS, is_loopback, roots
from lambda_images.database.errors import DatabaseError, DatabaseMissing, DatabaseUnavailable, LoginRefused

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
SESSION = f"SET sql_mode='{SQL_MODE}', time_zone='+00:00'"

REFUSALS: Mapping[int, type[DatabaseError]] = {
    1044: LoginRefused,
    1045: LoginRefused,
    1049: DatabaseMissing,
    1251: LoginRefused,
    1524: LoginRefused,
    1698: LoginRefused,
    2026: DatabaseError,
    2059: LoginRefused,
}


def connect(settings: DatabaseSettings, password: str, timeout: float, database: str) -> Any:
    """As `Driver` says."""
    local = is_loopback(settings.endpoint)
    connection: Any = pymysql.connect(
        host=settings.endpoint,
        port=settings.port,
        database=database or None,
        user=settings.db_role,
        password=password,
        charset="utf8mb4",
        autocommit=True,
        init_command=SESSION,
        connect_timeout=timeout,
        read_timeout=timeout,
        ssl=None if local else _tls(),
        ssl_disabled=local,
    )
    # The login had a deadline; statements have the function's.
    connection._read_timeout = None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)
    return connection


def refusal(error: Exception) -> type[DatabaseError]:
    """As `Driver` says."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error) or "SSL" in str(error):
        return DatabaseError
    return REFUSALS.get(error.args[0] if error.args else 0, DatabaseUnavailable)


def fileno(connection: Any) -> int:
    """As `Driver` says."""
    return connection._sock.fileno()


def ping(connection: Any) -> None:
    """As `Driver` says."""
    connection.ping()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=roots())
