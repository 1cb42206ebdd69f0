"""The web application: what answers the function URL. Its documentation is at `/docs`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, StringConstraints
from sqlalchemy.orm import Session

from application.tables import TEXT_LENGTH, Note
from aurora_lambda_runtime.database.orm import session

app = FastAPI(title="{{name}}")
Database = Annotated[Session, Depends(session)]


class NewNote(BaseModel):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LENGTH)]


class ShownNote(BaseModel):
    id: UUID
    text: str
    created_at: datetime


@app.post("/notes", status_code=201, response_model=ShownNote)
def add_note(new: NewNote, database: Database) -> Note:
    """Insert a note and return it."""
    note = Note(text=new.text)
    database.add(note)
    database.commit()
    return note


@app.get("/notes/{note_id}", response_model=ShownNote)
def show_note(note_id: UUID, database: Database) -> Note:
    """Return one note."""
    note = database.get(Note, note_id)
    if note is None:
        raise HTTPException(404, "Note not found")
    return note
