"""What tests of the migration runner ask of databases and of results."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import boto3

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.drivers import DriverConnection
from aurora_lambda_runtime.database.drivers.dsql import DsqlConnection
from aurora_lambda_runtime.migrations import generate, runner
from aurora_lambda_runtime.migrations.autogenerate.changes import Decisions
from aurora_lambda_runtime.migrations.generate import REFUSE
from aurora_lambda_runtime.migrations.servers.dsql.cursors import RetryingCursor
from tests.conftest import IAM_ROLE_ARN, Database
from tests.sample_application import VERSIONS, package


def run(
    event: object,
    environment: Mapping[str, str],
    remaining: Callable[[], float] = lambda: 1000.0,
    versions: Path = VERSIONS,
) -> dict[str, Any]:
    """Run a migration command with the sample application's revisions, or with others."""
    return cast(dict[str, Any], runner.run(event, environment, package(versions), remaining))


def create_revision(
    environment: Mapping[str, str], message: str = "", versions: Path = VERSIONS, decisions: Decisions = REFUSE
) -> list[Path]:
    """Write revisions into `versions`, of what the sample application's tables have more than the database."""
    return generate.create_revision(environment, package(versions), message, decisions)


def connect(database: Database, user: tuple[str, str] | None = None) -> DriverConnection:
    """Return a connection as master or as another user, which other sessions' changes of tables do not disturb."""
    environment = database.environment(*user) if user else database.environment()
    connection = Connector(database_settings(environment)).open()
    if isinstance(connection, DsqlConnection):
        connection.cursor_factory = RetryingCursor
    return connection


def rows(database: Database, statement: str, user: tuple[str, str] | None = None) -> list[tuple[Any, ...]]:
    """Return what a query answers, as master or as another user."""
    with closing(connect(database, user)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def table_names(database: Database) -> set[str]:
    """Return the names of all tables, but for those that the migration runner keeps for itself on some engines."""
    schema = "public" if database.engine == "postgres" else database.name
    found = rows(database, f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'")
    return {name for (name,) in found} - {"migration_checksums", "migration_progress", "migration_lease"}


def steps(result: dict[str, Any]) -> list[str]:
    """Return the revisions a run applied."""
    return [step["revision"] for step in result["applied"]]


def role_environment(database: Database, role: str, secret: str) -> dict[str, str]:
    """Return the runner's environment for a role that logs in by password, or where there is none by token."""
    if database.engine == "dsql":
        return database.environment() | {
            "SQL_DATABASE_URL_RUNTIME_DB_ROLE": role,
            "SQL_DATABASE_URL_RUNTIME_ROLE_ARN": IAM_ROLE_ARN,
        }
    return database.environment() | {
        "SQL_DATABASE_URL_RUNTIME_DB_ROLE": role,
        "SQL_DATABASE_URL_RUNTIME_AUTH": "password",
        "SQL_DATABASE_URL_RUNTIME_SECRET_ARN": secret,
    }


def secret_value(arn: str) -> dict[str, str]:
    """Return what a secret holds, asked as anybody else would."""
    client = boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"])
    return json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
