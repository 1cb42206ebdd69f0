"""Column types and expressions that a comparison has read from one engine, as every engine has them."""

import re
from collections.abc import Iterable, Mapping
from copy import copy
from functools import cache

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    ColumnClause,
    DefaultClause,
    Double,
    LargeBinary,
    Text,
    literal_column,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import TextClause
from sqlalchemy.sql.visitors import ExternallyTraversible, replacement_traverse
from sqlalchemy.types import TypeEngine

from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.database.sqlalchemy_engine import offline_dialect
from aurora_lambda_runtime.database.types import LongText, UtcTimestamp, Uuid
from aurora_lambda_runtime.migrations.errors import MigrationError

# What tables are written with; on some engines the last two are the same.
OWN = (Uuid(), UtcTimestamp(), Text(), LongText())
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


def portable_expression(read: str, booleans: Iterable[str] = ()) -> str:
    """Return an expression that was read from one engine as all engines take it: no casts, arrays or quoted names.

    MySQL compares the columns that are `booleans` with numbers.
    """
    plain = re.sub(r"::[a-z]+(?: [a-z]+)*(?:\(\d+\))?(?:\[\])?", "", read)
    plain = re.sub(r"= ANY \(+ARRAY\[(.*?)\]\)+", r"IN (\1)", plain)
    # An older MySQL escapes the marks around a text; each escapes those within.
    plain = re.sub(r"_utf8mb[34]\\'(.*?)\\'", r"'\1'", plain)
    plain = re.sub(r"_utf8mb[34](?=')", "", plain).replace("`", "").replace("\\'", "''")
    for name in map(re.escape, booleans):
        compared = rf"\b[01] (?:=|<>) {name}\b|\b{name} (?:(?:=|<>) [01]\b|in \([01],[01]\))"
        plain = re.sub(compared, lambda found: re.sub(r"\b[01]\b", lambda one: TRUTH[one[0]], found[0]), plain)
    return plain.replace("current_timestamp()", "current_timestamp")


def portable_condition(check: CheckConstraint) -> TextClause:
    """Return the condition of a CHECK of the code as all engines take it.

    A reserved word is a name where it follows that of its table: in quotes, it would be a text on MySQL.

    Raises:
        MigrationError: it names a column that needs quotes all the same.
    """
    if isinstance(check.sqltext, TextClause):
        return check.sqltext

    def plain(element: ExternallyTraversible, **_: object) -> ColumnClause | None:
        if not isinstance(element, ColumnClause) or element.is_literal:
            return None
        name, table = str(element.name), str(check.table.name)
        if not _is_reserved(name):
            return literal_column(name) if element.table is not None else None
        if not re.fullmatch("[a-z_][a-z0-9_]*", name) or _is_reserved(table):
            raise MigrationError(
                f"nothing was written: CHECK {check.name} of {table} names the column {name}, which each engine quotes"
                " in another way. Call it, or the table, by a word that needs no quotes, or write the condition as text"
            )
        return literal_column(f"{table}.{name}")

    condition = replacement_traverse(check.sqltext, {}, plain)
    return text(str(condition.compile(compile_kwargs={"literal_binds": True})))


def _is_reserved(name: str) -> bool:
    """Return whether an engine takes a name in quotes alone."""
    return any(each.identifier_preparer.quote(name) != name for each in engine_dialects().values())


@cache
def engine_dialects() -> Mapping[str, Dialect]:
    """Return the dialect of each engine; with its driver, so only when a revision is written."""
    return {name: offline_dialect(spec) for name, spec in ENGINES.items()}


def portable_default(read: DefaultClause, type_: TypeEngine) -> DefaultClause:
    """Return the default of a column of that type, which was read from one engine, as all engines take it."""
    if not isinstance(read.arg, TextClause):
        return read
    plain = portable_expression(read.arg.text)
    if isinstance(type_, Boolean) and plain in TRUTH:
        return DefaultClause(text(TRUTH[plain]))
    literal = re.fullmatch(r"\(?'((?:[^']|'')*)'\)?", plain)
    return DefaultClause(literal[1].replace("''", "'") if literal else text(plain))
