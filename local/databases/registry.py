"""The database servers this machine can run: `database_server` makes one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from local.databases.mysql import MysqlServer
from local.databases.postgres import PostgresServer
from local.databases.server import DatabaseServer
from local.platform.errors import ServerUnavailable

__all__ = ["DatabaseServer", "ServerUnavailable", "database_server"]

SERVERS: Mapping[str, type[DatabaseServer]] = {"mysql": MysqlServer, "postgres": PostgresServer}


def database_server(engine: Literal["mysql", "postgres"], data: Path, parameters: Mapping[str, str]) -> DatabaseServer:
    """A server for `engine`, not yet started, that keeps everything it writes below `data`.

    `parameters` are the cluster parameter group's; those that this server does not know are left out.

    Raises:
        ServerUnavailable: the machine has no such server; the message says what to install.
    """
    return SERVERS[engine](data, parameters)
