"""The indexes that MySQL keeps under foreign keys: what is dropped and made again ends where it began."""

from collections.abc import Sequence
from typing import Any

from alembic import op
from alembic.ddl.mysql import MySQLImpl
from sqlalchemy import Index, inspect
from typing_extensions import override


class ForeignKeyIndexImpl(MySQLImpl):
    """Alembic's MySQL operations: an index takes the place of one that `drop_foreign_key_index` has put back.

    MySQL itself drops the index that it made under a foreign key as soon as there is a better one, but not one of a
    statement. Alembic takes the class by its dialect.
    """

    __dialect__ = "mysql"

    @override
    def create_index(self, index: Index, **kw: Any) -> None:
        """Create an index, and drop one of a foreign key's name and columns that it begins with."""
        super().create_index(index, **kw)
        if self.as_sql or self.connection is None or index.table is None:
            return
        inspector, table = inspect(self.connection), index.table
        kept = {each["name"]: each["column_names"] for each in inspector.get_indexes(table.name)}
        for key in inspector.get_foreign_keys(table.name):
            columns = key["constrained_columns"]
            if key["name"] != index.name and kept.get(key["name"]) == columns == index.columns.keys()[: len(columns)]:
                self.drop_index(Index(key["name"], *(table.c[name] for name in columns)))


def drop_foreign_key_index(name: str, table: str, foreign_key: str, columns: Sequence[str]) -> None:
    """Drop an index that begins with the columns of a foreign key.

    MySQL keeps an index under every foreign key: where this one is the last, one that holds no more than the key takes
    its place, under the key's name.
    """
    context = op.get_context()
    if context.dialect.name != "mysql":
        op.drop_index(name, table_name=table)
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
