"""The two database drivers, each behind the same functions, and imported when its engine is the one in use."""

import importlib
from typing import Any, Protocol, cast

from lambda_images.database.contract import DatabaseSettings, Engine
from lambda_images.database.errors import DatabaseError

# How long a peer may leave what was sent to it unacknowledged; a host that vanished says nothing at all.
SILENCE_SECONDS = 10


class Driver(Protocol):
    """How one engine is reached: a module of this package."""

    def connect(self, settings: DatabaseSettings, password: str, timeout: float, database: str) -> Any:
        """An autocommitting connection, opened within `timeout` seconds, two at least; else the driver's own error."""

    def classify_error(self, error: Exception) -> type[DatabaseError]:
        """What such an error means."""
        ...

    def fileno(self, connection: Any) -> int:
        """The connection's socket."""
        ...

    def ping(self, connection: Any) -> None:
        """Raises when the server no longer answers on this connection."""


def driver(engine: Engine) -> Driver:
    """The driver of `engine`."""
    return cast(Driver, importlib.import_module(f"{__name__}.{engine}"))


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, so that nothing between could listen: the one place TLS is not asked for."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def roots() -> str:
    """The file with the certificate authorities of RDS."""
    return f"{__file__.rpartition('/database/')[0]}/certificates/rds.pem"
