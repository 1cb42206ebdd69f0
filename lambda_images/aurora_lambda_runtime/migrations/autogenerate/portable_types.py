"""Column types and expressions that a comparison has read from one engine, as every engine has them."""

import re
from collections.abc import Iterable, Mapping
from copy import copy
from functools import cache
from typing import Any

from alembic.operations.ops import CreateIndexOp
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    ColumnClause,
    ColumnElement,
    DefaultClause,
    Double,
    LargeBinary,
    Text,
    UnaryExpression,
    literal_column,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import TextClause
from sqlalchemy.sql.visitors import ExternallyTraversible, replacement_traverse
from sqlalchemy.types import TypeEngine

from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.database.quoting import without_parameters
from aurora_lambda_runtime.database.sqlalchemy_engine import offline_dialect
from aurora_lambda_runtime.database.types import LongText, UtcTimestamp, Uuid
from aurora_lambda_runtime.migrations.errors import MigrationError

# What tables are written with; on some engines the last two are the same.
OWN = (Uuid(), UtcTimestamp(), Text(), LongText())
# What an index consists of.
Part = str | TextClause | ColumnElement[Any]
# Names that an engine may reserve, and takes without quotes otherwise.
SMALL = re.compile("[a-z_][a-z0-9_]*")
TRUTH = {"0": "false", "1": "true"}
# As MySQL stores a Boolean, MariaDB, which stands in for it here, a JSON, PostgreSQL a Double, and MySQL large values.
STORED: Mapping[str, TypeEngine] = {
    "TINYINT(1)": Boolean(),
    "LONGTEXT": JSON(),
    "DOUBLE PRECISION": Double(),
    "TINYBLOB": LargeBinary(2**8 - 1),
    "MEDIUMBLOB": LargeBinary(2**24 - 1),
    "LONGBLOB": LargeBinary(2**32 - 1),
}


def portable_type(read: TypeEngine, dialect: Dialect) -> TypeEngine:
    """Return the type with which a column was written that is read as `read`; SQLAlchemy's general one if not ours.

    Without a collation: MySQL names the database's own with each column, and no other engine has one of that name.
    """
    if getattr(read, "collation", None):
        read = copy(read)
        read.collation = None  # ty: ignore[missing-attribute]
    stored = read.compile(dialect)
    for own in OWN:
        if own.compile(dialect) == stored:
            return own
    if stored in STORED:
        return STORED[stored]
    try:
        return read.as_generic()
    except NotImplementedError:
        return read


def portable_expression(read: str, table: str, booleans: Iterable[str] = ()) -> TextClause:
    """Return an expression that was read from one engine as all engines take it: no casts, arrays or quoted names.

    MySQL compares the columns that are `booleans` with numbers.
    """
    plain = _with_plain_names(_without_casts(read), table)
    for name in map(re.escape, booleans):
        compared = rf"\b[01] (?:=|<>) {name}\b|\b{name} (?:(?:=|<>) [01]\b|in \([01],[01]\))"
        plain = re.sub(compared, lambda found: re.sub(r"\b[01]\b", lambda one: TRUTH[one[0]], found[0]), plain)
    return text(without_parameters(plain))


def _without_casts(read: str) -> str:
    plain = re.sub(r"'(-?\d+(?:\.\d+)?)'::(?:\w*int\w*|numeric|double precision)", r"\1", read)
    plain = re.sub(r"::[a-z]+(?: [a-z]+)*(?:\(\d+\))?(?:\[\])?", "", plain)
    plain = re.sub(r"= ANY \(+ARRAY\[(.*?)\]\)+", r"IN (\1)", plain)
    # An older MySQL escapes the marks around a text; each escapes those within.
    plain = re.sub(r"_utf8mb[34]\\'(.*?)\\'", r"'\1'", plain)
    plain = re.sub(r"_utf8mb[34](?=')", "", plain).replace("\\'", "''")
    return plain.replace("current_timestamp()", "current_timestamp")


def _with_plain_names(sql: str, table: str) -> str:
    """Return SQL with names that each engine takes; those of MySQL are all in marks, PostgreSQL's if reserved there."""
    # Each second part is a text.
    parts = re.split("('(?:[^']|'')*')", sql)
    of_mysql = any("`" in each for each in parts[::2])

    def plain(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[3]
        if found[3] and (of_mysql or _is_reserved(name, "postgres")):
            return name
        if _is_reserved(name) and SMALL.fullmatch(name) and not _is_reserved(table):
            return f"{table}.{name}"
        return found[1] or found[0]

    parts[::2] = [re.sub(r'`(.+?)`|"(.+?)"|(?<![\w."])([a-z_]\w*)(?![\w.("])', plain, each) for each in parts[::2]]
    return "".join(parts)


def portable_condition(check: CheckConstraint) -> TextClause:
    """Return the condition of a CHECK of the code as all engines take it.

    Raises:
        MigrationError: it names a column that needs quotes.
    """
    if isinstance(check.sqltext, TextClause):
        return check.sqltext
    return _portable(check.sqltext, str(check.table.name), f"CHECK {check.name}")


def portable_part(part: Part, operation: CreateIndexOp) -> Part:
    """Return a part of an index of the code as all engines take it: an expression, or a column as it is.

    Raises:
        MigrationError: it names a column that needs quotes.
    """
    if not isinstance(part, ColumnElement) or isinstance(part, (ColumnClause, UnaryExpression)):
        return part
    sql = _portable(part, operation.table_name, f"index {operation.index_name}")
    return text(f"({sql.text})")


def _portable(expression: ColumnElement, table: str, what: str) -> TextClause:
    """Return an expression as SQL; a reserved word is a name after that of its table: in quotes, a text on MySQL."""

    def plain(element: ExternallyTraversible, **_: object) -> ColumnClause | None:
        if not isinstance(element, ColumnClause) or element.is_literal:
            return None
        name = str(element.name)
        if not _is_reserved(name):
            return literal_column(name) if element.table is not None else None
        if not SMALL.fullmatch(name) or _is_reserved(table):
            raise MigrationError(
                f"nothing was written: {what} of {table} names the column {name}, which each engine quotes in another"
                " way. Call it, or the table, by a word that needs no quotes, or write the condition as text"
            )
        return literal_column(f"{table}.{name}")

    plainly = replacement_traverse(expression, {}, plain)
    return text(without_parameters(str(plainly.compile(compile_kwargs={"literal_binds": True}))))


def _is_reserved(name: str, *engines: str) -> bool:
    """Return whether one of the engines, of all if none is given, takes a name in quotes alone."""
    dialects = engine_dialects()
    return any(dialects[each].identifier_preparer.quote(name) != name for each in engines or dialects)


@cache
def engine_dialects() -> Mapping[str, Dialect]:
    """Return the dialect of each engine; with its driver, so only when a revision is written."""
    return {name: offline_dialect(spec) for name, spec in ENGINES.items()}


def portable_default(read: DefaultClause, type_: TypeEngine) -> DefaultClause:
    """Return the default of a column of that type, which was read from one engine, as all engines take it."""
    if not isinstance(read.arg, TextClause):
        return read
    plain = _without_casts(read.arg.text)
    if isinstance(type_, Boolean) and plain in TRUTH:
        return DefaultClause(text(TRUTH[plain]))
    literal = re.fullmatch(r"\(?'((?:[^']|'')*)'\)?", plain)
    if not literal:
        return DefaultClause(text(without_parameters(plain)))
    value = literal[1].replace("''", "'")
    # PostgreSQL writes the zone, which MySQL refuses.
    return DefaultClause(value.removesuffix("+00") if isinstance(type_, UtcTimestamp) else value)
