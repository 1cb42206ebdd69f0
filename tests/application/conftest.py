"""The shipped application on databases of its own."""

from collections.abc import Iterator

import pytest

from lambda_images.application.commands import COMMANDS
from lambda_images.application.routes import ROUTES, TABLES
from lambda_images.handler.dispatcher import Application
from lambda_images.migrations.runner import run
from tests.conftest import Database
from tests.images.client import Client


@pytest.fixture
def app(database: Database) -> Iterator[Client]:
    """Return the application on a migrated database."""
    run({}, database.environment())
    client = Client(Application(COMMANDS, ROUTES, TABLES), database.environment())
    yield client
    client.close()
