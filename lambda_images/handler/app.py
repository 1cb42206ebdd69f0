"""The handler image's entry point: `lambda_images.handler.app.lambda_handler`."""

from lambda_images.database import startup  # First: it connects while the rest is imported.

# isort: split
from lambda_images.application.commands import COMMANDS
from lambda_images.application.routes import ROUTES, TABLES
from lambda_images.handler.context import LambdaContext
from lambda_images.handler.dispatcher import Application, Dispatcher

dispatcher = Dispatcher(startup.connector, Application(COMMANDS, ROUTES, TABLES))
startup.finished()


def lambda_handler(event: object, context: LambdaContext) -> object:
    """Answer one invocation."""
    return dispatcher.handle(event, context)
