"""The tables."""

from sqlalchemy import Column, ForeignKey, Index, MetaData, String, Table

from aurora_lambda_runtime.database.types import UtcTimestamp, Uuid

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
notes = Table(
    "notes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("text", String(100), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Index(None, "created_at"),
)
comments = Table(
    "comments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("note_id", Uuid, ForeignKey("notes.id"), nullable=False),
    Column("text", String(100), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Index(None, "note_id", "created_at"),
)
