"""Several statements as one message, which PostgreSQL's servers run as one transaction.

Source: https://www.postgresql.org/docs/16/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
"""

from collections.abc import Sequence
from typing import cast

import psycopg

from aurora_lambda_runtime.database.drivers import DriverConnection
from aurora_lambda_runtime.migrations.servers.base import Query


def join_statements(connection: DriverConnection, statement: str, others: Sequence[Query]) -> str:
    """Return a statement of SQLAlchemy's with `others` behind it, their values filled in."""
    cursor = psycopg.ClientCursor(cast(psycopg.Connection, connection))
    # The driver reads `%` in all of it as SQLAlchemy writes it.
    filled = [cursor.mogrify(query.encode(), values).replace("%", "%%") for query, *values in others]
    return "; ".join([statement, *filled])
