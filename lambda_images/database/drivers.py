"""The two database drivers, each behind the same three functions; the driver itself is imported when first used."""

import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lambda_images.database.contract import DatabaseSettings, Engine
from lambda_images.database.errors import DatabaseError, DatabaseMissing, DatabaseUnavailable, LoginRefused

RDS_ROOTS = Path(__file__).parent.parent / "certificates" / "rds.pem"
# How long a peer may leave what was sent to it unacknowledged; a host that vanished says nothing at all.
SILENCE_SECONDS = 10

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
MYSQL_SESSION = f"SET sql_mode='{SQL_MODE}', time_zone='+00:00'"

_POSTGRES_REFUSALS: Mapping[str, type[DatabaseError]] = {
    "authentication failed": LoginRefused,
    "no password supplied": LoginRefused,
    "no pg_hba.conf entry": LoginRefused,
    'FATAL:  role "': LoginRefused,
    'FATAL:  database "': DatabaseMissing,
    "permission denied for database": LoginRefused,
    "certificate verify failed": DatabaseError,
    "SSL error": DatabaseError,
    "does not support SSL": DatabaseError,
}
_MYSQL_REFUSALS: Mapping[int, type[DatabaseError]] = {
    1044: LoginRefused,
    1045: LoginRefused,
    1049: DatabaseMissing,
    1251: LoginRefused,
    1524: LoginRefused,
    1698: LoginRefused,
    2026: DatabaseError,
    2059: LoginRefused,
}


@dataclass(frozen=True)
class Driver:
    """How one engine is reached.

    `connect(settings, password, timeout, database)` opens an autocommitting connection within `timeout` seconds, two
    at least, or raises the driver's own error; `refusal(error)` says what such an error means; `fileno(connection)`
    is the connection's socket; `ping(connection)` raises when the server no longer answers on it.
    """

    connect: Callable[[DatabaseSettings, str, float, str], Any]
    refusal: Callable[[Exception], type[DatabaseError]]
    fileno: Callable[[Any], int]
    ping: Callable[[Any], object]


def driver(engine: Engine) -> Driver:
    """The driver of `engine`."""
    return DRIVERS[engine]


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, so that nothing between could listen: the one place TLS is not asked for."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _connect_postgres(settings: DatabaseSettings, password: str, timeout: float, database: str) -> Any:
    import psycopg  # noqa: PLC0415 - 70 ms that MySQL has no use for

    local = is_loopback(settings.endpoint)
    return psycopg.connect(
        host=settings.endpoint,
        port=settings.port,
        dbname=database,
        user=settings.db_role,
        password=password,
        autocommit=True,
        # A plan prepared on the server fails once a migration changes what it returns, for as long as the
        # connection lives: "cached plan must not change result type".
        prepare_threshold=None,
        connect_timeout=int(timeout),
        tcp_user_timeout=SILENCE_SECONDS * 1000,
        client_encoding="utf8",
        application_name="aurora-lambda",
        gssencmode="disable",
        options="-c timezone=UTC",
        sslmode="disable" if local else "verify-full",
        sslrootcert=None if local else str(RDS_ROOTS),
    )


def _connect_mysql(settings: DatabaseSettings, password: str, timeout: float, database: str) -> Any:
    import pymysql  # noqa: PLC0415 - 30 ms that PostgreSQL has no use for

    local = is_loopback(settings.endpoint)
    connection: Any = pymysql.connect(
        host=settings.endpoint,
        port=settings.port,
        database=database or None,
        user=settings.db_role,
        password=password,
        charset="utf8mb4",
        autocommit=True,
        init_command=MYSQL_SESSION,
        connect_timeout=timeout,
        read_timeout=timeout,
        ssl=None if local else _rds_context(),
        ssl_disabled=local,
    )
    connection._read_timeout = None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)
    return connection


@cache
def _rds_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(RDS_ROOTS))


def _postgres_refusal(error: Exception) -> type[DatabaseError]:
    text = str(error)
    found = (kind for part, kind in _POSTGRES_REFUSALS.items() if part in text)
    return next(found, DatabaseUnavailable)


def _mysql_refusal(error: Exception) -> type[DatabaseError]:
    if "CERTIFICATE_VERIFY_FAILED" in str(error) or "SSL" in str(error):
        return DatabaseError
    return _MYSQL_REFUSALS.get(error.args[0] if error.args else 0, DatabaseUnavailable)


DRIVERS: Mapping[Engine, Driver] = {
    "postgres": Driver(
        connect=_connect_postgres,
        refusal=_postgres_refusal,
        fileno=lambda connection: connection.fileno(),
        ping=lambda connection: connection.execute(""),
    ),
    "mysql": Driver(
        connect=_connect_mysql,
        refusal=_mysql_refusal,
        fileno=lambda connection: connection._sock.fileno(),
        ping=lambda connection: connection.ping(),
    ),
}
