"""Errors between a function and its database. No message holds a password or a token."""


class DatabaseError(Exception):
    """The base class of all errors here."""


def format_driver_error(error: BaseException) -> str:
    """Return a driver's error on one line, with its code."""
    match error.args:
        case (int(number), str(words)):
            return f"{' '.join(words.split())} (error {number})"
    text = " ".join(str(error).split())
    sqlstate = getattr(error, "sqlstate", None)
    return f"{text} (SQLSTATE {sqlstate})" if sqlstate else text


def error_code(error: BaseException | None) -> str | int | None:
    """Return the code of a driver's error: MySQL's number or PostgreSQL's SQLSTATE."""
    arguments = getattr(error, "args", ())
    if arguments and isinstance(arguments[0], int):
        return arguments[0]
    return getattr(error, "sqlstate", None)


class DatabaseUnavailableError(DatabaseError):
    """The server does not answer, or not yet: it may be resuming, restarting, failing over or full."""


class LoginRefusedError(DatabaseError):
    """The server answers and does not let this role in."""


class DatabaseMissingError(DatabaseError):
    """The server answers and has no database of that name."""


class SecretUnavailableError(DatabaseError):
    """The secret that holds a password cannot be read, cannot be written, or holds no value."""


class ConflictError(DatabaseError):
    """A concurrent transaction changed the same rows first, or waits for ours to end: nothing was changed."""
