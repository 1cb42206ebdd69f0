"""The sample application, on databases that tests bring."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aurora_lambda_runtime.handler.dispatcher import Application
from tests.conftest import Database
from tests.images.client import Client
from tests.images.histories import History
from tests.images.runs import run
from tests.sample_application.commands import COMMANDS
from tests.sample_application.routes import ROUTES, TABLES


@pytest.fixture
def client_of() -> Iterator[Callable[..., Client]]:
    """Return what makes clients of new applications; `port` leads one to its server by another way."""
    made: list[Client] = []

    def client(database: Database, migrated: bool = True, port: int = 0) -> Client:
        if migrated:
            run({}, database.environment())
        through = replace(database, port=port or database.port)
        made.append(Client(Application(COMMANDS, ROUTES, TABLES, database_routes=True), through.environment()))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def app(database: Database, client_of: Callable[..., Client]) -> Client:
    """Return the application on a migrated database."""
    return client_of(database)


@pytest.fixture
def history(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return an empty history."""
    return History(database, tmp_path, monkeypatch)


@pytest.fixture
def histories(
    postgres: Database, mysql: Database, dsql: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, History]:
    """Return one history on a database of each engine: what is written on one of them is there for all."""
    return {each.engine: History(each, tmp_path, monkeypatch) for each in (postgres, mysql, dsql)}
