"""Answers to errors of the database."""

import logging
import re

from sqlalchemy.exc import DBAPIError

from aurora_lambda_runtime.database.error_codes import is_conflict, is_schema_missing, is_unavailable
from aurora_lambda_runtime.database.errors import ConflictError, DatabaseError, format_driver_error
from aurora_lambda_runtime.handler.database_routes import MIGRATE
from aurora_lambda_runtime.handler.http import Response
from aurora_lambda_runtime.payload import CommandError

TRY_LATER = "The database is not available yet; try again in a minute"
TRY_AGAIN = "Others are changing the same rows; try again"
NO_SCHEMA = f"The database schema is not there yet: {MIGRATE}"

log = logging.getLogger(__name__)


def outage_response(error: Exception | None) -> Response | None:
    """Return the 503 for an error that the next request may not meet; None for any other. Log what clients aren't told.

    A conflict is worth a retry at once, a database that is away in a minute.
    """
    statement = error if isinstance(error, DBAPIError) else None
    if statement and is_schema_missing(statement):
        return Response(503, {"error": NO_SCHEMA})
    if isinstance(error, ConflictError) or (statement and is_conflict(statement)):
        log.warning("conflict, given up: %s", error)
        return _unavailable(TRY_AGAIN, seconds=1)
    if isinstance(error, DatabaseError) or (statement and is_unavailable(statement)):
        log.warning("database unavailable: %s", statement.orig if statement else error)
        return _unavailable(TRY_LATER, seconds=60)
    return None


def invocation_error(error: DBAPIError) -> Exception:
    """Return the error that a direct invocation ends with, without the statement and its values."""
    if is_schema_missing(error):
        return CommandError(NO_SCHEMA)
    # PostgreSQL quotes the statement after the message.
    return DatabaseError(re.sub(r" LINE \d+: .* \^", "", format_driver_error(error.orig or error)))


def _unavailable(message: str, seconds: int) -> Response:
    return Response(503, {"error": message}, {"Retry-After": str(seconds)})
