"""The SQL database of a stream's function: imported only by functions that use one."""

import os
from functools import cache

from lambda_images.database.connector import Connector
from lambda_images.database.contract import DatabaseSettings, database_settings
from lambda_images.database.sqlalchemy_engine import lambda_engine
from lambda_images.database.transactions import Database
from lambda_images.handler.streams.batches import deadline


def database() -> Database:
    """Return the database that the environment names; the connection is opened once and waits no longer than Lambda.

    Raises:
        ContractError: the environment names no database.
    """
    connector, opened = _open(database_settings(os.environ))
    connector.deadline = deadline.get()
    return opened


@cache
def _open(settings: DatabaseSettings) -> tuple[Connector, Database]:
    connector = Connector(settings)
    return connector, Database(lambda_engine(connector), settings)
