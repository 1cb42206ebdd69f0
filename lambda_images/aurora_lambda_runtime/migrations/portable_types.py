"""Column types that a comparison has read from one engine, as every engine has them."""

from sqlalchemy import Text
from sqlalchemy.engine import Dialect
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
