"""Defaults, CHECKs and expressions as a revision has them."""

from typing import Any

from alembic.ddl.impl import ComparisonResult, DefaultImpl
from sqlalchemy import ClauseElement, ColumnClause, ColumnElement, Index, TextClause, UnaryExpression
from sqlalchemy.sql.elements import Grouping
from typing_extensions import override

from aurora_lambda_runtime.database.quoting import without_parameters


class RenderedExpressions(DefaultImpl):
    """Alembic's operations, where SQL in a revision is the SQL that each server gets."""

    @override
    def render_ddl_sql_expr(
        self, expr: ClauseElement, is_server_default: bool = False, is_index: bool = False, **kw: Any
    ) -> str:
        """Return an expression as SQL, without the `%%` that the drivers' dialects write for a `%`."""
        if is_index and isinstance(expr, ColumnElement) and not isinstance(expr, (ColumnClause, UnaryExpression)):
            # MySQL takes a call in parentheses alone; a CASE, each engine.
            expr = Grouping(expr)
        options = {"is_server_default": is_server_default, "is_index": is_index, **kw}
        sql = super().render_ddl_sql_expr(expr, **options).replace("%%", "%")
        # What is no index's, a revision gives to a `text`, where a colon before a word begins a parameter.
        return sql if is_index else without_parameters(sql)

    @override
    def compare_indexes(self, metadata_index: Index, reflected_index: Index) -> ComparisonResult:
        """Compare indexes; of one with expressions only how many it has: `ExpressionComparison` asks how they read."""
        if any(isinstance(each, TextClause) for each in reflected_index.expressions):
            same = len(metadata_index.expressions) == len(reflected_index.expressions)
            if same and bool(metadata_index.unique) == bool(reflected_index.unique):
                return ComparisonResult.Equal()
        return super().compare_indexes(metadata_index, reflected_index)
