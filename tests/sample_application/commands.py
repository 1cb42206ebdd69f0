"""The commands."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import insert, select

from aurora_lambda_runtime.database.types import iso_utc
from aurora_lambda_runtime.handler.commands import Commands, Invocation

from .tables import notes


def add(invocation: Invocation) -> dict[str, str]:
    """Insert a note that holds the invocation's id."""
    row = {"id": uuid4(), "text": invocation.request_id, "created_at": datetime.now(UTC)}
    invocation.database.statement(lambda connection: connection.execute(insert(notes), row))
    return {"id": str(row["id"]), "text": invocation.request_id}


def list_notes(invocation: Invocation) -> list[dict[str, str]]:
    """Return the newest notes."""
    limit = invocation.whole_number("limit", 100, range(1, 1001))
    newest = select(notes).order_by(notes.c.created_at.desc()).limit(limit)
    rows = invocation.database.statement(lambda connection: connection.execute(newest).all())
    return [{"id": str(row.id), "text": row.text, "created_at": iso_utc(row.created_at)} for row in rows]


COMMANDS: Commands = {"add": add, "list": list_notes}
