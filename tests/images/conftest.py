"""The application of `tests.images.notes`, on databases that tests bring."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lambda_images.migrations.runner import run
from tests.conftest import Database
from tests.images import notes
from tests.images.client import Client


@pytest.fixture
def client_of(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Makes clients of new applications; `port` leads one to its server by another way."""
    made: list[Client] = []

    def client(database: Database, migrated: bool = True, port: int = 0) -> Client:
        if migrated:
            run({}, database.environment(), versions=notes.versions(tmp_path))
        through = Database(database.engine, port or database.port, database.name)
        made.append(Client(notes.application, through.environment()))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def app(database: Database, client_of: Callable[..., Client]) -> Client:
    """The application on a migrated database."""
    return client_of(database)
