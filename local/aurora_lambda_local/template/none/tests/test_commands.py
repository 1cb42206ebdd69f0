"""The commands. What `database` holds is gone after each test."""

from uuid import uuid4

from application.tables import notes
from aurora_lambda_local.testing import Client, Database


def test_notes_are_counted(client: Client, database: Database) -> None:
    assert client.invoke({"command": "count"}) == {"notes": 0}
    database.insert(notes, {"id": uuid4(), "text": "hello"})
    assert client.invoke({"command": "count"}) == {"notes": 1}
