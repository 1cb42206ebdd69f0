"""The meaning of a database's error, by its own code. Codes of different engines never coincide."""

from sqlalchemy.exc import DBAPIError

from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.database.errors import error_code

_CODES = [spec.errors for spec in ENGINES.values()]
_DUPLICATE = frozenset[str | int]().union(*(codes.duplicate for codes in _CODES))
_SCHEMA_MISSING = frozenset[str | int]().union(*(codes.schema_missing for codes in _CODES))
_UNAVAILABLE = frozenset[str | int]().union(*(codes.unavailable for codes in _CODES))
_CONFLICT = frozenset[str | int]().union(*(codes.conflict for codes in _CODES))


def is_duplicate(error: DBAPIError) -> bool:
    """Return whether a row with the same unique value is there already."""
    return error_code(error.orig) in _DUPLICATE


def is_schema_missing(error: DBAPIError) -> bool:
    """Return whether the tables have not been made yet."""
    return error_code(error.orig) in _SCHEMA_MISSING


def is_unavailable(error: DBAPIError) -> bool:
    """Return whether the connection was lost or refused, so that the same request may succeed in a while."""
    return error.connection_invalidated or error_code(error.orig) in _UNAVAILABLE


def is_conflict(error: DBAPIError) -> bool:
    """Return whether a concurrent transaction won, so that the same work may succeed when it is run again."""
    return error_code(error.orig) in _CONFLICT
