"""The SQL database of a stream's function: imported only by functions that use one."""

import os
from functools import cache, partial

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import DatabaseSettings, database_settings
from aurora_lambda_runtime.database.sqlalchemy_engine import lambda_engine, take_back
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.handler.streams.batches import at_end, deadline


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
    engine = lambda_engine(connector)
    at_end.append(partial(take_back, engine))
    return connector, Database(engine, settings)
