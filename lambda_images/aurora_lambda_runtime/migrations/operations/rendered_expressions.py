"""Defaults, CHECKs and expressions as a revision has them."""

from typing import Any

from alembic.ddl.impl import DefaultImpl
from sqlalchemy import ClauseElement
from typing_extensions import override


class RenderedExpressions(DefaultImpl):
    """Alembic's operations, where SQL in a revision is the SQL that the server gets."""

    @override
    def render_ddl_sql_expr(
        self, expr: ClauseElement, is_server_default: bool = False, is_index: bool = False, **kw: Any
    ) -> str:
        """Return an expression as SQL, without the `%%` that the drivers' dialects write for a `%`."""
        options = {"is_server_default": is_server_default, "is_index": is_index, **kw}
        return super().render_ddl_sql_expr(expr, **options).replace("%%", "%")
