"""Differences of code and database, as changes of one statement each: a new revision holds one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DefaultClause,
    MetaData,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import SchemaItem

from aurora_lambda_runtime.migrations.autogenerate.limits import check_limits, repeated_names
from aurora_lambda_runtime.migrations.autogenerate.order import in_order
from aurora_lambda_runtime.migrations.autogenerate.portable_types import (
    portable_condition,
    portable_default,
    portable_expression,
    portable_part,
    portable_type,
)
from aurora_lambda_runtime.migrations.errors import MigrationError

DESCRIPTIONS: Mapping[type[ops.MigrateOperation], str] = {
    ops.CreateTableOp: "create {0.table_name}",
    ops.DropTableOp: "drop {0.table_name}",
    ops.RenameTableOp: "rename {0.table_name} to {0.new_table_name}",
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
        is_rename: whether a table or column that the code lacks is the same as one that it has in addition.
        may_drop: whether a table or column may be dropped with all that it holds.
    """

    is_rename: Callable[[str, str], bool] = _never
    may_drop: Callable[[str], bool] = _never


@dataclass(frozen=True)
class Change:
    """One statement, and what undoes it."""

    upgrade: ops.MigrateOperation
    downgrade: Sequence[ops.MigrateOperation]
    description: str
    """What it does, as a revision's message and file name say it."""


@renderers.dispatch_for(ops.RenameTableOp)
def _render_rename(_context: AutogenContext, operation: ops.RenameTableOp) -> str:
    return f"op.rename_table({operation.table_name!r}, {operation.new_table_name!r})"


def find_changes(
    operations: Sequence[ops.MigrateOperation], metadata: MetaData, dialect: Dialect, decisions: Decisions
) -> Iterator[Change]:
    """Yield the changes that `operations` consist of; `dialect` is that of the database they are found in.

    Raises:
        MigrationError: a change loses data and may not, or does not work on every engine.
    """
    found = in_order(_with_renamed_columns(_with_renamed_tables(list(_single(operations)), decisions), decisions))
    dropped = {each.table_name for each in found if isinstance(each, ops.DropTableOp)}
    indexes = [each for each in found if isinstance(each, ops.DropIndexOp) and each.table_name in dropped]
    repeated = repeated_names(metadata)
    for operation in found:
        if operation in indexes:
            continue
        if (lost := _loses(operation)) and not decisions.may_drop(lost):
            raise MigrationError(
                f"nothing was written: it would drop {lost} with all that it holds. To write it, run"
                " `aurora-lambda new-migration --yes`; on a terminal you are asked, also whether it was renamed"
            )
        check_limits(operation, metadata, repeated)
        description = _describe(operation)
        if isinstance(operation, ops.CreateIndexOp):
            operation.columns = [portable_part(each, operation) for each in operation.columns]
        elif isinstance(operation, ops.CreateTableOp):
            operation.columns = [_with_portable_condition(each) for each in operation.columns]
        if isinstance(operation, ops.AlterColumnOp) and operation.existing_type is not None:
            _state_existing(operation, metadata, dialect)
        undone = [_with_portable_types(_reverse(operation), dialect)]
        if isinstance(operation, ops.DropIndexOp) and _is_under_key(operation, metadata):
            # The code has no need of it, and other engines never had it.
            operation.if_exists, undone = True, []
        if isinstance(operation, ops.DropTableOp):
            undone += [
                _with_portable_types(index.reverse(), dialect)
                for index in indexes
                if index.table_name == operation.table_name
            ]
        yield Change(operation, undone, description)


def describe_changes(operations: Iterable[ops.MigrateOperation]) -> list[str]:
    """Return what each of `operations` would do to the database, in words."""
    return [_describe(each) + _detail(each) for each in _single(operations)]


