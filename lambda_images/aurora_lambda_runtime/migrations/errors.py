"""Errors of the migration runner: requests that it refuses, and migrations that fail."""


class MigrationError(Exception):
    """A migration command could not be done; the message says why, and what state the database was left in."""


class UnsupportedOperationError(MigrationError):
    """A revision asks for something that Aurora DSQL cannot do; the message names the way that works."""

    def __init__(self, operation: str, remedy: str) -> None:
        super().__init__(f"Aurora DSQL cannot {operation}: {remedy}")


class OutOfTimeError(MigrationError):
    """The function's time is nearly up, and the command has something left to do."""


class MigrationBusyError(MigrationError):
    """Another runner holds the lock."""
