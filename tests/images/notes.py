"""A small application for tests of the machinery: one table, two commands, five routes, two revisions."""

from pathlib import Path
from uuid import uuid4

from sqlalchemy import Column, MetaData, String, Table, func, insert, select

from lambda_images.handler.commands import Invocation
from lambda_images.handler.dispatcher import Application
from lambda_images.handler.http import HttpError, Request, Response
from tests.images.revisions import history

metadata = MetaData()
notes = Table(
    "notes", metadata, Column("id", String(36), primary_key=True), Column("text", String(100), nullable=False)
)


def versions(directory: Path) -> Path:
    """The directory of its revisions, written below `directory`."""
    create = "CREATE TABLE notes (id varchar(36) PRIMARY KEY, text varchar(100) NOT NULL)"
    return history(directory / "versions", create, "CREATE TABLE t2 (id integer PRIMARY KEY)")


def add(invocation: Invocation) -> dict[str, str]:
    """Insert a note that holds the invocation's id."""
    row = {"id": str(uuid4()), "text": invocation.request_id}
    with invocation.database.statements.begin() as connection:
        connection.execute(insert(notes), row)
    return row


def list_(invocation: Invocation) -> list[dict[str, str]]:
    """Select notes."""
    limit = invocation.whole_number("limit", 100, range(1, 1001))
    with invocation.database.statements.connect() as connection:
        return [dict(row) for row in connection.execute(select(notes).limit(limit)).mappings()]


def get_notes(request: Request) -> Response:
    """Select notes."""
    with request.database.statements.connect() as connection:
        found = connection.execute(select(notes).limit(request.whole_number("limit", 1000, range(1, 1001))))
        return 200, {"notes": [dict(row) for row in found.mappings()]}


def count_notes(request: Request) -> Response:
    """Count notes."""
    with request.database.statements.connect() as connection:
        return 200, {"count": connection.scalar(select(func.count()).select_from(notes))}


def post_note(request: Request) -> Response:
    """Insert a note."""
    row = {"id": str(uuid4()), "text": request.json_object()["text"]}
    with request.database.statements.begin() as connection:
        connection.execute(insert(notes), row)
    return 201, row


def copy_note(request: Request) -> Response:
    """Select a note and insert another like it, in one transaction."""
    with request.database.transactions.begin() as connection:
        text = connection.scalar(select(notes.c.text).where(notes.c.id == request.parameters["id"]))
        if text is None:
            raise HttpError(404, "Note not found")
        row = {"id": str(uuid4()), "text": text}
        connection.execute(insert(notes), row)
    return 201, row


application = Application(
    commands={"add": add, "list": list_},
    routes={
        "/notes": {"GET": get_notes, "POST": post_note},
        "/notes/count": {"GET": count_notes},
        "/notes/{id}/copies": {"POST": copy_note},
    },
    tables=("notes",),
)
