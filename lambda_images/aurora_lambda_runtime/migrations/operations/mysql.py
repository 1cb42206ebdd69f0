"""Alembic's operations on MySQL and MariaDB, which keep an index under every foreign key and make it where none is.

Source: https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html
"""

from collections.abc import Iterable, Iterator
from typing import Any

from alembic.ddl.mysql import MySQLImpl
from sqlalchemy import Index, MetaData, Table, UniqueConstraint, text
from sqlalchemy.schema import DropIndex
from typing_extensions import override

from aurora_lambda_runtime.migrations.operations.rendered_expressions import RenderedExpressions

# What Alembic is given for what stays as it is.
UNCHANGED = {"nullable": None, "server_default": False, "type_": None, "autoincrement": None, "comment": False}


class MysqlImpl(RenderedExpressions, MySQLImpl):
    """Alembic's operations, with the indexes under foreign keys as a straight upgrade leaves them."""

    __dialect__ = "mysql"

    @override
    def create_index(self, index: Index, **kw: Any) -> None:
        """Create an index, and drop the one whose place it takes under a foreign key.

        The server does so only for an index of its own making, not for what a downgrade or a dump has put back.
        """
        super().create_index(index, **kw)
        if self.as_sql or self.connection is None or index.table is None:
            return
        reflected = Table(index.table.name, MetaData(), autoload_with=self.connection)
        for made in _made_for_foreign_keys(reflected):
            if made.name != index.name and _begins_with(index, made.columns.keys()):
                self.execute(DropIndex(made))

    @override
    def alter_column(self, table_name: str, column_name: str, *, name: str | None = None, **changes: Any) -> None:
        """Rename a column, and then change it: Alembic's CHANGE states it anew, without all that is not said again."""
        if name is not None:
            table, old, new = map(self.dialect.identifier_preparer.quote, (table_name, column_name, name))
            self.execute(text(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"))
            if all(changes.get(what, unchanged) is unchanged for what, unchanged in UNCHANGED.items()):
                return
        super().alter_column(table_name, name or column_name, **changes)

    @override
    def correct_for_autogen_constraints(
        self,
        conn_unique_constraints: set[UniqueConstraint],
        conn_indexes: set[Index],
        metadata_unique_constraints: set[UniqueConstraint],
        metadata_indexes: set[Index],
    ) -> None:
        """Compare no index that a foreign key needs; Alembic's own leaves out the needless ones as well."""
        known = {each.name for each in (*metadata_indexes, *metadata_unique_constraints)}
        for table in {each.table for each in conn_indexes if each.table is not None}:
            for made in _made_for_foreign_keys(table):
                others = [each for each in conn_indexes if each is not made and each.name in known]
                needed = not any(_begins_with(each, made.columns.keys()) for each in others)
                if made.name not in known and needed:
                    conn_indexes.discard(made)


def _made_for_foreign_keys(table: Table) -> Iterator[Index]:
    """Yield the indexes that hold no more than a foreign key, under the name that the server gives them."""
    for index in table.indexes:
        for key in table.foreign_key_constraints:
            names = (key.name, key.column_keys[0])
            if not index.unique and index.name in names and index.columns.keys() == list(key.column_keys):
                yield index
                break


def _begins_with(index: Index, columns: Iterable[str]) -> bool:
    wanted = list(columns)
    return index.columns.keys()[: len(wanted)] == wanted
