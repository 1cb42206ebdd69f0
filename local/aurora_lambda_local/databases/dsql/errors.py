"""Aurora DSQL's errors."""


class DsqlError(Exception):
    """An ErrorResponse: `hint` may be empty; after a `FATAL` one the connection ends."""

    def __init__(self, sqlstate: str, message: str, hint: str = "", *, fatal: bool = False) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.hint = hint
        self.severity = "FATAL" if fatal else "ERROR"


def unsupported(message: str) -> DsqlError:
    """Return the refusal of something that DSQL does not have."""
    return DsqlError("0A000", message)


def refused_login(reason: str) -> DsqlError:
    """Return the error of a login that is refused, and why."""
    return DsqlError("08006", f"unable to accept connection, {reason}", fatal=True)


def access_denied(hint: str, sqlstate: str = "08006") -> DsqlError:
    """Return the refusal of a login; `hint` says why."""
    return DsqlError(sqlstate, "unable to accept connection, access denied", hint, fatal=True)


def rows_conflict() -> DsqlError:
    """Return the refusal of a commit because another transaction wrote the same rows first."""
    return DsqlError("40001", "change conflicts with another transaction (OC000)")


def schema_conflict() -> DsqlError:
    """Return the refusal of a transaction because another session has changed the catalog."""
    return DsqlError("40001", "schema has been updated by another transaction (OC001)")


class ConnectionDroppedError(Exception):
    """The connection is to end without a word to the client."""
