"""The web application: what answers the function URL."""

from typing import Any
from uuid import UUID

from flask import Flask, abort, request

from application.tables import TEXT_LENGTH, Note
from aurora_lambda_runtime.database.orm import session

app = Flask(__name__)


@app.post("/notes")
def add_note() -> tuple[dict[str, Any], int]:
    """Insert a note and return it."""
    text = request.get_json().get("text")
    if not (isinstance(text, str) and 0 < len(text.strip()) <= TEXT_LENGTH):
        abort(400, f"Text must have 1 to {TEXT_LENGTH} characters")
    with session() as database:
        note = Note(text=text.strip())
        database.add(note)
        database.commit()
        return to_json(note), 201


@app.get("/notes/<uuid:note_id>")
def show_note(note_id: UUID) -> dict[str, Any]:
    """Return one note."""
    with session() as database:
        note = database.get(Note, note_id)
        if note is None:
            abort(404, "Note not found")
        return to_json(note)


def to_json(note: Note) -> dict[str, Any]:
    """Return what is shown of a note."""
    return {"id": str(note.id), "text": note.text, "created_at": note.created_at.isoformat()}
