"""The HTTP routes: each is a function that takes a request and returns a status and a JSON object, or a `Response`."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select

from application.tables import TEXT_LENGTH, notes
from aurora_lambda_runtime.handler.http import Answer, HttpError, Request
from aurora_lambda_runtime.handler.routing import Routes
from aurora_lambda_runtime.handler.validation import parse_uuid, required_texts

# What `POST /init` reports.
TABLES = (notes.name,)
# What the routes show: a new column stays inside until it is named here.
NOTE = (notes.c.id, notes.c.text, notes.c.created_at)


def add_note(request: Request) -> Answer:
    """Insert a note and return it."""
    texts = required_texts(request.json_object(), {"text": TEXT_LENGTH}, "Text is required")
    note = {"id": uuid4(), **texts, "created_at": datetime.now(UTC)}
    request.database.insert(notes, note)
    return 201, {column.name: note.get(column.name) for column in NOTE}


def show_note(request: Request) -> Answer:
    """Return one note."""
    query = select(*NOTE).where(notes.c.id == parse_uuid(request.parameters["id"], "Note id"))
    note = request.database.statement(lambda connection: connection.execute(query).mappings().first(), idempotent=True)
    if note is None:
        raise HttpError(404, "Note not found")
    return 200, dict(note)


ROUTES: Routes = {
    "/notes": {"POST": add_note},
    "/notes/{id}": {"GET": show_note},
}
