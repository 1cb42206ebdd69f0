"""The database drivers, each behind the same functions, and imported when its engine is the one in use."""

import importlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

from aurora_lambda_runtime.database.contract import DatabaseSettings
from aurora_lambda_runtime.database.engines import EngineSpec
from aurora_lambda_runtime.database.errors import DatabaseError

# How long sent data may stay unacknowledged (TCP_USER_TIMEOUT) before the connection is given up.
UNACKNOWLEDGED_SECONDS = 10

Row = tuple[Any, ...]


class DriverCursor(Protocol):
    """A cursor, as far as both drivers agree."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """The columns that the last statement returns; None when it returns no rows."""
        ...

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed or found."""
        ...

    def execute(self, statement: str, values: Sequence[object] = (), /) -> object:
        """Run one statement; `values` take the place of each `%s`."""
        ...

    def fetchone(self) -> Row | None:
        """Return the next row."""
        ...

    def fetchall(self) -> Sequence[Row]:
        """Return the rows that are left."""
        ...


class DriverConnection(Protocol):
    """A connection that commits each statement by itself."""

    def cursor(self) -> AbstractContextManager[DriverCursor]:
        """Return a new cursor."""
        ...

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back."""
        ...


class Driver(Protocol):
    """How a server is reached: a module of this package."""

    def connect(self, settings: DatabaseSettings, password: str, timeout: float, database: str) -> DriverConnection:
        """Open a connection within `timeout` seconds, two at least; raise the driver's own error."""
        ...

    def classify_error(self, error: Exception) -> type[DatabaseError]:
        """Return what an error of `connect` means."""
        ...

    def fileno(self, connection: DriverConnection) -> int:
        """Return the connection's socket."""
        ...

    def ping(self, connection: DriverConnection) -> None:
        """Ask the server for an answer; raise the driver's own error when there is none."""
        ...


def driver(spec: EngineSpec) -> Driver:
    """Return the driver of an engine."""
    return cast(Driver, importlib.import_module(spec.driver))


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine: nobody can listen in between, so TLS is not required."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def ca_file(settings: DatabaseSettings) -> str | None:
    """Return the file of certificate authorities to verify the server with; None where TLS is not used."""
    if is_loopback(settings.endpoint) and not settings.spec.always_tls:
        return None
    return settings.ca or f"{__file__.rpartition('/database/')[0]}/certificates/{settings.spec.ca_file}"
