"""Writing rows by primary key, without ever replacing a newer one."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from sqlalchemy import Column, Insert, Table, UniqueConstraint

from aurora_lambda_runtime.database.transactions import Database

# A transaction of Aurora DSQL takes 3,000.
# Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html
MAX_ROWS = 1000


class UpsertDialect(Protocol):
    """A dialect, with what each of ours adds to SQLAlchemy's."""

    def upsert_newer(self, table: Table, version: Column) -> Insert:
        """Return an upsert by primary key that leaves a row alone whose `version` is the same or greater."""
        ...


def upsert_newer(database: Database, table: Table, rows: Sequence[Mapping[str, object]], version: Column) -> None:
    """Insert each of `rows`, or replace the row with its primary key where that has a smaller `version`.

    No primary key may come twice. A thousand rows are one transaction and, as far as the driver can, one message to
    the server: psycopg sends them in a pipeline, PyMySQL as one statement of many rows. After a failure all can be done
    again.

    Raises:
        ValueError: the table has no primary key, or a unique constraint or index besides, on which MySQL would replace
            a row of another primary key.
    """
    besides = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    if not table.primary_key or besides or any(index.unique for index in table.indexes):
        raise ValueError(f"to upsert into {table.name}, its primary key must be all that is unique in it")
    dialect = cast(UpsertDialect, database.statements.dialect)
    # All writers lock rows in the same order, which avoids deadlocks.
    ordered = sorted(rows, key=lambda row: [row[column.name] for column in table.primary_key])
    upsert = dialect.upsert_newer(table, version)
    for start in range(0, len(ordered), MAX_ROWS):
        batch = ordered[start : start + MAX_ROWS]
        database.statement(lambda connection, batch=batch: connection.execute(upsert, batch))
