"""What most people write: a SQLAlchemy Core handler with everything left at its default."""

import os
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Column, DateTime, MetaData, String, Table, Uuid, create_engine, insert, select

engine = create_engine(os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://"))
notes = Table(
    "notes",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("text", String(100)),
    Column("created_at", DateTime(timezone=True)),
)


def lambda_handler(event, context):
    """Insert a row that holds this invocation's id; or list the newest."""
    if event.get("command") == "list":
        with engine.begin() as connection:
            newest = select(notes).order_by(notes.c.created_at.desc()).limit(1)
            return [str(row.id) for row in connection.execute(newest)]
    row = {"id": uuid4(), "text": context.aws_request_id, "created_at": datetime.now(UTC)}
    with engine.begin() as connection:
        connection.execute(insert(notes), row)
    return {"id": str(row["id"])}
