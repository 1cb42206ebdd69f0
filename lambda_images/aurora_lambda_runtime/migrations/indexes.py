"""Drops an index that MySQL may use for a foreign key, on every engine."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import inspect


def drop_foreign_key_index(name: str, table: str, foreign_key: str, columns: Sequence[str]) -> None:
    """Drop an index that begins with the columns of a foreign key.

    MySQL keeps an index under every foreign key: where this one is the last, one that holds no more than the key takes
    its place, under the key's name. An index of that name may be there on MySQL alone.
    """
    context = op.get_context()
    if context.dialect.name != "mysql":
        op.drop_index(name, table_name=table, if_exists=name == foreign_key or None)
        return
    quote = context.dialect.identifier_preparer.quote
    add = f"ADD INDEX {quote(foreign_key)} ({', '.join(map(quote, columns))}), "
    if not context.as_sql:
        indexes = {
            each["name"]: each["column_names"][: len(columns)] for each in inspect(op.get_bind()).get_indexes(table)
        }
        # A run that was interrupted may have dropped it.
        if indexes.pop(name, None) is None:
            return
        add = "" if list(columns) in indexes.values() else add
    op.execute(f"ALTER TABLE {quote(table)} {add}DROP INDEX {quote(name)}")
