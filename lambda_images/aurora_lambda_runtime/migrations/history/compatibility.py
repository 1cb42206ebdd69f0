"""Revisions that break the code now running: it goes on until it is replaced, and comes back by a rollback."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from alembic.util.pyfiles import load_python_file
from sqlalchemy import Column, MetaData

from aurora_lambda_runtime.database.engines import EngineSpec
from aurora_lambda_runtime.database.sqlalchemy_engine import offline_dialect
from aurora_lambda_runtime.migrations.history.offline import files_after, load_operations

# The columns that code names, by table, and whether each may be NULL.
Tables = Mapping[str, Mapping[str, bool]]

NOT_NULL_CHECK = re.compile(r"\W*(\w+)\W+IS\s+NOT\s+NULL\W*", re.IGNORECASE)
USED = "which the code that runs now uses"
FIRST_WITHOUT = "First deploy code that does without, then this revision"


def named_tables(metadata: MetaData) -> dict[str, dict[str, bool]]:
    """Return the columns that an application's code names, by table, and whether each may be NULL."""
    return {
        name: {column.name: bool(column.nullable) for column in table.columns}
        for name, table in metadata.tables.items()
    }


def breaking_changes(
    version: str | None, versions: Path, spec: EngineSpec, running: Tables
) -> Iterator[tuple[str, str]]:
    """Yield each revision after `version` that breaks code with the tables `running`: what, and the way round.

    Of a revision that asks the database, and of SQL as text, only what comes before is known.
    """
    for revision, name in files_after(version, versions):
        with suppress(Exception, SystemExit):
            for operation in noted_operations(load_python_file(versions, name), spec):
                if why := _breaks(operation, running):
                    yield revision, why


def noted_operations(revision: ModuleType, spec: EngineSpec) -> list[ops.MigrateOperation]:
    """Return what a revision's `upgrade` asks for, without a database and without doing it."""
    load_operations(spec)
    noted: list[ops.MigrateOperation] = []
    context = MigrationContext.configure(dialect=offline_dialect(spec), opts={"as_sql": True})
    with Operations.context(context) as operations:
        # On this one object, since `context` makes none of a subclass.
        vars(operations)["invoke"] = noted.append
        with suppress(Exception, SystemExit):
            revision.upgrade()
    return noted


def _breaks(operation: ops.MigrateOperation, running: Tables) -> str:
    """Return what an operation breaks, and the way round; empty for nothing."""
    table, why = str(getattr(operation, "table_name", "")), ""
    columns = running.get(table, {})
    match operation:
        case ops.DropTableOp() if columns:
            why = f"drops {table}, {USED}. {FIRST_WITHOUT}"
        case ops.RenameTableOp() if columns:
            why = f"renames {table}, {USED}. Make the new table beside it, and drop the old one later"
        case ops.DropColumnOp() if operation.column_name in columns:
            why = f"drops {table}.{operation.column_name}, {USED}. {FIRST_WITHOUT}"
        case ops.AddColumnOp() if columns and _needs_value(operation.column):
            why = (
                f"adds {table}.{operation.column.name} NOT NULL, and the code that runs now gives it no value. Give it"
                " a server_default, or let it be NULL until the new code runs"
            )
        case ops.AlterColumnOp() if columns:
            why = _breaks_column(operation, columns)
        case ops.CreateCheckConstraintOp() if match := NOT_NULL_CHECK.fullmatch(str(operation.condition)):
            why = _not_null(table, match[1]) if columns.get(match[1], False) else ""
    return why


def _breaks_column(operation: ops.AlterColumnOp, columns: Mapping[str, bool]) -> str:
    table, name = operation.table_name, operation.column_name
    if operation.modify_name and name in columns:
        return (
            f"renames {table}.{name}, {USED}. First add {operation.modify_name}, fill it, and deploy code that writes"
            f" both; then drop {name} in a later deployment"
        )
    default = operation.existing_server_default or operation.modify_server_default
    # A column that the code does not name it leaves out.
    if operation.modify_nullable is False and columns.get(name, not default):
        return _not_null(table, name)
    return ""


def _not_null(table: str, column: str) -> str:
    return (
        f"makes {table}.{column} NOT NULL, and the code that runs now may leave it empty. First deploy code that always"
        " gives it a value, then this revision"
    )


def _needs_value(column: Column) -> bool:
    return not (column.nullable or column.server_default or column.computed or column.identity)
