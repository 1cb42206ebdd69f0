"""The shipped application on databases of its own."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from application.commands import COMMANDS
from application.routes import ROUTES, TABLES
from application.tables import metadata
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.handler.dispatcher import Application
from aurora_lambda_runtime.migrations.runner import run
from tests.conftest import ENGINES, Database, NewDatabase, set_aws_environment
from tests.images.client import Client


def migrate(event: object, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a migration command with the application's revisions."""
    return cast(dict[str, Any], run(event, environment, ApplicationPackage.named("application")))


@pytest.fixture(scope="module", params=ENGINES)
def migrated(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[Database]:
    """A database with the application's tables, on each engine in turn; the environment holds AWS credentials."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_aws_environment(monkeypatch)
        database = new_database(request.param)
        migrate({}, database.environment())
        yield database


@pytest.fixture
def app(migrated: Database) -> Iterator[Client]:
    """Return the application on a database whose tables are empty."""
    client = Client(Application(COMMANDS, ROUTES, TABLES, database_routes=True), migrated.environment())
    with client.dispatcher.database.transactions.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    yield client
    client.close()
