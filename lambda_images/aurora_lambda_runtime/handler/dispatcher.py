"""One event in, one answer out: direct invocations go to commands, function URL requests to routes."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.error_codes import is_schema_missing, is_unavailable
from aurora_lambda_runtime.database.errors import ConflictError, DatabaseError, format_driver_error
from aurora_lambda_runtime.database.sqlalchemy_engine import lambda_engine, take_back
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.handler.commands import Commands, run_command
from aurora_lambda_runtime.handler.context import LambdaContext, answer_deadline
from aurora_lambda_runtime.handler.database_routes import MIGRATE, database_routes
from aurora_lambda_runtime.handler.http import (
    FunctionUrlEvent,
    FunctionUrlResponse,
    HttpError,
    Request,
    is_http,
    to_response,
)
from aurora_lambda_runtime.handler.routing import Router, Routes
from aurora_lambda_runtime.payload import CommandError

TRY_LATER = "The database is not available yet; try again in a minute"
TRY_AGAIN = "Others are changing the same rows; try again"
NO_SCHEMA = f"The database schema is not there yet: {MIGRATE}"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Application:
    """What an application consists of; `tables` are the names that `POST /init` reports."""

    commands: Commands
    routes: Routes
    tables: Sequence[str] = ()


class Dispatcher:
    """Answers events for an application, from one database."""

    def __init__(self, connector: Connector, application: Application) -> None:
        self.connector = connector
        self.engine = lambda_engine(connector)
        self._database = Database(self.engine, connector.settings)
        self._commands = application.commands
        self._router = Router({**database_routes(application.tables), **application.routes})

    def handle(self, event: object, context: LambdaContext) -> object:
        """Return the answer to `event`.

        Raises:
            Exception: a direct invocation failed; Lambda makes a function error of it.
        """
        self.connector.deadline = answer_deadline(context)
        try:
            return self._answer(event) if is_http(event) else self._command(event, context)
        finally:
            take_back(self.engine)

    def _command(self, event: object, context: LambdaContext) -> object:
        try:
            return run_command(self._commands, event, context.aws_request_id, self._database)
        except DBAPIError as error:
            raise invocation_error(error) from None

    def _answer(self, event: FunctionUrlEvent) -> FunctionUrlResponse:
        try:
            return to_response(*self._router.answer(Request.from_event(event, self._database)))
        except HttpError as error:
            return to_response(error.status, {"error": str(error)}, error.headers)
        except ConflictError as error:
            log.warning("conflict, given up: %s", error)
            return unavailable(TRY_AGAIN, seconds=1)
        except DatabaseError as error:
            log.warning("database unavailable: %s", error)
            return unavailable(TRY_LATER)
        except DBAPIError as error:
            return database_failure(error)
        except Exception:
            log.exception("unexpected error")
            return to_response(500, {"error": "Internal server error"})


def invocation_error(error: DBAPIError) -> Exception:
    """Return the error that a direct invocation ends with, without the statement and its values."""
    if is_schema_missing(error):
        return CommandError(NO_SCHEMA)
    # PostgreSQL quotes the statement after the message.
    return DatabaseError(re.sub(r" LINE \d+: .* \^", "", format_driver_error(error.orig or error)))


def unavailable(message: str, seconds: int = 60) -> FunctionUrlResponse:
    """Return the response that asks the client to try again after `seconds`."""
    return to_response(503, {"error": message}, {"Retry-After": str(seconds)})


def database_failure(error: DBAPIError) -> FunctionUrlResponse:
    """Return the response for a statement that failed, and log what the client is not told."""
    if is_schema_missing(error):
        return to_response(503, {"error": NO_SCHEMA})
    if is_unavailable(error):
        log.warning("database connection lost: %s", error.orig)
        return unavailable(TRY_LATER)
    log.exception("unexpected database error", exc_info=error)
    return to_response(500, {"error": "Internal server error"})