def _single(operations: Iterable[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    """Yield single changes; Alembic groups what touches an existing table."""
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            yield from operation.ops
        else:
            yield operation


def _with_renamed_columns(operations: list[ops.MigrateOperation], decisions: Decisions) -> list[ops.MigrateOperation]:
    """Return `operations` with a rename in place of each drop and addition that are one."""
    for dropped in [each for each in operations if isinstance(each, ops.DropColumnOp)]:
        for added in [each for each in operations if isinstance(each, ops.AddColumnOp)]:
            table, old, new = dropped.table_name, dropped.column_name, str(added.column.name)
            if added.table_name == table and decisions.is_rename(f"{table}.{old}", f"{table}.{new}"):
                operations[operations.index(added)] = ops.AlterColumnOp(table, old, modify_name=new)
                operations.remove(dropped)
                break
    return operations


def _with_renamed_tables(operations: list[ops.MigrateOperation], decisions: Decisions) -> list[ops.MigrateOperation]:
    """Return `operations` with a rename in place of each drop and creation of a table that are one.

    Only tables of the same columns are: what else differs shows when the next revision is written.
    """
    for dropped in [each for each in operations if isinstance(each, ops.DropTableOp)]:
        for created in [each for each in operations if isinstance(each, ops.CreateTableOp)]:
            old, new = dropped.table_name, created.table_name
            same = dropped.to_table().columns.keys() == created.to_table().columns.keys()
            if same and decisions.is_rename(old, new):
                operations[operations.index(created)] = ops.RenameTableOp(old, new)
                operations.remove(dropped)
                # What is unique under the old name stays until its successor is made.
                operations = [_moved(each, old, new) for each in operations if not _is_unique(each, old)]
                break
    return operations


def _is_unique(operation: ops.MigrateOperation, table: str) -> bool:
    return isinstance(operation, ops.DropIndexOp) and operation.table_name == table and operation.to_index().unique


def _moved(operation: ops.MigrateOperation, old: str, new: str) -> ops.MigrateOperation:
    """Return `operation` with the index that it drops on the renamed table."""
    if not isinstance(operation, ops.DropIndexOp) or operation.table_name != old:
        return operation
    index = operation.to_index()
    return ops.CreateIndexOp(str(index.name), new, index.columns.keys()).reverse()


def _reverse(operation: ops.MigrateOperation) -> ops.MigrateOperation:
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name:
        return ops.AlterColumnOp(operation.table_name, operation.modify_name, modify_name=operation.column_name)
    if isinstance(operation, ops.RenameTableOp):
        return ops.RenameTableOp(operation.new_table_name, operation.table_name)
    return operation.reverse()


def _state_existing(operation: ops.AlterColumnOp, metadata: MetaData, dialect: Dialect) -> None:
    """State what stays of a column as every engine takes it: MySQL is told all of it anew.

    In the code's type, for one that was read has lost what other engines know: an Integer is a BIGINT on Aurora DSQL.
    """
    columns = {each.name: each for each in metadata.tables[operation.table_name].columns}
    type_ = columns[operation.column_name].type
    if operation.modify_type is not None and operation.existing_type is not None:
        type_ = portable_type(operation.existing_type, dialect)
    operation.existing_type = type_
    if isinstance(operation.existing_server_default, DefaultClause):
        operation.existing_server_default = portable_default(operation.existing_server_default, type_)


def _with_portable_types(operation: ops.MigrateOperation, dialect: Dialect) -> ops.MigrateOperation:
    """Return what undoes the drop of a table, column or index as every engine takes it; others as they are."""
    if isinstance(operation, ops.CreateIndexOp):
        # Alembic wraps an expression.
        parts: list[Any] = list(operation.columns)
        operation.columns = [
            text(f"({portable_expression(each.text.text, operation.table_name).text})")
            if hasattr(each, "text")
            else each
            for each in parts
        ]
    table: str = getattr(operation, "table_name", "")
    made = operation.columns if isinstance(operation, ops.CreateTableOp) else []
    added = [operation.column] if isinstance(operation, ops.AddColumnOp) else []
    columns = [each for each in (*made, *added) if isinstance(each, Column)]
    for column in columns:
        column.type, column.autoincrement = portable_type(column.type, dialect), "auto"
        if isinstance(column.server_default, DefaultClause):
            column.server_default = portable_default(column.server_default, column.type)
        if column.computed is not None:
            column.computed.sqltext = portable_expression(str(column.computed.sqltext), table)
    booleans = [each.name for each in columns if isinstance(each.type, Boolean)]
    for check in [each for each in made if isinstance(each, CheckConstraint)]:
        check.sqltext = portable_expression(str(check.sqltext), table, booleans)
    if isinstance(operation, ops.CreateTableOp):
        operation.kw = {}
    return operation


def _loses(operation: ops.MigrateOperation) -> str:
    """Return what is lost by `operation`; empty for nothing."""
    match operation:
        case ops.DropTableOp():
            return f"table {operation.table_name}"
        case ops.DropColumnOp():
            return f"column {operation.table_name}.{operation.column_name}"
    return ""


def _with_portable_condition(item: SchemaItem) -> SchemaItem:
    """Return a CHECK of a new table as every engine takes it; other parts as they are."""
    if not isinstance(item, CheckConstraint) or item._type_bound:
        return item
    return CheckConstraint(portable_condition(item), name=item.name)


def _is_under_key(operation: ops.DropIndexOp, metadata: MetaData) -> bool:
    """Return whether an index has the name of a foreign key, which MySQL gives to those that it makes itself."""
    table = metadata.tables.get(operation.table_name)
    return table is not None and operation.index_name in {key.name for key in table.foreign_key_constraints}


def _describe(operation: ops.MigrateOperation) -> str:
    if isinstance(operation, ops.CreateIndexOp):
        return f"index {operation.table_name} by {' and '.join(_names(operation))}"
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name:
        return f"rename {operation.column_name} of {operation.table_name} to {operation.modify_name}"
    found = (text for kind, text in DESCRIPTIONS.items() if isinstance(operation, kind))
    return next(found, "change the schema").format(operation)


def _detail(operation: ops.MigrateOperation) -> str:
    """Return what is changed of a column."""
    if not isinstance(operation, ops.AlterColumnOp):
        return ""
    details = [f"type {operation.existing_type!r} to {operation.modify_type!r}"] if operation.modify_type else []
    if operation.modify_nullable is not None:
        details.append("NULL allowed" if operation.modify_nullable else "NOT NULL")
    if operation.modify_server_default is not False:
        details.append("server default")
    return f" ({', '.join(details)})" if details else ""


def _names(index: ops.CreateIndexOp) -> list[str]:
    return [str(getattr(column, "name", column)) for column in index.columns]
