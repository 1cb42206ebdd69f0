"""The tables, as the handler uses them and as `aurora-lambda new-migration` compares them with a database.

Ids and times are made here rather than by the server: an insert is one message, on every engine, with no RETURNING.
"""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Column, ForeignKey, Index, MetaData, String, Table, Text

from aurora_lambda_runtime.database.types import LongText, UtcTimestamp, Uuid

NAME_LENGTH = 100
EMAIL_LENGTH = 100
TITLE_LENGTH = 200
# What MySQL's TEXT holds.
CONTENT_BYTES = 65_535

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _id() -> Column:
    return Column("id", Uuid, primary_key=True, default=uuid4)


def _created_at() -> Column:
    return Column("created_at", UtcTimestamp, nullable=False, default=lambda: datetime.now(UTC))


invocations = Table(
    "invocations",
    metadata,
    _id(),
    Column("aws_request_id", String(64), nullable=False),
    _created_at(),
    Index(None, "created_at"),
)

users = Table(
    "users",
    metadata,
    _id(),
    Column("name", String(NAME_LENGTH), nullable=False),
    Column("email", String(EMAIL_LENGTH), nullable=False, unique=True),
    _created_at(),
)

posts = Table(
    "posts",
    metadata,
    _id(),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("title", String(TITLE_LENGTH), nullable=False),
    Column("content", Text),
    _created_at(),
    Index(None, "user_id", "created_at"),
)

# Copies of DynamoDB items, in DynamoDB's JSON. A deleted item keeps its row, without a body: an older change that comes
# late must not bring the item back.
stream_items = Table(
    "stream_items",
    metadata,
    Column("table_name", String(255), primary_key=True),
    # SHA-256 of `item_key`, which may be longer than an index takes.
    Column("key_hash", String(64), primary_key=True),
    Column("item_key", LongText, nullable=False),
    Column("body", LongText),
    Column("stream_position", String(67), nullable=False),
    Column("changed_at", UtcTimestamp, nullable=False),
)
