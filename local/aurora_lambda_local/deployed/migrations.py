"""Requests of the CLI to a stack's migration runner."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from aurora_lambda.project import Project
from aurora_lambda_local.commands import database_url
from aurora_lambda_local.deployed.stack import DeployedStack, StackRequestError, select_stack
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import DATABASE_URL, database_settings
from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.checksums import applied_files, read_revisions
from aurora_lambda_runtime.migrations.history.compatibility import breaking_changes
from aurora_lambda_runtime.migrations.history.revisions import RevisionFile
from aurora_lambda_runtime.migrations.outcome import MigrationResult
from aurora_lambda_runtime.migrations.servers import open_server

MIGRATION_RUNNER = "migration-runner"
# They compare the files here with the runner's and with the database.
COMPARING = {"check", "status"}
# They are answered with the tables of the code that runs, to find what a file here would break.
TELLING_TABLES = {"current", "status"}


def ask_runner(stack: DeployedStack, command: str, revision: str = "") -> str:
    """Run one migration command and return the runner's answer.

    Raises:
        LocalError: a revision's file here cannot be read.
        StackRequestError: the command failed, or the runner could not be invoked.
    """
    event: dict[str, object] = {"command": command}
    if revision:
        event["revision"] = revision
    if command in COMPARING:
        try:
            event["files"] = {name: asdict(file) for name, file in read_revisions(Project.find().versions).items()}
        except MigrationError as error:
            raise LocalError(str(error)) from None
    if command in TELLING_TABLES:
        event["tables"] = True
    return stack.invoke(MIGRATION_RUNNER, json.dumps(event).encode())


def breaking_revisions(answer: MigrationResult, versions: Path) -> list[str]:
    """Return a line for each file here that, applied, would break the code whose runner has given this answer."""
    running = answer.get("tables", {})
    found = breaking_changes(answer["after"], versions, ENGINES[answer["engine"]], running)
    return [f"revision {revision} {why}" for revision, why in found]


def unwritten_change() -> str:
    """Return what the tables' code has and the database that runs here has not, with what to type; often nothing."""
    try:
        ask_runner(select_stack(None), "check")
    except StackRequestError as error:
        return str(error).removeprefix(f"{MIGRATION_RUNNER} failed: ")
    return ""


def applied_revisions() -> dict[str, RevisionFile]:
    """Return what is applied to the database that runs here.

    Raises:
        UsageError: none runs here.
        DatabaseError: it does not answer.
    """
    connector = Connector(database_settings({DATABASE_URL: database_url()}))
    with closing(open_server(connector, create=False)) as server:
        return applied_files(server)


def migration_status() -> MigrationResult:
    """Return how the files here, the runner of the stack running here and its database differ.

    Raises:
        LocalError: a revision's file here cannot be read.
        StackRequestError: the runner cannot tell, because the database does not answer, say.
    """
    return json.loads(ask_runner(select_stack(None), "status"))
