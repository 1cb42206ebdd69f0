"""The handler image's entry point: `aurora_lambda_runtime.handler.app.lambda_handler`."""

from aurora_lambda_runtime.database import startup  # First: it connects while the rest is imported.

# isort: split
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.handler.context import LambdaContext
from aurora_lambda_runtime.handler.dispatcher import Application, Dispatcher

package = ApplicationPackage.of_environment()
routes = package.module("routes")
dispatcher = Dispatcher(
    startup.connector, Application(package.module("commands").COMMANDS, routes.ROUTES, routes.TABLES)
)
startup.finished()


def lambda_handler(event: object, context: LambdaContext) -> object:
    """Answer one invocation."""
    return dispatcher.handle(event, context)
