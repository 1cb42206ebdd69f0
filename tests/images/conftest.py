"""The application, on databases that tests bring."""

from collections.abc import Callable, Iterator

import pytest

from lambda_images.database.connector import Connector
from lambda_images.database.contract import database_settings
from lambda_images.handler.application import Application
from lambda_images.migrations.runner import run
from tests.conftest import Database
from tests.images.application import Client


@pytest.fixture
def client_of() -> Iterator[Callable[..., Client]]:
    """Makes clients of new applications; `port` leads one to its server by another way."""
    made: list[Client] = []

    def client(database: Database, migrated: bool = True, port: int = 0) -> Client:
        if migrated:
            run({}, database.environment())
        through = Database(database.engine, port or database.port, database.name)
        made.append(Client(Application(Connector(database_settings(through.environment())))))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def app(database: Database, client_of: Callable[..., Client]) -> Client:
    """An application on a migrated database."""
    return client_of(database)
