"""Compares primary keys, which Alembic does not, and what a server stores in words of its own.

The server itself is asked how it spells what the code has, by a temporary table that is gone at once. Aurora DSQL has
none: there defaults are compared by their values, CHECKs and indexes of expressions by their names, and computed
columns not at all.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DefaultClause,
    Index,
    MetaData,
    Table,
    inspect,
    text,
)
from sqlalchemy.schema import CreateTable, conv

from aurora_lambda_runtime.migrations.autogenerate.portable_types import (
    portable_condition,
    portable_expression,
    portable_type,
)
from aurora_lambda_runtime.migrations.errors import MigrationError


@dataclass(frozen=True)
class Spelling:
    """The primary key of a table, and its expressions in the server's words, by the names of what has them."""

    key: frozenset[str]
    defaults: Mapping[str, str | None]
    computed: Mapping[str, str]
    checks: Mapping[str, str]
    indexes: Mapping[str, Sequence[str | None]]
    booleans: Collection[str]


@dataclass(frozen=True)
class Difference:
    """One that Alembic does not find; `operations` end it, and are empty where no engine but one could do it."""

    description: str
    operations: tuple[ops.MigrateOperation, ...] = ()


class ExpressionComparison:
    """Compares the expressions of the tables in the code with those of a database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._has_temporary_tables = connection.dialect.name != "dsql"
        self._spelled: dict[str, Spelling] = {}

    @property
    def compare_server_default(self) -> bool:
        """Whether Alembic is to compare defaults, by asking the server whether their values are equal."""
        return not self._has_temporary_tables

    def differences(self, metadata: MetaData) -> Iterator[Difference]:
        """Yield what differs in primary keys, defaults, CHECKs and computed columns of the tables that both have.

        Raises:
            MigrationError: a CHECK is written in its column, or is not one on every engine.
        """
        _refuse_checks(metadata)
        for name in sorted({*inspect(self._connection).get_table_names()} & {*metadata.tables}):
            table = metadata.tables[name]
            there = _read(self._connection, name)
            yield from _primary_key(table, there)
            yield from self._checks(table, there)
            if self._has_temporary_tables:
                code = self._in_servers_words(table)
                yield from _defaults(table, code.defaults, there.defaults)
                yield from _computed(table, code, there)
                yield from self._indexes(table, code, there)

    def not_compared(self, metadata: MetaData) -> str:
        """Return what of the code was not compared with this engine's database; empty for nothing."""
        if self._has_temporary_tables:
            return ""
        computed = [str(each) for table in metadata.tables.values() for each in table.columns if each.computed]
        checks = [
            f"{table.name}.{each.name}"
            for table in metadata.tables.values()
            for each in table.constraints
            if isinstance(each, CheckConstraint)
        ]
        indexes = [each for table in metadata.tables.values() for each in filter(_has_expression, table.indexes)]
        return ", ".join(
            [f"the condition of CHECK {each}" for each in sorted(checks)]
            + [f"computed column {each}" for each in sorted(computed)]
            + [f"the expressions of index {each}" for each in sorted(str(each.name) for each in indexes)]
        )

    def _checks(self, table: Table, database: Spelling) -> Iterator[Difference]:
        there = database.checks
        name_of = self._connection.dialect.identifier_preparer.format_constraint
        named = {
            str(name_of(each, _alembic_quote=False)): each
            for each in table.constraints
            if isinstance(each, CheckConstraint) and each.name
        }
        spelled = self._in_servers_words(table).checks if self._has_temporary_tables else None
        unnamed = {sql for name, sql in (spelled or {}).items() if name not in named}
        for name, sql in there.items():
            wanted = named.get(name)
            if wanted is None and sql not in unnamed:
                yield Difference(
                    f"CHECK {name} ({sql}) of {table.name} is not in the code",
                    _dropped(table, name, sql, database.booleans),
                )
            elif wanted is not None and spelled and spelled[name] != sql:
                yield Difference(
                    f"CHECK {name} of {table.name} is ({sql}) in the database and ({spelled[name]}) in the code",
                    (*_dropped(table, name, sql, database.booleans), _added(table, name, wanted)),
                )
        for name in sorted(named.keys() - there.keys()):
            if named[name]._type_bound and not {*named[name].columns.keys()} <= database.defaults.keys():
                # The column of an Enum brings it when it is added.
                continue
            yield Difference(
                f"CHECK {name} of {table.name} is not in the database", (_added(table, name, named[name]),)
            )
        for sql in sorted(unnamed - {*there.values()}):
            yield Difference(f"CHECK ({sql}) of {table.name} is not in the database; it is written once it has a name")

    def _indexes(self, table: Table, code: Spelling, there: Spelling) -> Iterator[Difference]:
        for index in table.indexes:
            old, new = (side.indexes.get(str(index.name), ()) for side in (there, code))
            if len(old) == len(new) and old != new:
                real = Table(table.name, MetaData(), autoload_with=self._connection, resolve_fks=False)
                made = next(each for each in real.indexes if each.name == index.name)
                yield Difference(
                    f"index {index.name} of {table.name} is by {old} in the database and by {new} in the code",
                    (ops.DropIndexOp.from_index(made), ops.CreateIndexOp.from_index(index)),
                )

    def _in_servers_words(self, table: Table) -> Spelling:
        if table.name not in self._spelled:
            self._spelled[table.name] = _spelled(self._connection, table)
        return self._spelled[table.name]


