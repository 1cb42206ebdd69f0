"""What a comparison of code and database finds, as changes of one statement each: a new revision holds one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, Enum, ForeignKeyConstraint, MetaData, Table
from sqlalchemy.dialects.mysql import dialect as mysql_dialect

from lambda_images.migrations.errors import MigrationError

DESCRIPTIONS: Mapping[type[ops.MigrateOperation], str] = {
    ops.CreateTableOp: "create {0.table_name}",
    ops.DropTableOp: "drop {0.table_name}",
    ops.AddColumnOp: "add {0.column.name} to {0.table_name}",
    ops.DropColumnOp: "drop {0.column_name} from {0.table_name}",
    ops.AlterColumnOp: "change {0.column_name} of {0.table_name}",
    ops.DropIndexOp: "drop {0.index_name}",
    ops.AddConstraintOp: "add {0.constraint_name}",
    ops.DropConstraintOp: "drop {0.constraint_name}",
}


def _never(*_names: str) -> bool:
    return False


@dataclass(frozen=True)
class Decisions:
    """What only a person knows about a change.

    Attributes:
        is_rename: whether a column that the code lacks is the same as one that it has in addition.
        may_drop: whether a table or column may be dropped with all that it holds.
    """

    is_rename: Callable[[str, str], bool] = _never
    may_drop: Callable[[str], bool] = _never


@dataclass(frozen=True)
class Change:
    """One statement, and the one that undoes it."""

    upgrade: ops.MigrateOperation
    downgrade: ops.MigrateOperation
    description: str
    """What it does, as a revision's message and file name say it."""


class DropForeignKeyIndexOp(ops.MigrateOperation):
    """Drops an index that MySQL uses for a foreign key, and on MySQL puts one back that holds no more than the key."""

    def __init__(self, index: str, table: str, foreign_key: ForeignKeyConstraint) -> None:
        quote = mysql_dialect().identifier_preparer.quote
        columns = ", ".join(quote(name) for name in foreign_key.column_keys)
        replacement = f"ADD INDEX {quote(str(foreign_key.name))} ({columns})"
        self.on_mysql = f"ALTER TABLE {quote(table)} {replacement}, DROP INDEX {quote(index)}"
        self.elsewhere = f'DROP INDEX "{index}"'


@renderers.dispatch_for(DropForeignKeyIndexOp)
def _render(_context: AutogenContext, operation: DropForeignKeyIndexOp) -> list[str]:
    choice = f"{operation.on_mysql!r} if op.get_context().dialect.name == 'mysql' else {operation.elsewhere!r}"
    return [
        "# MySQL keeps an index under every foreign key: this one took the place of its own.",
        f"op.execute({choice})",
    ]


def find_changes(
    operations: Sequence[ops.MigrateOperation], metadata: MetaData, decisions: Decisions
) -> Iterator[Change]:
    """Yield the changes that `operations` consist of.

    Raises:
        MigrationError: a change loses data and may not, or does not work on every engine.
    """
    for operation in _with_renames(list(_single(operations)), decisions):
        if (lost := _loses(operation)) and not decisions.may_drop(lost):
            raise MigrationError(
                f"nothing was written: it would drop {lost} with all that it holds. To write it, run"
                " `aurora-lambda new-migration --yes`; on a terminal you are asked, also whether it was renamed"
            )
        _check_types(operation)
        yield Change(_portable(operation, metadata), _portable(_reverse(operation), metadata), _describe(operation))


def _single(operations: Iterable[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    """Yield single changes; Alembic groups what touches an existing table."""
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            yield from operation.ops
        else:
            yield operation


def _with_renames(operations: list[ops.MigrateOperation], decisions: Decisions) -> list[ops.MigrateOperation]:
    """Return `operations` with a rename in place of each drop and addition that are one."""
    for dropped in [each for each in operations if isinstance(each, ops.DropColumnOp)]:
        for added in [each for each in operations if isinstance(each, ops.AddColumnOp)]:
            table, old, new = dropped.table_name, dropped.column_name, str(added.column.name)
            if added.table_name == table and decisions.is_rename(f"{table}.{old}", f"{table}.{new}"):
                operations[operations.index(added)] = _rename(table, old, new, added.column)
                operations.remove(dropped)
                break
    return operations


def _rename(table: str, old: str, new: str, column: Column) -> ops.AlterColumnOp:
    # MySQL states the whole column anew.
    return ops.AlterColumnOp(
        table, old, modify_name=new, existing_type=column.type, existing_nullable=bool(column.nullable)
    )


def _reverse(operation: ops.MigrateOperation) -> ops.MigrateOperation:
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name:
        return ops.AlterColumnOp(
            operation.table_name,
            operation.modify_name,
            modify_name=operation.column_name,
            existing_type=operation.existing_type,
            existing_nullable=operation.existing_nullable,
        )
    return operation.reverse()


def _loses(operation: ops.MigrateOperation) -> str:
    """Return what is lost by `operation`; empty for nothing."""
    match operation:
        case ops.DropTableOp():
            return f"table {operation.table_name}"
        case ops.DropColumnOp():
            return f"column {operation.table_name}.{operation.column_name}"
    return ""


def _check_types(operation: ops.MigrateOperation) -> None:
    """Raise an error for a type that PostgreSQL creates by a statement of its own, and drops with no table."""
    match operation:
        case ops.CreateTableOp():
            columns = [(each.name, each.type) for each in operation.columns if isinstance(each, Column)]
        case ops.AddColumnOp():
            columns = [(operation.column.name, operation.column.type)]
        case ops.AlterColumnOp():
            columns = [(operation.column_name, operation.modify_type)]
        case _:
            columns = []
    for name, type_ in columns:
        if isinstance(type_, Enum) and type_.native_enum:
            raise MigrationError(
                f"nothing was written: the Enum of column {name} would be a type that only PostgreSQL knows."
                " Write Enum(..., native_enum=False), which is text on every engine"
            )


def _portable(operation: ops.MigrateOperation, metadata: MetaData) -> ops.MigrateOperation:
    """Return `operation` as every engine takes it."""
    if not isinstance(operation, ops.DropIndexOp) or not isinstance(created := operation.reverse(), ops.CreateIndexOp):
        return operation
    table = metadata.tables.get(created.table_name)
    key = None if table is None else _foreign_key_on(table, _names(created))
    return DropForeignKeyIndexOp(str(created.index_name), created.table_name, key) if key is not None else operation


def _foreign_key_on(table: Table, columns: Sequence[str]) -> ForeignKeyConstraint | None:
    """Return the foreign key whose columns an index of `columns` begins with."""
    for key in table.foreign_key_constraints:
        if key.name and list(columns[: len(key.column_keys)]) == list(key.column_keys):
            return key
    return None


def _describe(operation: ops.MigrateOperation) -> str:
    if isinstance(operation, ops.CreateIndexOp):
        return f"index {operation.table_name} by {' and '.join(_names(operation))}"
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name:
        return f"rename {operation.column_name} of {operation.table_name} to {operation.modify_name}"
    found = (text for kind, text in DESCRIPTIONS.items() if isinstance(operation, kind))
    return next(found, "change the schema").format(operation)


def _names(index: ops.CreateIndexOp) -> list[str]:
    return [str(getattr(column, "name", column)) for column in index.columns]
