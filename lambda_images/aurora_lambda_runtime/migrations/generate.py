"""Writing a new revision: what the tables in the code have and the database lacks."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic import command
from alembic.migration import MigrationContext
from alembic.operations.ops import DowngradeOps, DropConstraintOp, MigrationScript, UpgradeOps
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy import MetaData

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import DatabaseSettings, database_settings
from aurora_lambda_runtime.database.engines import ENGINES, EngineSpec
from aurora_lambda_runtime.database.errors import DatabaseError
from aurora_lambda_runtime.migrations.alembic_runner import Migrations
from aurora_lambda_runtime.migrations.autogenerate.changes import Change, Decisions, find_changes
from aurora_lambda_runtime.migrations.autogenerate.expressions import ExpressionComparison, operations_of
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.failures import describe_error
from aurora_lambda_runtime.migrations.history.offline import check_operations, render
from aurora_lambda_runtime.migrations.history.revisions import next_revision
from aurora_lambda_runtime.migrations.servers import open_server

# Without anybody to ask.
REFUSE = Decisions()


def create_revision(
    environment: Mapping[str, str], application: ApplicationPackage, message: str = "", decisions: Decisions = REFUSE
) -> list[Path]:
    """Write the revisions that make the database of `environment` agree with the code, one change a file.

    Where each statement of DDL commits itself, a revision of one is there or not: nobody has to ask for its half.
    `message` describes a single change; several describe themselves.

    Raises:
        MigrationError: there is nothing to write, a change that loses data or does not work on every engine, a file
            in the way, or no database at the last revision.
    """
    message = " ".join(message.split())
    if message and not re.search(r"\w", message):
        raise MigrationError(
            'a message says what the revision does: aurora-lambda new-migration "add a phone number to users"'
        )
    settings = database_settings(environment)
    try:
        return _compared(settings, message, application, decisions)
    except MigrationError:
        raise
    except (CommandError, DatabaseError) as error:
        raise MigrationError(str(error)) from None
    except Exception as error:
        raise MigrationError(f"no revision was written: {describe_error(error, [settings.password])}") from None


def _compared(
    settings: DatabaseSettings, message: str, application: ApplicationPackage, decisions: Decisions
) -> list[Path]:
    with closing(open_server(Connector(settings), create=False)) as server:
        server.begin_work()
        version = server.version()
        migrations = Migrations(server, application)
        migrations.load()
        if pending := migrations.pending(version):
            names = ", ".join(f"{script.revision} {script.doc}" for script in pending)
            raise MigrationError(f"not yet applied: {names}. Run `aurora-lambda up` first")
        return _written(migrations, message, application.versions, decisions, settings.spec)


def _written(
    migrations: Migrations, message: str, versions: Path, decisions: Decisions, spec: EngineSpec
) -> list[Path]:
    first = int(next_revision(versions))

    def one_change_each(context: MigrationContext, _revision: Any, scripts: list[MigrationScript]) -> None:
        found = scripts[0].upgrade_ops
        changes: list[Change] = []
        if found and context.connection:
            metadata = context.opts["target_metadata"]
            changes = list(find_changes(found.ops, metadata, context.dialect, decisions))
            expressions = list(operations_of(ExpressionComparison(context.connection).differences(metadata)))
            # A column goes with its CHECK on one engine, and not before it on another.
            drops = [each for each in expressions if isinstance(each, DropConstraintOp)]
            others = [each for each in expressions if each not in drops]
            before, after = (find_changes(each, metadata, context.dialect, decisions) for each in (drops, others))
            changes = [*before, *changes, *after]
        scripts[:] = [
            _script(change, f"{first + number:04d}", message if message and len(changes) == 1 else change.description)
            for number, change in enumerate(changes)
        ]

    migrations.config.messaging_opts = {"quiet": True}
    there = set(versions.glob("*.py"))
    try:
        with migrations.connected() as connection:
            migrations.config.attributes["connection"] = connection
            made = command.revision(
                migrations.config,
                message,
                autogenerate=True,
                version_path=str(versions),
                process_revision_directives=one_change_each,
            )
        scripts = [script for script in (made if isinstance(made, list) else [made]) if script]
        tables = migrations.config.attributes["metadata"]
        _check_on_all_engines(scripts, tables)
        for script in scripts:
            # Raises a CompileError for what the engine here has no SQL for, as a String without a length on MySQL.
            render(script.module, spec, tables)
    except Exception:
        for path in set(versions.glob("*.py")) - there:
            path.unlink()
        raise
    if not scripts:
        raise MigrationError("nothing to write: code and database agree. Change the application's tables.py first")
    paths = [Path(script.path) for script in scripts]
    _format_with_ruff(paths)
    return paths


def _check_on_all_engines(scripts: Sequence[Script], tables: Callable[[], MetaData]) -> None:
    try:
        for spec in ENGINES.values():
            check_operations(scripts, spec, tables)
    except MigrationError as error:
        why = str(error).removeprefix("nothing was applied: ")
        raise MigrationError(f"nothing was written, for one history serves every engine: {why}") from None


def _script(change: Change, revision: str, message: str) -> MigrationScript:
    return MigrationScript(
        rev_id=revision,
        message=message,
        upgrade_ops=UpgradeOps([change.upgrade]),
        downgrade_ops=DowngradeOps(list(change.downgrade)),
        head="head",
    )


def _format_with_ruff(paths: Sequence[Path]) -> None:
    """Format new revisions and remove imports that they do not use, where ruff is installed."""
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.exists():
        subprocess.run([ruff, "check", "--silent", "--select", "F401,I", "--fix", *paths], check=False)
        subprocess.run([ruff, "format", "--silent", *paths], check=False)
