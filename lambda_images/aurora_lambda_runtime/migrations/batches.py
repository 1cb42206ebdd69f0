"""Data changes that a revision makes a batch of rows at a time, on every engine.

Aurora DSQL changes at most 3,000 rows, 10 MiB and 5 minutes in one transaction; on any engine a long transaction holds
up the application.
Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html
"""

from collections.abc import Mapping, Sequence

from alembic import op
from sqlalchemy import ColumnElement, Connection, Delete, Table, Update, and_, delete, or_, select, update

from aurora_lambda_runtime.migrations.progress import RESUMABLE

# A third of DSQL's limit: rows that a cascade changes count too.
BATCH_ROWS = 1000


def update_in_batches(
    table: Table, values: Mapping[str, object], where: ColumnElement[bool], batch_rows: int = BATCH_ROWS
) -> int:
    """Update the rows that `where` selects, and return how many there were.

    A row must no longer satisfy `where` once it is updated (`users.c.phone.is_(None)`, say): a run that was stopped
    then goes on with the rows that are left. `table` needs a primary key.

    Raises:
        ValueError: a batch was updated and `where` still selects it.
    """
    return _run_here(table, update(table).values(values), where, batch_rows)


def delete_in_batches(table: Table, where: ColumnElement[bool], batch_rows: int = BATCH_ROWS) -> int:
    """Delete the rows that `where` selects, and return how many there were. `table` needs a primary key."""
    return _run_here(table, delete(table), where, batch_rows)


def run_in_batches(
    connection: Connection,
    table: Table,
    change: Update | Delete,
    where: ColumnElement[bool],
    batch_rows: int = BATCH_ROWS,
) -> int:
    """Make `change` to the rows that `where` selects, and return how many there were.

    Raises:
        ValueError: a batch was changed and `where` still selects it.
    """
    selected = select(*table.primary_key).where(where).order_by(*table.primary_key).limit(batch_rows)
    total, previous = 0, None
    while keys := [tuple(key) for key in connection.execute(selected, execution_options=RESUMABLE)]:
        if keys == previous:
            raise ValueError(f"{table.name}: rows that were updated still satisfy the batches' condition")
        connection.execute(change.where(_has_key(table, keys)), execution_options=RESUMABLE)
        total, previous = total + len(keys), keys
    return total


def _run_here(table: Table, change: Update | Delete, where: ColumnElement[bool], batch_rows: int) -> int:
    """Make the change on the connection of the revision that is running, or render it as one statement."""
    if op.get_context().as_sql:
        op.execute(change.where(where))
        return 0
    return run_in_batches(op.get_bind(), table, change, where, batch_rows)


def _has_key(table: Table, keys: Sequence[tuple[object, ...]]) -> ColumnElement[bool]:
    """Return the condition that a row's primary key is one of `keys`."""
    columns = list(table.primary_key)
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return or_(*(and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys))
