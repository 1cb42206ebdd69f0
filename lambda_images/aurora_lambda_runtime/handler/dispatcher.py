"""One event in, one answer out: direct invocations go to commands, HTTP requests to routes or a web framework."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy.exc import DBAPIError

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.current import set_database
from aurora_lambda_runtime.database.errors import DatabaseError
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.handler.commands import Commands, run_command
from aurora_lambda_runtime.handler.context import LambdaContext, answer_deadline
from aurora_lambda_runtime.handler.database_routes import database_routes
from aurora_lambda_runtime.handler.failures import invocation_error, outage_response
from aurora_lambda_runtime.handler.http import FunctionUrlEvent, HttpError, Request, Response, is_http
from aurora_lambda_runtime.handler.responses import FunctionUrlResponse, limited, to_event
from aurora_lambda_runtime.handler.routing import Router, Routes
from aurora_lambda_runtime.handler.web import WebApplication

# What a framework says of a path, or of a method there, that it has no route for.
NOT_ANSWERED = (404, 405)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Application:
    """What an application consists of.

    `web` answers HTTP requests in place of `routes`. `database_routes` are `/info` and `/init`, which reports `tables`.
    """

    commands: Commands = field(default_factory=dict)
    routes: Routes = field(default_factory=dict)
    tables: Sequence[str] = ()
    web: WebApplication | None = None
    database_routes: bool = False


class Dispatcher:
    """Answers events for an application, from one database."""

    def __init__(self, connector: Connector, application: Application) -> None:
        self.connector = connector
        self.database = Database.on(connector)
        self._commands = application.commands
        own = database_routes(application.tables) if application.database_routes else {}
        self._router = Router({**own, **application.routes})
        self._web = application.web
        set_database(self.database)

    def handle(self, event: object, context: LambdaContext) -> object:
        """Return the answer to `event`.

        Raises:
            Exception: a direct invocation failed; Lambda makes a function error of it.
        """
        # In a test, which may call a function of a stream or a queue too, another one was it meanwhile.
        set_database(self.database)
        self.connector.deadline = answer_deadline(context)
        self.connector.failure = None
        try:
            return self._answer(event, context) if is_http(event) else self._command(event, context)
        finally:
            self.database.end_invocation()

    def _command(self, event: object, context: LambdaContext) -> object:
        try:
            return run_command(self._commands, event, context.aws_request_id, self.database)
        except DBAPIError as error:
            raise invocation_error(error).with_traceback(error.__traceback__) from None

    def _answer(self, event: FunctionUrlEvent, context: LambdaContext) -> FunctionUrlResponse:
        method = event["requestContext"]["http"]["method"]
        try:
            request = Request.from_event(event, self.database, context.aws_request_id)
            if self._web:
                answer = self._web_answer(self._web, event, context)
                # The database's own routes stand behind those of the framework, as behind an application's.
                if answer["statusCode"] not in NOT_ANSWERED or not self._router.has(request):
                    return answer
            return to_event(self._router.answer(request), method)
        except HttpError as error:
            return to_event(Response(error.status, {"error": str(error)}, error.headers), method)
        except (DatabaseError, DBAPIError) as error:
            if outage := outage_response(error):
                return to_event(outage, method)
            log.exception("unexpected database error")
        except Exception:
            log.exception("unexpected error")
        return to_event(Response(500, {"error": "Internal server error"}), method)

    def _web_answer(self, web: WebApplication, event: FunctionUrlEvent, context: LambdaContext) -> FunctionUrlResponse:
        """Return the web framework's answer, in place of a 500 that the database caused the one that routes give."""
        answer = cast(FunctionUrlResponse, web(event, context))
        outage = outage_response(self.connector.failure) if answer["statusCode"] == 500 else None  # noqa: PLR2004
        return to_event(outage, event["requestContext"]["http"]["method"]) if outage else limited(answer)
