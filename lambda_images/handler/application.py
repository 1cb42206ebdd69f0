"""The application: one event in, one answer out."""

import logging
import re
import time
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from lambda_images.application import commands
from lambda_images.application.routes import MIGRATE, router
from lambda_images.database.connector import Connector
from lambda_images.database.error_codes import is_schema_missing, is_unavailable
from lambda_images.database.errors import DatabaseError, format_driver_error
from lambda_images.database.sqlalchemy_engine import autocommit, lambda_engine
from lambda_images.handler.http import HttpError, Request, response

# Kept back from the function's timeout, so that a database that is still resuming is answered with words.
ANSWER_SECONDS = 1.0
LATER = "The database is not available yet; try again in a minute"
NO_SCHEMA = f"The database schema is not there yet: {MIGRATE}"

log = logging.getLogger(__name__)


class Application:
    """Serves direct invocations and function URL requests from one database."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.engine: Engine = lambda_engine(connector)
        self._statements = autocommit(self.engine)
        self._router = router(self.engine, connector.settings)

    def handle(self, event: Any, context: Any) -> Any:
        """Answer `event`; what goes wrong in a direct invocation is raised, and so becomes a function error."""
        self.connector.deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS
        if _is_http(event):
            return self._answer(event)
        try:
            return commands.run(event, self._statements, context.aws_request_id)
        except DBAPIError as error:
            raise _told(error) from None

    def _answer(self, event: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._router.answer(Request.from_event(event))
        except HttpError as error:
            return response(error.status, {"error": str(error)})
        except DatabaseError as error:
            log.warning("database unavailable: %s", error)
            return response(503, {"error": LATER})
        except DBAPIError as error:
            return _database_failure(error)
        except Exception:
            log.exception("unexpected error")
            return response(500, {"error": "Internal server error"})


def _is_http(event: Any) -> bool:
    """Whether a function URL sent `event`; anything else is a direct invocation's payload."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    http = context.get("http") if isinstance(context, dict) else None
    return isinstance(http, dict) and isinstance(http.get("method"), str)


def _told(error: DBAPIError) -> Exception:
    """What a direct invocation is told; the statement, which SQLAlchemy and PostgreSQL show, is left out."""
    if is_schema_missing(error):
        return commands.CommandError(NO_SCHEMA)
    return DatabaseError(re.sub(r" LINE \d+: .* \^", "", format_driver_error(error.orig or error)))


def _database_failure(error: DBAPIError) -> dict[str, Any]:
    if is_schema_missing(error):
        return response(503, {"error": NO_SCHEMA})
    if is_unavailable(error):
        log.warning("database connection lost: %s", error.orig)
        return response(503, {"error": LATER})
    log.exception("unexpected database error", exc_info=error)
    return response(500, {"error": "Internal server error"})
