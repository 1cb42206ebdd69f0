"""Renames of tables and columns, which a comparison finds as the drop of one and the making of another."""

from collections.abc import Callable

from alembic.operations import ops

# Whether a table or column that the code lacks is the same as one that it has in addition.
IsRename = Callable[[str, str], bool]


def with_renames(operations: list[ops.MigrateOperation], is_rename: IsRename) -> list[ops.MigrateOperation]:
    """Return `operations` with a rename in place of each drop and addition of a table, or of a column, that are one."""
    return _with_renamed_columns(_with_renamed_tables(operations, is_rename), is_rename)


def _with_renamed_tables(operations: list[ops.MigrateOperation], is_rename: IsRename) -> list[ops.MigrateOperation]:
    """Return `operations` with a rename in place of each drop and creation of a table that are one.

    Only tables of the same columns are: what else differs shows when the next revision is written.
    """
    for dropped in [each for each in operations if isinstance(each, ops.DropTableOp)]:
        for created in [each for each in operations if isinstance(each, ops.CreateTableOp)]:
            old, new = dropped.table_name, created.table_name
            same = dropped.to_table().columns.keys() == created.to_table().columns.keys()
            if same and is_rename(old, new):
                operations[operations.index(created)] = ops.RenameTableOp(old, new)
                operations.remove(dropped)
                # A constraint of the old name stays until its successor is made.
                operations = [_moved(each, old, new) for each in operations if not _is_constraint_of(each, old)]
                break
    return operations


def _with_renamed_columns(operations: list[ops.MigrateOperation], is_rename: IsRename) -> list[ops.MigrateOperation]:
    """Return `operations` with a rename in place of each drop and addition that are one; as above of what differs."""
    for dropped in [each for each in operations if isinstance(each, ops.DropColumnOp)]:
        for added in [each for each in operations if isinstance(each, ops.AddColumnOp)]:
            table, old, new = dropped.table_name, dropped.column_name, str(added.column.name)
            if added.table_name == table and is_rename(f"{table}.{old}", f"{table}.{new}"):
                operations[operations.index(added)] = ops.AlterColumnOp(table, old, modify_name=new)
                operations.remove(dropped)
                break
    return operations


def _is_constraint_of(operation: ops.MigrateOperation, table: str) -> bool:
    return isinstance(operation, ops.DropConstraintOp) and operation.table_name == table


def _moved(operation: ops.MigrateOperation, old: str, new: str) -> ops.MigrateOperation:
    """Return `operation` with the index that it drops on the renamed table."""
    if not isinstance(operation, ops.DropIndexOp) or operation.table_name != old:
        return operation
    index = operation.to_index()
    return ops.CreateIndexOp(str(index.name), new, index.columns.keys(), unique=index.unique).reverse()
