"""Data changes that a revision makes a batch of rows at a time, on every engine.

Aurora DSQL changes at most 3,000 rows, 10 MiB and 5 minutes in one transaction; on any engine a long transaction holds
up the application.
Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from alembic import op
from sqlalchemy import ColumnElement, Connection, Delete, Update, and_, delete, or_, select, update
from sqlalchemy.sql.expression import TableClause

from aurora_lambda_runtime.migrations.progress import RESUMABLE

# A third of DSQL's limit: rows that a cascade changes count too.
BATCH_ROWS = 1000

Key = Sequence[ColumnElement[Any]]


def update_in_batches(
    table: TableClause,
    values: Mapping[str, object],
    where: ColumnElement[bool],
    batch_rows: int = BATCH_ROWS,
    *,
    key: Key = (),
) -> int:
    """Update the rows that `where` selects, and return how many there were.

    A row must no longer satisfy `where` once it is updated (`users.c.phone.is_(None)`, say): a run that was stopped
    then goes on with the rows that are left. `key` as in `run_in_batches`.

    Raises:
        ValueError: a batch was updated and `where` still selects it, or the table has no primary key.
    """
    return _run_here(table, update(table).values(values), where, batch_rows, key)


def delete_in_batches(
    table: TableClause, where: ColumnElement[bool], batch_rows: int = BATCH_ROWS, *, key: Key = ()
) -> int:
    """Delete the rows that `where` selects, and return how many there were; `key` as in `run_in_batches`.

    Raises:
        ValueError: the table has no primary key.
    """
    return _run_here(table, delete(table), where, batch_rows, key)


def run_in_batches(
    connection: Connection,
    table: TableClause,
    change: Update | Delete,
    where: ColumnElement[bool],
    batch_rows: int = BATCH_ROWS,
    *,
    key: Key = (),
) -> int:
    """Make `change` to the rows that `where` selects, and return how many there were.

    Args:
        connection: The revision's connection.
        table: The table; `sa.table(...)`, which knows no primary key, needs `key`.
        change: An update or a delete of that table; what it has of a WHERE of its own narrows it further.
        where: Selects the rows; a row that was changed must no longer satisfy it.
        batch_rows: Rows a statement.
        key: The columns that tell a row from all others, none of them NULL; by default the primary key.

    Raises:
        ValueError: a batch was changed and `where` still selects it, or the table has no primary key.
    """
    columns = list(key) or list(table.primary_key)
    if not columns:
        raise ValueError(
            f"{_name(table)} has no primary key here, by which a batch's rows are found: give the columns of its key,"
            " as in key=[t.c.id]"
        )
    selected = select(*columns).where(where).order_by(*columns).limit(batch_rows)
    total, previous = 0, None
    while keys := [tuple(row) for row in connection.execute(selected, execution_options=RESUMABLE)]:
        if keys == previous:
            raise ValueError(f"{_name(table)}: rows that were changed still satisfy the batches' condition")
        connection.execute(change.where(where, _has_key(columns, keys)), execution_options=RESUMABLE)
        total, previous = total + len(keys), keys
    return total


def _run_here(
    table: TableClause, change: Update | Delete, where: ColumnElement[bool], batch_rows: int, key: Key
) -> int:
    """Make the change on the connection of the revision that is running, or render it as one statement."""
    if op.get_context().as_sql:
        op.execute(change.where(where))
        return 0
    return run_in_batches(op.get_bind(), table, change, where, batch_rows, key=key)


def _has_key(columns: Sequence[ColumnElement[Any]], keys: Sequence[tuple[object, ...]]) -> ColumnElement[bool]:
    """Return the condition that a row's key is one of `keys`."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return or_(*(and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys))


def _name(table: TableClause) -> str:
    return getattr(table, "name", "the table")
