"""Alembic's operations as Aurora DSQL takes them.

A constraint on an existing table is added `NOT VALID` and validated by a job; a unique one goes through an index; a
column's default is set after the column is there. What DSQL cannot do at all is refused with the way that works.
Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/alter-table-syntax-support.html
"""

from typing import Any

from alembic.ddl.base import ColumnComment
from alembic.ddl.postgresql import visit_column_comment
from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    DefaultClause,
    ForeignKeyConstraint,
    Identity,
    Index,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    cast,
    column,
    literal,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.types import TypeEngine
from typing_extensions import override

from aurora_lambda_runtime.migrations.batches import run_in_batches
from aurora_lambda_runtime.migrations.errors import UnsupportedOperationError
from aurora_lambda_runtime.migrations.operations.postgres import PostgresImpl

MAX_KEY_BYTES = 2000
MAX_VARCHAR_BYTES = 65_535

# Which Alembic has for the dialect named "postgresql" alone.
compiles(ColumnComment, "dsql")(visit_column_comment)


class DsqlImpl(PostgresImpl):
    """Alembic's PostgreSQL operations, each statement a transaction of its own."""

    __dialect__ = "dsql"
    transactional_ddl = False
    # What the code calls INTEGER is BIGINT here.
    type_synonyms = (*PostgresImpl.type_synonyms, {"INTEGER", "BIGINT"})

    @override
    def add_constraint(self, const: Constraint, **kw: Any) -> None:
        """Add a constraint to an existing table, and check the rows that are there; a Boolean's is not made here."""
        if const._create_rule and not const._create_rule(self):
            return
        if const.name is None:
            raise UnsupportedOperationError(
                f"add a constraint without a name to table {const.table.name!r}",
                "name it, or give the tables' MetaData a naming_convention",
            )
        name = self._quoted(str(const.name))
        if isinstance(const, UniqueConstraint):
            self.execute(CreateIndex(Index(str(const.name), *const.columns, unique=True)))
            self.execute(text(f"ALTER TABLE {self._table(const)} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"))
        elif isinstance(const, (ForeignKeyConstraint, CheckConstraint)):
            const.dialect_options["postgresql"]["not_valid"] = True
            super().add_constraint(const, **kw)
            self.execute(text(f"ALTER TABLE ASYNC {self._table(const)} VALIDATE CONSTRAINT {name}"))
        else:
            raise UnsupportedOperationError(
                f"add the constraint {const.name!r} to table {const.table.name!r}", "declare it in create_table"
            )

    @override
    def create_table(self, table: Table, **kw: Any) -> None:
        """Create a table; the limits hold for what is declared, and the server says them only when it runs.

        Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html
        """
        for each in table.columns:
            _check_length(f"{table.name}.{each.name}", each.type, is_key=each.primary_key)
        super().create_table(table, **kw)

    @override
    def create_index(self, index: Index, **kw: Any) -> None:
        """Create an index, which takes no operator classes."""
        if index.dialect_options["postgresql"]["ops"]:
            raise UnsupportedOperationError(
                f"build index {index.name} with operator classes", "leave postgresql_ops out"
            )
        super().create_index(index, **kw)

    @override
    def add_column(self, table_name: str, column: Column[Any], **kw: Any) -> None:
        """Add a column, then its default, then give the default to the rows that are there."""
        name, default = f"{table_name}.{column.name}", column.server_default
        _check_length(name, column.type)
        if not column.nullable:
            raise UnsupportedOperationError(
                f"add column {name} as NOT NULL",
                "add it nullable, fill it with update_in_batches, and add a CHECK (... IS NOT NULL)",
            )
        if default is not None and not isinstance(default, DefaultClause):
            raise UnsupportedOperationError(f"add column {name} with computed values", "declare it in create_table")
        column.server_default = None
        super().add_column(table_name, column, **kw)
        if default is not None:
            self.alter_column(table_name, str(column.name), server_default=default)
            self._fill(table_name, column, default)

    @override
    def alter_column(
        self,
        table_name: str,
        column_name: str,
        *,
        nullable: bool | None = None,
        type_: TypeEngine[Any] | None = None,
        **kw: Any,
    ) -> None:
        """Change a column's name, default or comment, or let it be NULL."""
        name = f"{table_name}.{column_name}"
        if type_ is not None:
            raise UnsupportedOperationError(
                f"change the type of column {name}",
                "add a column of the new type, fill it with update_in_batches, and drop the old one",
            )
        if nullable is False:
            raise UnsupportedOperationError(
                f"make column {name} NOT NULL", "add a CHECK (... IS NOT NULL) with create_check_constraint"
            )
        super().alter_column(table_name, column_name, nullable=nullable, **kw)

    @override
    def _compare_identity_default(
        self, metadata_identity: Identity | None, inspector_identity: Identity | None
    ) -> tuple[set[str], set[str], bool]:
        """Compare identities that the code declares; the other counting columns are identities here as well."""
        if metadata_identity is None:
            return set(), set(), False
        return super()._compare_identity_default(metadata_identity, inspector_identity)

    @override
    def compare_server_default(
        self,
        inspector_column: Column[Any],
        metadata_column: Column[Any],
        rendered_metadata_default: str | None,
        rendered_inspector_default: str | None,
    ) -> bool:
        """Compare what the defaults give such a column; Alembic's own takes no quotes within a text, and no JSON."""
        code, there = rendered_metadata_default, rendered_inspector_default
        # A function, which may give another value each time, reads the same.
        if self.connection is None or code is None or there is None or code == there:
            return code != there
        arg = getattr(metadata_column.server_default, "arg", None)
        code = "'" + arg.replace("'", "''") + "'" if isinstance(arg, str) else code.replace("%%", "%")
        values = [cast(cast(literal_column(each), inspector_column.type), Text) for each in (code, there)]
        return not self.connection.scalar(select(values[0] == values[1]))

    def _fill(self, table_name: str, added: Column[Any], default: DefaultClause) -> None:
        """Give the rows that were there before the column its default, as PostgreSQL does."""
        value = literal(default.arg, added.type) if isinstance(default.arg, str) else default.arg
        if self.connection is not None and not self.as_sql:
            reflected = Table(table_name, MetaData(), autoload_with=self.connection)
            if reflected.primary_key:
                change = update(reflected).values({added.name: value})
                run_in_batches(self.connection, reflected, change, reflected.c[added.name].is_(None))
                return
        rows = table(table_name, column(str(added.name), added.type))
        self.execute(update(rows).values({added.name: value}).where(rows.c[added.name].is_(None)))

    def _table(self, const: Constraint) -> str:
        return self._quoted(const.table.name)

    def _quoted(self, name: str) -> str:
        return self.dialect.identifier_preparer.quote(name)


def _check_length(name: str, type_: TypeEngine[Any], *, is_key: bool = False) -> None:
    length = getattr(type_, "length", None) or 0
    if is_key and length > MAX_KEY_BYTES:
        raise UnsupportedOperationError(
            f"have {name} in a primary key, wider than {MAX_KEY_BYTES} bytes", f"declare at most {MAX_KEY_BYTES}"
        )
    if isinstance(type_, String) and length > MAX_VARCHAR_BYTES:
        raise UnsupportedOperationError(
            f"store {name}, a varchar longer than {MAX_VARCHAR_BYTES}", "use Text, or LongText of database.types"
        )
