"""Writing a new revision: what the tables in the code have and the database lacks."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic import command
from alembic.operations.ops import DowngradeOps, MigrateOperation, MigrationScript, ModifyTableOps, UpgradeOps
from alembic.script import Script
from alembic.util import CommandError

from lambda_images.database.connector import Connector
from lambda_images.database.contract import database_settings
from lambda_images.database.errors import DatabaseError
from lambda_images.migrations.alembic_runs import Migrations
from lambda_images.migrations.errors import MigrationError
from lambda_images.migrations.revisions import VERSIONS, next_revision
from lambda_images.migrations.servers import server


def create_revision(environment: Mapping[str, str], message: str, versions: Path = VERSIONS) -> list[Path]:
    """Write the revisions that make the database of `environment` agree with the code, one change a file.

    MySQL commits each statement of DDL, so a revision of one can be run again after a failure and one of two cannot.

    Raises:
        MigrationError: there is nothing to write, the database is not at the last revision, or is not there.
    """
    if not message.strip():
        raise MigrationError('a revision needs a message: aurora-lambda new-migration "add a phone number to users"')
    settings = database_settings(environment)
    database = server(Connector(settings))
    try:
        with closing(database.open(create=False)) as raw:
            version = database.version(raw, None)[0]
            migrations = Migrations(settings.engine, raw, versions)
            migrations.head()
            if pending := migrations.pending(version):
                raise MigrationError(f"{len(pending)} revisions are pending: run `aurora-lambda migrate` first")
            return _written(migrations, message.strip(), versions)
    except DatabaseError as error:
        raise MigrationError(str(error)) from None


def _written(migrations: Migrations, message: str, versions: Path) -> list[Path]:
    first = int(next_revision(versions))

    def one_change_each(_context: Any, _revision: Any, scripts: list[MigrationScript]) -> None:
        upgrades = scripts[0].upgrade_ops
        changes = list(_changes(upgrades.ops)) if upgrades else []
        scripts[:] = [
            _script(change, f"{first + number:04d}", message if len(changes) == 1 else f"{message} {number + 1}")
            for number, change in enumerate(changes)
        ]

    migrations.config.messaging_opts = {"quiet": True}
    with migrations.connected() as connection:
        migrations.config.attributes["connection"] = connection
        try:
            made = command.revision(
                migrations.config,
                message,
                autogenerate=True,
                version_path=str(versions),
                process_revision_directives=one_change_each,
            )
        except CommandError as error:
            raise MigrationError(str(error)) from None
    scripts: Sequence[Script | None] = made if isinstance(made, list) else [made]
    if not scripts:
        raise MigrationError("nothing to write: code and database agree. Change lambda_images/handler/tables.py first")
    return [Path(script.path) for script in scripts if script]


def _changes(operations: Sequence[MigrateOperation]) -> Iterator[MigrateOperation]:
    """Single changes; what touches an existing table comes from Alembic grouped by table."""
    for operation in operations:
        if isinstance(operation, ModifyTableOps):
            yield from operation.ops
        else:
            yield operation


def _script(change: MigrateOperation, revision: str, message: str) -> MigrationScript:
    return MigrationScript(
        rev_id=revision,
        message=message,
        upgrade_ops=UpgradeOps([change]),
        downgrade_ops=DowngradeOps([change.reverse()]),
        head="head",
    )
