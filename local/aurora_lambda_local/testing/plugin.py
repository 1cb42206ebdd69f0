"""A pytest plugin for services: `client` calls the application, `database` reads and writes its rows.

It is loaded wherever the package is installed, so it imports what it needs when a test asks for it.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from aurora_lambda_runtime.database.engines import ENGINES

if TYPE_CHECKING:
    from aurora_lambda_local.testing import Client, Database
    from aurora_lambda_local.testing.databases import MigratedDatabase

OPTION = "--database-engine"
ENGINE = "database_engine"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option that names engines."""
    group = parser.getgroup("aurora-lambda")
    purpose = "test on this engine, and on no other that is not named too (default: those of the stacks' files)"
    group.addoption(OPTION, action="append", choices=list(ENGINES), help=purpose)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Leave out what Pulumi's generated code warns of itself, also where a conftest.py imports it."""
    early_config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:pulumi.*")
    return (yield)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs a database on each engine."""
    if ENGINE in metafunc.fixturenames:
        engines = metafunc.config.getoption(OPTION) or stack_engines(metafunc.config)
        metafunc.parametrize(ENGINE, engines, scope="session")


def stack_engines(config: pytest.Config) -> list[str]:
    """Return the engines of the project's stacks, in the order in which they are documented.

    Raises:
        pytest.UsageError: there is no project here, or a stack's file cannot be read.
    """
    from aurora_lambda.project import Project, ProjectError
    from aurora_lambda_local.platform.errors import UsageError
    from aurora_lambda_local.program.configuration import read_configuration

    try:
        project = Project.find(config.rootpath)
        configured = [read_configuration(project, stack, encrypted="") for stack in project.stacks]
    except (ProjectError, UsageError) as error:
        raise pytest.UsageError(str(error)) from None
    used = {each.get(f"{project.name}:engine", next(iter(ENGINES))) for each in configured}
    return [engine for engine in ENGINES if engine in used]


@pytest.fixture(scope="session")
def migrated_database(
    database_engine: str, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[MigratedDatabase]":
    """A database with the application's tables on a server of its own, for all tests of one engine."""
    from aurora_lambda.project import Project
    from aurora_lambda_local.platform.errors import ServerUnavailableError
    from aurora_lambda_local.testing.databases import AWS_ENVIRONMENT, database_url, migrated_database
    from aurora_lambda_runtime.application import ApplicationPackage
    from aurora_lambda_runtime.database.contract import DATABASE_URL
    from aurora_lambda_runtime.migrations.errors import MigrationError

    application = ApplicationPackage.named(Project.find(pytestconfig.rootpath).application.name)
    try:
        with (
            pytest.MonkeyPatch.context() as environment,
            database_url(database_engine, tmp_path_factory.mktemp(database_engine)) as url,
        ):
            for name, value in {**AWS_ENVIRONMENT, DATABASE_URL: url}.items():
                environment.setenv(name, value)
            with migrated_database(application) as database:
                yield database
    except ServerUnavailableError as error:
        raise pytest.skip.Exception(str(error)) from None
    except MigrationError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture
def database(migrated_database: "MigratedDatabase") -> "Iterator[Database]":
    """The database, as routes and commands have it; what a test leaves in it is gone afterwards."""
    yield migrated_database.database
    migrated_database.restore()


@pytest.fixture
def client(migrated_database: "MigratedDatabase", database: "Database") -> "Client":
    """The application, called as Lambda calls it: `client.get("/notes")`, `client.invoke({"command": "count"})`."""
    return migrated_database.client
