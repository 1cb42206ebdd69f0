"""The handler image's entry point: `aurora_lambda_runtime.handler.app.lambda_handler`."""

from aurora_lambda_runtime.database import startup  # First: it connects while the rest is imported.

# isort: split
import os

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.handler.context import LambdaContext
from aurora_lambda_runtime.handler.dispatcher import Dispatcher
from aurora_lambda_runtime.handler.loading import load_application

dispatcher = Dispatcher(startup.connector, load_application(ApplicationPackage.of_environment(), os.environ))
startup.finished()


def lambda_handler(event: object, context: LambdaContext) -> object:
    """Answer one invocation."""
    return dispatcher.handle(event, context)
