"""The image's entry point: `lambda_images.handler.app.lambda_handler`."""

from typing import Any

from lambda_images.database import startup  # First: it connects while the rest is imported.
from lambda_images.handler.application import Application

application = Application(startup.connector)
startup.finished()


def lambda_handler(event: Any, context: Any) -> Any:
    """Answer one invocation."""
    return application.handle(event, context)
