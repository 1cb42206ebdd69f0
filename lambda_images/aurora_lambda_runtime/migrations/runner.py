"""The migration image's entry point: `aurora_lambda_runtime.migrations.runner.lambda_handler`.

On PostgreSQL all pending revisions are one transaction: a failing one leaves the database as it was. When the
function's own time runs short, what is done by then is committed between two revisions, the result's `status` is
`incomplete`, and the next `deploy` goes on from there. MySQL commits each statement of DDL itself: the next run goes on
with the statement at which one stopped, see `aurora_lambda_runtime.migrations.history.progress`.
"""

import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import (
    ALLOW_RESET,
    DROP_ON_DESTROY,
    ContractError,
    RuntimeRole,
    database_settings,
    is_shared,
    runtime_role,
)
from aurora_lambda_runtime.database.errors import DatabaseError
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.checksums import read_revision
from aurora_lambda_runtime.migrations.history.revisions import numbered_head, revision_files
from aurora_lambda_runtime.migrations.outcome import DestroyResult, MigrationResult, Outcome
from aurora_lambda_runtime.migrations.request import Request, is_destroy, parse_request
from aurora_lambda_runtime.migrations.roles import password_works
from aurora_lambda_runtime.migrations.servers import Server, open_server, validate_role

ENOUGH_SECONDS = 10_000.0
# A deployment invokes this right after it has changed what the function may read.
SECRET_RETRY_SECONDS = 60.0
# Left to say what went wrong with a database that never answered.
RESERVE_SECONDS = 2.0


def lambda_handler(event: object, context: Any) -> MigrationResult | DestroyResult:
    """Run one migration command.

    Raises:
        MigrationError: it could not be done; the message says why and what state the database is in.
    """
    application = ApplicationPackage.of_environment()
    try:
        return run(event, os.environ, application, lambda: context.get_remaining_time_in_millis() / 1000)
    except MigrationError as error:
        # Lambda logs the frames too: they are this runner's own, and say less than the message.
        raise error.with_traceback(None) from None


def run(
    event: object,
    environment: Mapping[str, str],
    application: ApplicationPackage,
    remaining: Callable[[], float] = lambda: ENOUGH_SECONDS,
) -> MigrationResult | DestroyResult:
    """Run one migration command with an application's revisions, within `remaining` seconds.

    Raises:
        MigrationError: it could not be done; the message says why and what state the database is in.
    """
    started = time.monotonic()
    deadline = started + remaining() - RESERVE_SECONDS
    if is_destroy(event):
        return _destroy(environment, deadline)
    request = parse_request(event)
    if request.command == "reset" and environment.get(ALLOW_RESET) != "true":
        raise MigrationError("reset is refused: it drops every table. To allow it, set the stack's allowReset to true")
    connector, role = _connector(environment, deadline)
    settings = connector.settings
    connector.secret_retry_seconds = SECRET_RETRY_SECONDS
    connector.tries_token = True
    if role:
        validate_role(role, settings.spec, settings.db_role)
    with (
        _nothing_but_migration_errors(request.command, connector),
        closing(open_server(connector, create=request.rules.creates_database)) as server,
    ):
        outcome = _run(request, server, role, remaining, application)
        tables = _tables(application) if request.tables else None
    duration = round((time.monotonic() - started) * 1000)
    answer: MigrationResult = {
        "command": request.command,
        "engine": settings.engine,
        **outcome,
        "duration_ms": duration,
    }
    return answer if tables is None else {**answer, "tables": tables}


def _tables(application: ApplicationPackage) -> dict[str, dict[str, bool]]:
    from aurora_lambda_runtime.migrations.history.compatibility import named_tables  # noqa: PLC0415 - it loads Alembic

    return named_tables(application.metadata())


def _connector(environment: Mapping[str, str], deadline: float) -> tuple[Connector, RuntimeRole | None]:
    """Return what connects to the database that the environment names, and the application's role there."""
    try:
        settings = database_settings(environment)
        role = runtime_role(environment, settings.name)
    except ContractError as error:
        raise MigrationError(str(error)) from None
    connector = Connector(settings)
    connector.deadline = deadline
    return connector, role


@contextmanager
def _nothing_but_migration_errors(command: str, connector: Connector) -> Generator[None]:
    """Tell whatever a driver raises, wherever between two statements, as a MigrationError."""
    try:
        yield
    except MigrationError:
        raise
    except (ContractError, DatabaseError) as error:
        raise MigrationError(str(error)) from None
    except (Exception, SystemExit) as error:
        from aurora_lambda_runtime.migrations.failures import describe_error  # noqa: PLC0415 - it loads Alembic

        why, see = describe_error(error, [connector.password]), "Run `aurora-lambda migrate status` to see the state"
        raise MigrationError(f"{command} failed: {why}. {see} it left") from None


def _destroy(environment: Mapping[str, str], deadline: float) -> DestroyResult:
    """Drop what the application has in a cluster that outlives the stack, where the stack says so.

    A stack that no longer says so removes the invocation, and the provider then asks for this too: an error would fail
    every deployment from there on.
    """
    connector, role = _connector(environment, deadline)
    settings = connector.settings
    answer: DestroyResult = {"command": "destroy", "engine": settings.engine, "status": "ok"}
    if environment.get(DROP_ON_DESTROY) != "true":
        return {**answer, "output": "nothing is dropped: the stack does not say that its data goes with it"}
    if is_shared(settings.owner):
        return {**answer, "output": f"nothing is dropped: the schema belongs to {settings.owner}"}
    with (
        _nothing_but_migration_errors("destroy", connector),
        closing(open_server(connector, create=True)) as server,
    ):
        server.lock()
        server.claim(role)
        server.drop_application(role)
    return answer


def _run(
    request: Request,
    server: Server,
    role: RuntimeRole | None,
    remaining: Callable[[], float],
    application: ApplicationPackage,
) -> Outcome:
    if request.rules.locks:
        # Before anything is read: a server may still be at work on what a killed runner had sent it.
        server.lock()
        server.claim(role)
    if request.command == "deploy" and (outcome := nothing_to_do(server, role, application.versions)):
        return outcome
    from aurora_lambda_runtime.migrations.commands import MigrationCommands  # noqa: PLC0415 - Alembic is not needed above

    return MigrationCommands(request, server, role, remaining, application).run()


def nothing_to_do(server: Server, role: RuntimeRole | None, versions: Path) -> Outcome | None:
    """Return the outcome of a deployment that finds everything in place; None for any other."""
    head = numbered_head(versions)
    if (
        head is None
        or not server.is_ready(head, _checksum(versions, head), role)
        or not password_works(server.connector, role)
    ):
        return None
    return {"status": "ok", "before": head, "after": head, "applied": [], "pending": [], "output": ""}


def _checksum(versions: Path, revision: str) -> str:
    """Return the checksum of a revision's file; empty where the file cannot be read, which a deployment then says."""
    try:
        return read_revision(versions / revision_files(versions)[revision]).checksum
    except MigrationError:
        return ""
