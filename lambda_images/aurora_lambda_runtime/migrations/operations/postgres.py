"""Alembic's operations on PostgreSQL."""

from alembic.ddl.postgresql import PostgresqlImpl

from aurora_lambda_runtime.migrations.operations.rendered_expressions import RenderedExpressions


class PostgresImpl(RenderedExpressions, PostgresqlImpl):
    """Alembic's PostgreSQL operations, with expressions as the server gets them."""

    __dialect__ = "postgresql"
