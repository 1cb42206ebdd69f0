"""Applications that share a DSQL cluster, each with a schema, a role and an IAM role of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from aurora_lambda_local.databases.dsql.tokens import Identity
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from tests.conftest import AWS_ENVIRONMENT, Database
from tests.dsql_faults import Faults, FaultyServer
from tests.images import runs
from tests.images.killed_runner import run_in_process
from tests.sample_application import VERSIONS


@dataclass(frozen=True)
class Application:
    """One application on a cluster; `iam_role` is the name of its function's IAM role, and its access key."""

    database: Database
    role: str
    iam_role: str

    @property
    def iam_role_arn(self) -> str:
        """Return the ARN of the function's IAM role."""
        return f"arn:aws:iam::123456789012:role/{self.iam_role}"

    def environment(self, **more: str) -> Mapping[str, str]:
        """Return what its migration runner is told."""
        role = {
            "SQL_DATABASE_URL_RUNTIME_DB_ROLE": self.role,
            "SQL_DATABASE_URL_RUNTIME_ROLE_ARN": self.iam_role_arn,
        }
        return self.database.environment() | role | more

    def run(
        self,
        event: object = None,
        versions: Path = VERSIONS,
        remaining: Callable[[], float] = lambda: 1000.0,
        **environment: str,
    ) -> dict[str, Any]:
        """Run a migration command."""
        return runs.run(event, self.environment(**environment), remaining, versions)

    def run_in_process(self, event: Mapping[str, Any] | None = None, versions: Path = VERSIONS) -> str:
        """Run a migration command in a process of its own, and return its error or nothing."""
        environment = {**self.environment(), **AWS_ENVIRONMENT}
        return run_in_process(event or {}, self.database, environment, versions, None)[1]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what a query answers to the application itself, with the credentials of its function."""
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", self.iam_role)
            connector = Connector(database_settings(self.database.environment(self.role)))
            with closing(connector.open()) as connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []

    def admin_rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what a query answers to `admin`."""
        return runs.rows(self.database, statement)


@pytest.fixture
def application(dsql: Database, dsql_server: FaultyServer) -> Iterator[Application]:
    """Return an application that is not set up yet, on a cluster in which nothing goes wrong."""
    yield add_application(dsql_server, dsql)
    dsql_server.faults = Faults(job_seconds=0)


@pytest.fixture
def neighbour(application: Application, dsql_server: FaultyServer) -> Application:
    """Return another application on the same cluster, not set up yet either."""
    return add_application(dsql_server, replace(application.database, name=f"{application.database.name}_neighbour"))


def add_application(server: FaultyServer, database: Database, role: str = "", iam_role: str = "") -> Application:
    """Return an application whose function's IAM role may call `dsql:DbConnect`."""
    added = Application(database, role or f"lambda_{database.name}", iam_role or f"handler-{database.name}")
    secret = next(iter(server.identities.values())).secret_access_key
    server.identities[added.iam_role] = Identity(added.iam_role_arn, secret, frozenset({"DbConnect"}))
    return added
