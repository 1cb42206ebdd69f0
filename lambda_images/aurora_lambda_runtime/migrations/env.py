"""Alembic's environment: where it connects and what it compares. The runner provides both."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import DefaultClause

from aurora_lambda_runtime.database import types
from aurora_lambda_runtime.migrations.alembic_runner import is_compared
from aurora_lambda_runtime.migrations.autogenerate.expressions import ExpressionComparison


def rendered(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Return how a column type of ours, or a text, is written in a new revision; False for others."""
    if kind == "type" and type(item).__module__ == types.__name__:
        return f"types.{type(item).__name__}()"
    if kind == "server_default" and isinstance(item, DefaultClause) and isinstance(item.arg, str):
        # Alembic takes an apostrophe at either end for a mark around the text.
        return repr(item.arg)
    if kind == "type" and "=Text()" in repr(item):
        # A JSONB, as Alembic writes it on other engines than PostgreSQL.
        autogen.imports.add("from sqlalchemy import Text")
    return False


def run() -> None:
    """Run what the runner asked for, in one transaction where the engine has transactions around DDL."""
    attributes = context.config.attributes
    options: dict[str, Any] = {
        "target_metadata": attributes["metadata"](),
        "render_item": rendered,
        "include_name": is_compared,
        "compare_type": True,
        "on_version_apply": attributes.get("on_version_apply", ()),
    }
    if context.is_offline_mode():
        context.configure(url=attributes["url"], literal_binds=True, **options)
    else:
        compare = ExpressionComparison(attributes["connection"]).compare_server_default
        context.configure(connection=attributes["connection"], compare_server_default=compare, **options)
    with context.begin_transaction():
        attributes.get("prepare", lambda: None)()
        context.run_migrations()


run()
