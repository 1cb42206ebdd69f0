"""The tables, which `aurora-lambda new-migration` compares with the database that runs here."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Column, MetaData, String, Table

from aurora_lambda_runtime.database.types import UtcTimestamp, Uuid

TEXT_LENGTH = 200

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Ids and times are made here rather than by the server: an insert is one message, on every engine.
notes = Table(
    "notes",
    metadata,
    Column("id", Uuid, primary_key=True, default=uuid4),
    Column("text", String(TEXT_LENGTH), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False, default=lambda: datetime.now(UTC)),
)
