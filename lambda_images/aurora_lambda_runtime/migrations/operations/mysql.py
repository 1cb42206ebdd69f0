"""Alembic's operations on MySQL and MariaDB, which keep an index under every foreign key and make it where none is.

Source: https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from alembic.ddl.mysql import MySQLImpl
from sqlalchemy import (
    ClauseElement,
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import CreateIndex, DropIndex
from typing_extensions import override

from aurora_lambda_runtime.migrations.operations.rendered_expressions import RenderedExpressions

# What Alembic is given for what stays as it is.
UNCHANGED = {"nullable": None, "server_default": False, "type_": None, "autoincrement": None, "comment": False}


class MysqlImpl(RenderedExpressions, MySQLImpl):
    """Alembic's operations, with the indexes under foreign keys as a straight upgrade leaves them."""

    __dialect__ = "mysql"

    @override
    def create_index(self, index: Index, **kw: Any) -> None:
        """Create an index, and drop the one whose place it takes under a foreign key."""
        super().create_index(index, **kw)
        self._drop_needless(index)

    @override
    def drop_index(self, index: Index, *, if_exists: bool | None = None, **kw: Any) -> None:
        """Drop an index, once each foreign key has another one; MySQL knows no IF EXISTS."""
        there = self._leave_to_foreign_keys(index)
        if self.as_sql or not if_exists or index.name in {each.name for each in there.indexes}:
            super().drop_index(index, **kw)

    @override
    def add_constraint(self, const: Constraint, **kw: Any) -> None:
        """Add a constraint; one that is unique is an index."""
        super().add_constraint(const, **kw)
        if isinstance(const, UniqueConstraint):
            self._drop_needless(const)

    @override
    def drop_constraint(self, const: Constraint, **kw: Any) -> None:
        """Drop a constraint; one that is unique is an index, and the one under a foreign key goes with it."""
        if isinstance(const, UniqueConstraint):
            self._leave_to_foreign_keys(const)
        super().drop_constraint(const, **kw)
        if isinstance(const, ForeignKeyConstraint):
            there = self._reflected(const.table)
            for left in [each for each in there.indexes if each.name == const.name and not each.unique]:
                if not any(_begins_with(left, key.column_keys) for key in there.foreign_key_constraints):
                    self.execute(DropIndex(left))

    def _drop_needless(self, made: Index | UniqueConstraint) -> None:
        """Drop the index of a foreign key whose place `made` takes.

        The server does so only for an index of its own making, not for what a downgrade or a dump has put back.
        """
        for each in list(_made_for_foreign_keys(self._reflected(made.table))):
            if each.name != made.name and _begins_with(made, each.columns.keys()):
                self.execute(DropIndex(each))

    def _leave_to_foreign_keys(self, dropped: Index | UniqueConstraint) -> Table:
        """Make an index for each foreign key that has none but `dropped`; return the table."""
        there = self._reflected(dropped.table)
        for key in there.foreign_key_constraints:
            indexes = {each.name for each in there.indexes if _begins_with(each, key.column_keys)}
            if indexes == {dropped.name} and not _begins_with(there.primary_key, key.column_keys):
                self.execute(CreateIndex(Index(str(key.name), *key.columns)))
        return there

    def _reflected(self, table: Table | None) -> Table:
        """Return a table as it is; an empty one where no server is asked."""
        if table is None or self.connection is None or self.as_sql:
            return Table("", MetaData())
        return Table(table.name, MetaData(), autoload_with=self.connection, resolve_fks=False)

    @override
    def alter_column(self, table_name: str, column_name: str, *, name: str | None = None, **changes: Any) -> None:
        """Rename a column, and then change it: Alembic's CHANGE states it anew, without all that is not said again."""
        if name is not None:
            table, old, new = map(self.dialect.identifier_preparer.quote, (table_name, column_name, name))
            self.execute(text(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"))
            if all(changes.get(what, unchanged) is unchanged for what, unchanged in UNCHANGED.items()):
                return
        type_ = changes.get("type_") or changes.get("existing_type")
        for key in ("server_default", "existing_server_default"):
            if isinstance(default := changes.get(key), (str, ClauseElement)) and type_ is not None:
                # Alembic renders it without the column's type.
                compiler: Any = self.dialect.ddl_compiler
                sql = compiler(self.dialect, None).get_column_default_string(Column("", type_, server_default=default))
                changes[key] = text(sql.replace("%%", "%").replace(":", r"\:"))
                literal = key == "server_default" and re.match(r"\(['\d]", sql)
                if literal and changes.get("existing_nullable") is not None:
                    # MODIFY, which states all of the column, takes a literal for a TEXT, JSON or BLOB, and keeps a
                    # number in parentheses, as CREATE TABLE does; SET does neither.
                    changes["type_"] = type_
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


def _begins_with(index: Index | UniqueConstraint | PrimaryKeyConstraint, columns: Iterable[str]) -> bool:
    wanted = list(columns)
    return index.columns.keys()[: len(wanted)] == wanted
