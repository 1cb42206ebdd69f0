"""The database of this execution environment, for code that gets no request: ORM sessions, and so web frameworks."""

import os
from functools import cache

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import ContractError, DatabaseSettings, database_settings
from aurora_lambda_runtime.database.invocation import NEVER, at_end, deadline
from aurora_lambda_runtime.database.transactions import Database

_database: Database | None = None


def set_database(database: Database | None) -> None:
    """Make `database` the one that `current_database` returns."""
    global _database  # noqa: PLW0603
    _database = database


def current_database() -> Database:
    """Return the handler's database; behind a stream or a queue, and in a script, the one that the environment names.

    Raises:
        RuntimeError: there is none, or a function asks for it before it has answered anything.
    """
    if _database is not None:
        return _database
    # A handler has one connection; a second one, made while it is imported, would stay open beside it.
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ and deadline.get() == NEVER:
        raise RuntimeError(
            "there is no database yet: ask for it when the function answers, not while it is imported; an entry point"
            " of your own first calls `database()` of aurora_lambda_runtime.handler.streams.sql"
        )
    try:
        return named_database()
    except ContractError as error:
        raise RuntimeError(
            f"there is no database here ({error}): it is set in a function, in a test by the fixture `database`, and in"
            " a script by `aurora-lambda run -- python SCRIPT`"
        ) from None


def named_database() -> Database:
    """Return the database that the environment names, and have `current_database` do so until the invocation ends.

    The connection is opened once, and waits no longer than Lambda.

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
    # The next invocation has another deadline.
    at_end.extend([opened.end_invocation, lambda: set_database(None)])
    return connector, opened
