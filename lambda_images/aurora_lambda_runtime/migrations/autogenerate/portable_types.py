"""Column types and expressions that a comparison has read from one engine, as every engine has them."""

import re

from sqlalchemy import DefaultClause, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import TextClause
from sqlalchemy.types import TypeEngine

from aurora_lambda_runtime.database.types import LongText, UtcTimestamp, Uuid

# What tables are written with; on some engines the last two are the same.
OWN = (Uuid(), UtcTimestamp(), Text(), LongText())


def portable_type(read: TypeEngine, dialect: Dialect) -> TypeEngine:
    """Return the type with which a column was written that is read as `read`; SQLAlchemy's general one if not ours."""
    stored = read.compile(dialect)
    for own in OWN:
        if own.compile(dialect) == stored:
            return own
    try:
        return read.as_generic()
    except NotImplementedError:
        return read


def portable_expression(read: str) -> str:
    """Return an expression that was read from one engine as all engines take it: no casts, arrays or quoted names."""
    plain = re.sub(r"::[a-z]+(?: [a-z]+)*(?:\(\d+\))?(?:\[\])?", "", read)
    plain = re.sub(r"= ANY \(+ARRAY\[(.*?)\]\)+", r"IN (\1)", plain)
    return re.sub(r"_utf8mb[34](?=\\?')", "", plain).replace("`", "").replace("\\'", "'")


def portable_default(read: DefaultClause) -> DefaultClause:
    """Return a column's default that was read from one engine as all engines take it."""
    if not isinstance(read.arg, TextClause):
        return read
    plain = portable_expression(read.arg.text)
    literal = re.fullmatch(r"'([^']*)'", plain)
    return DefaultClause(literal[1] if literal else text(plain))
