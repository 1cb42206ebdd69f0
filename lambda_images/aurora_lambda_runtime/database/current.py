"""The database of this execution environment, for code that gets no request: ORM sessions, and so web frameworks."""

from aurora_lambda_runtime.database.transactions import Database

_database: Database | None = None


def set_database(database: Database) -> None:
    """Make `database` the one that `current_database` returns."""
    global _database  # noqa: PLW0603
    _database = database


def current_database() -> Database:
    """Return the database.

    Raises:
        RuntimeError: there is none, because this code runs outside of a function.
    """
    if _database is None:
        raise RuntimeError(
            "there is no database here: it is set in a function, and in a test by the fixture `database`"
        )
    return _database
