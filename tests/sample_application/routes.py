"""The routes."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select

from aurora_lambda_runtime.handler.http import Answer, HttpError, Request
from aurora_lambda_runtime.handler.routing import Routes
from aurora_lambda_runtime.handler.validation import parse_uuid, required_texts

from .tables import comments, notes

TABLES = (notes.name, comments.name)


def list_notes(request: Request) -> Answer:
    """Return the newest notes."""
    limit = request.whole_number("limit", 1000, range(1, 1001))
    newest = select(notes).order_by(notes.c.created_at.desc()).limit(limit)
    rows = request.database.statement(lambda connection: connection.execute(newest).mappings().all())
    return 200, {"notes": [dict(row) for row in rows]}


def count_notes(request: Request) -> Answer:
    """Return how many notes there are."""
    count = select(func.count()).select_from(notes)
    return 200, {"count": request.database.statement(lambda connection: connection.scalar(count))}


def add_note(request: Request) -> Answer:
    """Insert a note."""
    texts = required_texts(request.json_object(), {"text": 100}, "Text is required")
    row = {"id": uuid4(), **texts, "created_at": datetime.now(UTC)}
    request.database.statement(lambda connection: connection.execute(insert(notes), row))
    return 201, row


def add_comment(request: Request) -> Answer:
    """Insert a comment on a note, which has to be there, in one transaction."""
    note_id = parse_uuid(request.parameters["id"], "Note id")
    texts = required_texts(request.json_object(), {"text": 100}, "Text is required")
    row = {"id": uuid4(), "note_id": note_id, **texts, "created_at": datetime.now(UTC)}

    def insert_comment(connection: Connection) -> None:
        if connection.scalar(select(notes.c.id).where(notes.c.id == note_id)) is None:
            raise HttpError(404, "Note not found")
        connection.execute(insert(comments), row)

    request.database.transaction(insert_comment)
    return 201, row


ROUTES: Routes = {
    "/notes": {"GET": list_notes, "POST": add_note},
    "/notes/count": {"GET": count_notes},
    "/notes/{id}/comments": {"POST": add_comment},
}
