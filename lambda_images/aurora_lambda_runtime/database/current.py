"""The database of this execution environment, for code that gets no request: ORM sessions, and so web frameworks."""

import os

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import ContractError, database_settings
from aurora_lambda_runtime.database.transactions import Database

_database: Database | None = None


def set_database(database: Database) -> None:
    """Make `database` the one that `current_database` returns."""
    global _database  # noqa: PLW0603
    _database = database


def current_database() -> Database:
    """Return the database; in a script, which is no function, the one that the environment names.

    Raises:
        RuntimeError: there is none, or a function asks for it before it has answered anything.
    """
    if _database is None:
        set_database(_named_database())
    assert _database is not None
    return _database


def _named_database() -> Database:
    # A function has one connection; a second one, made while it is imported, would stay open beside it.
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        raise RuntimeError("there is no database yet: ask for it when the function answers, not while it is imported")
    try:
        connector = Connector(database_settings(os.environ))
    except ContractError as error:
        raise RuntimeError(
            f"there is no database here ({error}): it is set in a function, in a test by the fixture `database`, and in"
            " a script by `aurora-lambda run -- python SCRIPT`"
        ) from None
    return Database.on(connector)
