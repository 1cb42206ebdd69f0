"""The commands. What `database` holds is gone after each test."""

from application.tables import Note
from aurora_lambda_local.testing import Client, Database
from aurora_lambda_runtime.database.orm import session


def test_notes_are_counted(client: Client, database: Database) -> None:
    assert client.invoke({"command": "count"}) == {"notes": 0}
    with session() as opened:
        opened.add(Note(text="hello"))
        opened.commit()
    assert client.invoke({"command": "count"}) == {"notes": 1}
