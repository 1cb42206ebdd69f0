"""The migration runner's SQL, one module an engine.

Plain SQL on the driver's own connection, so that a deployment with nothing to do loads neither Alembic nor SQLAlchemy.
"""

from pkgutil import resolve_name

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.migrations.servers.base import Server, validate_role

__all__ = ["Server", "open_server", "validate_role"]


def open_server(connector: Connector, *, create: bool) -> Server:
    """Return the server that `connector` reaches, connected to its database.

    Args:
        connector: opens the connections.
        create: make the database if it is absent.

    Raises:
        MigrationError: the database is absent, and `create` is false.
    """
    return resolve_name(connector.settings.spec.server).open(connector, create=create)
