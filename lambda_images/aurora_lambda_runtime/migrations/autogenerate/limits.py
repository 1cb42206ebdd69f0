"""What a server refuses, or keeps as something else, when a revision is deployed: told when the revision is written."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from alembic.operations import ops
from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    Enum,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.exc import CompileError
from sqlalchemy.schema import conv
from sqlalchemy.types import TypeEngine

from aurora_lambda_runtime.migrations.autogenerate.portable_types import engine_dialects
from aurora_lambda_runtime.migrations.errors import MigrationError

# PostgreSQL cuts off what is more; MySQL takes 64 characters.
# Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
MAX_NAME_BYTES = 63
# Source: https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html
MAX_KEY_BYTES = 3072
MAX_ROW_BYTES = 65_535
CHARACTER_BYTES = 4
# What is no text or binary takes at most this, but for a DECIMAL of many digits.
VALUE_BYTES = 8
LAST_OF_THREE_BYTES = "\uffff"


def repeated_names(metadata: MetaData) -> dict[str, list[str]]:
    """Return where each name stands that two things of a kind have: MySQL or PostgreSQL has it once in a database."""
    repeated: dict[str, list[str]] = {}
    for kinds in ((CheckConstraint,), (ForeignKeyConstraint,), (UniqueConstraint, PrimaryKeyConstraint, Index)):
        places: dict[str, list[str]] = {}
        for table in metadata.tables.values():
            for each in (*table.constraints, *table.indexes):
                if isinstance(each, kinds) and isinstance(each.name, str):
                    places.setdefault(each.name, []).append(f"{table.name}.{each.name}")
        repeated = {**{name: found for name, found in places.items() if len(found) > 1}, **repeated}
    return repeated


def check_limits(operation: ops.MigrateOperation, metadata: MetaData, repeated: Mapping[str, Sequence[str]]) -> None:
    """Raise a MigrationError when an engine cannot keep what `operation` makes, or not as it is.

    `repeated` are the names of `metadata` that `repeated_names` finds.
    """
    for name in _names(operation):
        if not isinstance(name, str):
            continue
        # What a naming convention has made is cut to fit each engine.
        if not isinstance(name, conv) and len(name.encode()) > MAX_NAME_BYTES:
            raise MigrationError(
                f"nothing was written: PostgreSQL keeps {MAX_NAME_BYTES} bytes of a name, and {name} has"
                f" {len(name.encode())}. Choose a shorter one"
            )
        if name in repeated:
            raise MigrationError(
                f"nothing was written: {' and '.join(sorted(repeated[name]))} have one name, which not every engine"
                " takes. Give each its own"
            )
    columns = list(_columns(operation))
    for comment in [getattr(operation, "comment", ""), getattr(operation, "modify_comment", "")]:
        _check_comment(comment)
    for column in columns:
        _check_comment(column.comment)
        _check_type(column)
    for table in {each.table for each in columns if each.table is not None}:
        _check_row(table)
    for key in _keys(operation, metadata):
        _check_key([each for each in key if isinstance(each, Column)])
    for foreign in _foreign_keys(operation, metadata):
        _check_foreign_key(foreign)


def _names(operation: ops.MigrateOperation) -> Iterator[object]:
    match operation:
        case ops.CreateTableOp():
            yield from (operation.table_name, *(getattr(each, "name", None) for each in operation.columns))
        case ops.RenameTableOp():
            yield operation.new_table_name
        case ops.AddColumnOp():
            yield operation.column.name
        case ops.AlterColumnOp():
            yield operation.modify_name
        case ops.CreateIndexOp():
            yield operation.index_name
        case ops.AddConstraintOp():
            yield operation.to_constraint().name


def _columns(operation: ops.MigrateOperation) -> Iterator[Column]:
    match operation:
        case ops.CreateTableOp():
            yield from (each for each in operation.columns if isinstance(each, Column))
        case ops.AddColumnOp():
            yield operation.column
        case ops.AlterColumnOp() if operation.modify_type:
            yield Column(operation.column_name, operation.modify_type)


def _keys(operation: ops.MigrateOperation, metadata: MetaData) -> Iterator[Iterable[object]]:
    """Yield the parts of each key that `operation` makes; not of one that holds a number of characters."""
    match operation:
        case ops.CreateIndexOp() if not operation.kw.get("mysql_length"):
            yield operation.columns
        case ops.CreateUniqueConstraintOp():
            yield [each for each in metadata.tables[operation.table_name].columns if each.name in operation.columns]
        case ops.CreateTableOp():
            kinds = (UniqueConstraint, PrimaryKeyConstraint)
            yield from (each.columns for each in operation.columns if isinstance(each, kinds))


def _foreign_keys(operation: ops.MigrateOperation, metadata: MetaData) -> Iterator[ForeignKeyConstraint]:
    match operation:
        case ops.CreateTableOp():
            yield from metadata.tables[operation.table_name].foreign_key_constraints
        case ops.CreateForeignKeyOp():
            there = metadata.tables[operation.source_table].foreign_key_constraints
            yield from (each for each in there if list(each.column_keys) == list(operation.local_cols))


def _check_comment(comment: str | bool | None) -> None:
    if found := [each for each in str(comment or "") if each > LAST_OF_THREE_BYTES]:
        raise MigrationError(
            f"nothing was written: MySQL keeps a ? in place of {found[0]} in the comment {comment!r}. Leave it out"
        )


def _check_type(column: Column) -> None:
    type_ = column.type
    if isinstance(type_, Enum) and type_.native_enum:
        # Which PostgreSQL creates by a statement of its own, and drops with no table.
        raise MigrationError(
            f"nothing was written: the Enum of column {column.name} would be a type that only PostgreSQL knows."
            " Write Enum(..., native_enum=False), which is text on every engine"
        )
    if isinstance(type_, Enum) and type_.create_constraint and not re.fullmatch("[a-z_][a-z0-9_]*", column.name):
        raise MigrationError(
            f"nothing was written: the CHECK of the Enum of column {column.name} names it in quotes, which differ"
            " between the engines. Choose a name that needs none, in small letters, or leave create_constraint out"
        )
    if isinstance(type_, Text) and type_.length:
        raise MigrationError(
            f"nothing was written: the Text of column {column.name} has a length, which PostgreSQL refuses. Write"
            f" String({type_.length}), or Text without a length"
        )
    if isinstance(type_, String) and not _on_mysql(type_):
        raise MigrationError(
            f"nothing was written: the String of column {column.name} has no length, which MySQL refuses. Write"
            " String(100) or the like, or Text"
        )


def _check_row(table: Table) -> None:
    columns = [each for each in table.columns if not _is_large(each)]
    width = sum(map(_width, columns))
    if width > MAX_ROW_BYTES:
        raise MigrationError(
            f"nothing was written: a row of MySQL holds {MAX_ROW_BYTES:,} bytes, and the columns of {table} may take"
            f" {width:,}, {CHARACTER_BYTES} a character. Let {max(columns, key=_width).name} be a Text, or LongText of"
            " database.types, of which the row holds a pointer"
        )


def _check_key(columns: Sequence[Column]) -> None:
    """Raise an error for a key that MariaDB or PostgreSQL, and no MySQL, takes."""
    for column in filter(_is_large, columns):
        raise MigrationError(
            f"nothing was written: MySQL indexes no column of a type as large as that of {column}. Declare a"
            " String(...) of a length, or give an index mysql_length=..., the number of characters that it holds"
        )
    width = sum(map(_width, columns))
    if width > MAX_KEY_BYTES:
        raise MigrationError(
            f"nothing was written: a key of MySQL holds {MAX_KEY_BYTES:,} bytes, and that of"
            f" {', '.join(map(str, columns))} may take {width:,}, {CHARACTER_BYTES} a character. Declare a shorter"
            " String(...), or give an index mysql_length=..., the number of characters that it holds"
        )


def _check_foreign_key(key: ForeignKeyConstraint) -> None:
    """Raise an error for columns of different types, apart from their lengths."""
    for ours, theirs in [(each.parent, each.column) for each in key.elements]:
        for engine, dialect in engine_dialects().items():
            types = [re.sub(r"^VAR|\(.*?\)", "", _rendered(each.type, dialect)) for each in (ours, theirs)]
            if types[0] != types[1]:
                raise MigrationError(
                    f"nothing was written: {ours} refers to {theirs}, and the one is {types[0]} and the other"
                    f" {types[1]} on {engine}, which not every engine takes. Give both the same type"
                )


def _is_large(column: Column) -> bool:
    return bool(re.search("TEXT|BLOB|JSON", _on_mysql(column.type)))


def _width(column: Column) -> int:
    """Return how many bytes the column takes in a row or key of MySQL, at most."""
    found = re.match(r"(?:VAR)?(CHAR|BINARY)\((\d+)\)", _on_mysql(column.type))
    return int(found[2]) * (CHARACTER_BYTES if found[1] == "CHAR" else 1) if found else VALUE_BYTES


def _on_mysql(type_: TypeEngine) -> str:
    return _rendered(type_, engine_dialects()["mysql"])


def _rendered(type_: TypeEngine, dialect: Dialect) -> str:
    """Return a type as an engine calls it; empty where it has no such type."""
    try:
        return type_.compile(dialect)
    except CompileError:
        return ""
