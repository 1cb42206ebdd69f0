"""The order of changes: each is made when what it needs is there, and undone when that is there again."""

from collections.abc import Iterator, Sequence

from alembic.operations import ops
from sqlalchemy import ForeignKeyConstraint

from aurora_lambda_runtime.migrations.errors import MigrationError


def in_order(operations: Sequence[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    """Return `operations` so that each can be made on any engine, and undone.

    A foreign key goes before the index under it, and what is built on a column before the column is renamed. A table
    goes before those that it refers to. A foreign key to a table that is made later comes after both, and so may be
    mutual; so does one that is to (`use_alter`).

    Raises:
        MigrationError: tables that refer to each other are dropped at once.
    """
    late = [key for each in operations if isinstance(each, ops.CreateTableOp) for key in _taken_out(each, operations)]
    drops = _ordered_drops([each for each in operations if isinstance(each, ops.DropTableOp)])
    kept = [next(drops) if isinstance(each, ops.DropTableOp) else each for each in operations]
    keys = [each for each in kept if isinstance(each, ops.DropConstraintOp) and each.constraint_type == "foreignkey"]
    first = [*keys, *(each for each in _before_renames(kept) if each not in keys)]
    return [*first, *(each for each in kept if each not in first), *late]


def _before_renames(operations: Sequence[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    """Return the drops that come before renames of columns; on a table with another name they come after its rename."""
    if not any(isinstance(each, ops.AlterColumnOp) and each.modify_name for each in operations):
        return []
    renamed = {each.new_table_name for each in operations if isinstance(each, ops.RenameTableOp)}
    drops = [each for each in operations if isinstance(each, (ops.DropIndexOp, ops.DropConstraintOp))]
    return [each for each in drops if each.table_name not in renamed]


def _taken_out(
    created: ops.CreateTableOp, operations: Sequence[ops.MigrateOperation]
) -> Iterator[ops.CreateForeignKeyOp]:
    """Take the foreign keys that come later out of a new table, and yield what adds them."""
    tables = [each.table_name for each in operations if isinstance(each, ops.CreateTableOp)]
    later = tables[tables.index(created.table_name) + 1 :]
    for item in list(created.columns):
        if isinstance(item, ForeignKeyConstraint) and (item.use_alter or _referred(item) in later):
            created.columns = [each for each in created.columns if each is not item]
            yield ops.CreateForeignKeyOp.from_constraint(item)


def _ordered_drops(drops: list[ops.DropTableOp]) -> Iterator[ops.DropTableOp]:
    while drops:
        referred = {
            each.table_name: {_referred(key) for key in each.to_table().foreign_key_constraints} for each in drops
        }
        free = [each for each in drops if not any(each.table_name in referred[other] - {other} for other in referred)]
        if not free:
            raise MigrationError(
                f"nothing was written: the tables {', '.join(sorted(referred))} refer to each other. Take the foreign"
                " keys out of the code, write and apply that, then take out the tables"
            )
        yield free[0]
        drops = [each for each in drops if each is not free[0]]


def _referred(key: ForeignKeyConstraint) -> str:
    return key.elements[0].target_fullname.rpartition(".")[0]
