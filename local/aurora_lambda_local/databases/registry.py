"""Create the server of an engine."""

from collections.abc import Mapping
from pathlib import Path

from aurora_lambda_local.databases.mysql import MysqlServer
from aurora_lambda_local.databases.postgres import PostgresServer
from aurora_lambda_local.databases.server import DatabaseServer
from aurora_lambda_local.platform.errors import ServerUnavailableError

__all__ = ["DatabaseServer", "ServerUnavailableError", "database_server"]

SERVERS: Mapping[str, type[DatabaseServer]] = {server.engine: server for server in (MysqlServer, PostgresServer)}


def database_server(engine: str, data: Path, parameters: Mapping[str, str]) -> DatabaseServer:
    """Return a server for `engine`, not yet started, that keeps its files below `data`.

    `parameters` are the cluster parameter group's; those that this server does not know are left out.

    Raises:
        ServerUnavailableError: no such server is installed; the message says what to install.
    """
    return SERVERS[engine](data, parameters)
