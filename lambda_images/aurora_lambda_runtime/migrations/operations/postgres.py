"""Alembic's operations on PostgreSQL."""

from typing import Any

from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy import Constraint, Index, UniqueConstraint, inspect
from typing_extensions import override

from aurora_lambda_runtime.migrations.operations.rendered_expressions import RenderedExpressions


class PostgresImpl(RenderedExpressions, PostgresqlImpl):
    """Alembic's PostgreSQL operations, with expressions as the server gets them."""

    __dialect__ = "postgresql"

    @override
    def drop_index(self, index: Index, **kw: Any) -> None:
        """Drop an index; a revision written on MySQL, which tells the two not apart, may mean a unique constraint."""
        table = index.table
        if self.connection is not None and not self.as_sql and table is not None:
            inspector = inspect(self.connection)
            # A revision for PostgreSQL alone may leave out the table, in whose place Alembic puts a name of its own.
            there = inspector.get_unique_constraints(table.name) if inspector.has_table(table.name) else []
            if index.name in {each["name"] for each in there}:
                table.append_constraint(constraint := UniqueConstraint(name=index.name))
                self.drop_constraint(constraint)
                return
        super().drop_index(index, **kw)

    @override
    def drop_constraint(self, const: Constraint, **kw: Any) -> None:
        """Drop a constraint; what undoes the drop of a unique one that was written on MySQL has made an index."""
        if isinstance(const, UniqueConstraint) and self.connection is not None and not self.as_sql:
            indexes = inspect(self.connection).get_indexes(const.table.name)
            if const.name in {each["name"] for each in indexes if "duplicates_constraint" not in each}:
                super().drop_index(Index(const.name))
                return
        super().drop_constraint(const, **kw)