def _refuse_checks(metadata: MetaData) -> None:
    """Refuse the CHECKs that Alembic leaves out of a revision, or that not every engine has."""
    for table in metadata.tables.values():
        for column in table.columns:
            if any(isinstance(each, CheckConstraint) for each in column.constraints):
                raise MigrationError(
                    f"column {column} has a CHECK of its own, which no revision makes: write it beside the columns, or"
                    " into a model's __table_args__, as CheckConstraint('...', name='...')"
                )
            if isinstance(column.type, Boolean) and column.type.create_constraint:
                raise MigrationError(
                    f"column {column} is a Boolean with create_constraint, which makes a CHECK on MySQL alone, so that"
                    " its drop would stop the other engines: leave create_constraint out"
                )
        for check in table.constraints:
            if isinstance(check, CheckConstraint) and re.fullmatch(r"[\w.]+", str(check.sqltext)):
                raise MigrationError(
                    f"CHECK {check.name} of {table} is a column alone, which is no condition on MySQL: write it as"
                    f" text, '{check.sqltext} = true'"
                )


def _spelled(connection: Connection, table: Table) -> Spelling:
    """Return how the server spells a table of the code, which hides the real one for that moment."""
    written = table.to_metadata(MetaData(naming_convention=table.metadata.naming_convention))
    for check in written.constraints:
        if isinstance(check, CheckConstraint) and not check._type_bound:
            # As a revision has it: SQLAlchemy compares a boolean with 1 for MySQL.
            check.sqltext = portable_condition(check)
    create = str(CreateTable(written, include_foreign_key_constraints=[]).compile(dialect=connection.dialect))
    quote, impl = connection.dialect.identifier_preparer.quote, MigrationContext.configure(connection).impl
    quoted = quote(table.name)
    connection.exec_driver_sql(create.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
    for index in filter(_has_expression, table.indexes):
        expressions: Sequence[Any] = index.expressions
        parts = ", ".join(impl.render_ddl_sql_expr(each, is_index=True) for each in expressions).replace("%", "%%")
        connection.exec_driver_sql(f"CREATE INDEX {quote(str(index.name))} ON {quoted} ({parts})")
    spelled = _read(connection, table.name)
    # Never the real one.
    mine = f"TEMPORARY TABLE {quoted}" if connection.dialect.name == "mysql" else f"TABLE pg_temp.{quoted}"
    connection.exec_driver_sql(f"DROP {mine}")
    return spelled


def _has_expression(index: Index) -> bool:
    return any(not isinstance(each, Column) for each in index.expressions)


def _read(connection: Connection, table: str) -> Spelling:
    inspector = inspect(connection)
    columns = inspector.get_columns(table)
    return Spelling(
        frozenset(inspector.get_pk_constraint(table)["constrained_columns"]),
        {each["name"]: each["default"] for each in columns},
        {each["name"]: each["computed"]["sqltext"] for each in columns if "computed" in each},
        # MySQL writes -(5), and -5 once it has altered the table.
        {
            str(each["name"]): re.sub(r"-\((\d+(?:\.\d+)?)\)", r"-\1", each["sqltext"])
            for each in inspector.get_check_constraints(table)
        },
        {str(each["name"]): each["expressions"] for each in inspector.get_indexes(table) if "expressions" in each},
        {each["name"] for each in columns if isinstance(portable_type(each["type"], connection.dialect), Boolean)},
    )


def _defaults(table: Table, code: Mapping[str, str | None], there: Mapping[str, str | None]) -> Iterator[Difference]:
    for column in table.columns:
        name, default = str(column.name), column.server_default
        if name not in there or column is table.autoincrement_column or column.identity or column.computed:
            continue
        if (old := there[name]) != code[name]:
            change = ops.AlterColumnOp(
                table.name,
                name,
                existing_type=column.type,
                existing_nullable=column.nullable,
                existing_server_default=DefaultClause(text(old)) if old else None,
                existing_comment=column.comment,
                modify_server_default=default if isinstance(default, DefaultClause) else None,
            )
            yield Difference(
                f"the default of {table.name}.{name} is {old} in the database and {code[name]} in the code", (change,)
            )


def _primary_key(table: Table, there: Spelling) -> Iterator[Difference]:
    names, key = {str(each.name) for each in table.columns}, {str(each.name) for each in table.primary_key}
    # Of a column that one side lacks, Alembic tells.
    if key != there.key and key <= there.defaults.keys() and there.key <= names:
        old, new = (", ".join(sorted(each)) or "missing" for each in (there.key, key))
        yield Difference(
            f"the primary key of {table.name} is {old} in the database and {new} in the code, and not every engine can"
            " change that: make a table of another name, and copy the rows"
        )


def _computed(table: Table, code: Spelling, there: Spelling) -> Iterator[Difference]:
    for name in sorted({*table.columns.keys()} & there.defaults.keys()):
        old, new = there.computed.get(name), code.computed.get(name)
        if old != new:
            yield Difference(
                f"column {table.name}.{name} is computed as {old} in the database and as {new} in the code, and not"
                " every engine can change that: add a column of another name, and drop this one"
            )


def _added(table: Table, name: str, constraint: CheckConstraint) -> ops.CreateCheckConstraintOp:
    return ops.CreateCheckConstraintOp(conv(name), table.name, portable_condition(constraint))


def _dropped(table: Table, name: str, sql: str, booleans: Collection[str]) -> tuple[ops.DropConstraintOp]:
    back = ops.CreateCheckConstraintOp(conv(name), table.name, portable_expression(sql, table.name, booleans))
    return (ops.DropConstraintOp(conv(name), table.name, type_="check", _reverse=back),)


def operations_of(differences: Iterator[Difference]) -> Iterator[ops.MigrateOperation]:
    """Yield what ends the differences.

    Raises:
        MigrationError: one cannot be ended on every engine.
    """
    for each in differences:
        if not each.operations:
            raise MigrationError(f"nothing was written: {each.description}")
        yield from each.operations
