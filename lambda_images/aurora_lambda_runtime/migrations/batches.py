"""Data changes that a revision makes a batch of rows at a time, on every engine.

Aurora DSQL changes at most 3,000 rows, 10 MiB and 5 minutes in one transaction; on any engine a long transaction holds
up the application.
Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html
"""

from collections.abc import Mapping, Sequence

from alembic import op
from sqlalchemy import ColumnElement, Connection, Delete, TableClause, Update, and_, delete, or_, select, update

from aurora_lambda_runtime.migrations.history.progress import RESUMABLE

# A third of DSQL's limit: rows that a cascade changes count too.
BATCH_ROWS = 1000


def update_in_batches(
    table: TableClause,
    values: Mapping[str, object],
    where: ColumnElement[bool],
    batch_rows: int = BATCH_ROWS,
    *,
    key: Sequence[ColumnElement] = (),
) -> int:
    """Update the rows that `where` selects, and return how many there were.

    A row must no longer satisfy `where` once it is updated (`users.c.phone.is_(None)`, say): a run that was stopped
    then goes on with the rows that are left. `key` are the columns that tell rows apart, the primary key by default.

    Raises:
        ValueError: there is no key, or a batch was updated and `where` still selects it.
    """
    return _run_here(table, update(table).values(values), where, batch_rows, key)


def delete_in_batches(
    table: TableClause, where: ColumnElement[bool], batch_rows: int = BATCH_ROWS, *, key: Sequence[ColumnElement] = ()
) -> int:
    """Delete the rows that `where` selects, and return how many there were; `key` and errors as above."""
    return _run_here(table, delete(table), where, batch_rows, key)


def run_in_batches(
    connection: Connection,
    table: TableClause,
    change: Update | Delete,
    where: ColumnElement[bool],
    batch_rows: int = BATCH_ROWS,
    *,
    key: Sequence[ColumnElement] = (),
) -> int:
    """Make `change` to the rows of `table` that `where` selects, and return how many there were; `key` as above.

    Raises:
        ValueError: there is no key, `change` is to another table, `batch_rows` is no number of rows, or a batch was
            changed and `where` still selects it.
    """
    columns = _checked_key(table, change, batch_rows, key)
    selected = select(*columns).where(where).order_by(*columns).limit(batch_rows)
    total, previous = 0, None
    while keys := [tuple(row) for row in connection.execute(selected, execution_options=RESUMABLE)]:
        if keys == previous:
            raise ValueError(f"{table.name}: rows that were updated still satisfy the batches' condition")
        connection.execute(change.where(where, _has_key(columns, keys)), execution_options=RESUMABLE)
        total, previous = total + len(keys), keys
    return total


def _run_here(
    table: TableClause,
    change: Update | Delete,
    where: ColumnElement[bool],
    batch_rows: int,
    key: Sequence[ColumnElement],
) -> int:
    """Make the change on the connection of the revision that is running, or render it as one statement."""
    if op.get_context().as_sql:
        _checked_key(table, change, batch_rows, key)
        op.execute(change.where(where))
        return 0
    return run_in_batches(op.get_bind(), table, change, where, batch_rows, key=key)


def _checked_key(
    table: TableClause, change: Update | Delete, batch_rows: int, key: Sequence[ColumnElement]
) -> Sequence[ColumnElement]:
    """Return the columns that tell rows apart: without any, a batch would be all rows."""
    columns = list(key or table.primary_key)
    if not columns:
        raise ValueError(f"{table.name} has no primary key: give the batches key=[{table.name}.c.<unique column>]")
    if change.table is not table:
        raise ValueError(f"the batches select from {table.name}, and the change is to another table")
    if batch_rows < 1:
        raise ValueError(f"batch_rows must be at least 1: {batch_rows}")
    return columns


def _has_key(columns: Sequence[ColumnElement], keys: Sequence[tuple[object, ...]]) -> ColumnElement[bool]:
    """Return the condition that a row's key is one of `keys`."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return or_(*(and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys))
