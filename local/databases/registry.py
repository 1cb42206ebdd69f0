"""Create the server of an engine."""

from collections.abc import Mapping
from pathlib import Path

from lambda_images.database.engines import ENGINES, EngineSpec
from local.databases.mysql import MysqlServer
from local.databases.postgres import PostgresServer
from local.databases.server import DatabaseServer
from local.platform.errors import ServerUnavailableError

__all__ = ["DatabaseServer", "ServerUnavailableError", "database_server", "engine_of_cluster"]

SERVERS: Mapping[str, type[DatabaseServer]] = {server.engine: server for server in (MysqlServer, PostgresServer)}


def database_server(engine: str, data: Path, parameters: Mapping[str, str]) -> DatabaseServer:
    """Return a server for `engine`, not yet started, that keeps its files below `data`.

    `parameters` are the cluster parameter group's; those that this server does not know are left out.

    Raises:
        ServerUnavailableError: no such server is installed; the message says what to install.
    """
    return SERVERS[engine](data, parameters)


def engine_of_cluster(rds_engine: object) -> EngineSpec | None:
    """Return the engine that RDS calls `rds_engine`; None for one that does not run here."""
    return next((ENGINES[name] for name, server in SERVERS.items() if server.rds_engine == rds_engine), None)
