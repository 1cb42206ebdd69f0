"""The SQL database of a function behind a stream or a queue: imported only by functions that use one."""

import os
from functools import cache

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import DatabaseSettings, database_settings
from aurora_lambda_runtime.database.current import set_database
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.handler.entry import at_end, deadline


def database() -> Database:
    """Return the database that the environment names; the connection is opened once and waits no longer than Lambda.

    Raises:
        ContractError: the environment names no database.
    """
    connector, opened = _open(database_settings(os.environ))
    connector.deadline = deadline.get()
    set_database(opened)
    return opened


@cache
def _open(settings: DatabaseSettings) -> tuple[Connector, Database]:
    connector = Connector(settings)
    opened = Database.on(connector)
    at_end.append(opened.end_invocation)
    return connector, opened
