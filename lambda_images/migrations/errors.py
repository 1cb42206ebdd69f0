"""What the migration runner refuses, and what it says when a migration fails."""


class MigrationError(Exception):
    """A migration command could not be done; the message says why, and what state the database was left in."""


class OutOfTimeError(MigrationError):
    """The function's time is nearly up, and the command has something left to do."""


class MigrationBusyError(MigrationError):
    """Another runner holds the lock."""
