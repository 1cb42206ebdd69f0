"""What a database's error means, by its own code, on either engine."""

from sqlalchemy.exc import DBAPIError

_DUPLICATE = {"23505", 1062}
# No such table, schema or database.
_SCHEMA_MISSING = {"42P01", "3F000", "3D000", 1146, 1049}
# Shutting down, starting, out of connections, lost; a writer that became a reader.
_UNAVAILABLE = {"57P01", "57P02", "57P03", "53300", "25006", 1040, 1053, 1203, 1290, 1836, 2006, 2013}


def error_code(error: DBAPIError) -> str | int | None:
    """MySQL's error number or PostgreSQL's SQLSTATE."""
    arguments = getattr(error.orig, "args", ())
    if arguments and isinstance(arguments[0], int):
        return arguments[0]
    return getattr(error.orig, "sqlstate", None)


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a row with the same unique value is there already."""
    return error_code(error) in _DUPLICATE


def is_schema_missing(error: DBAPIError) -> bool:
    """Whether the tables have not been made yet."""
    return error_code(error) in _SCHEMA_MISSING


def is_unavailable(error: DBAPIError) -> bool:
    """Whether the connection was lost or refused, so that the same request may succeed in a while."""
    return error.connection_invalidated or error_code(error) in _UNAVAILABLE
