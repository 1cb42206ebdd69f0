"""The HTTP routes. `client` calls the application as its function URL does, on each engine in turn."""

from aurora_lambda_local.testing import Client


def test_a_note_is_kept(client: Client) -> None:
    made = client.post("/notes", json={"text": "hello"})
    assert (made.status, made.json["text"]) == (201, "hello")
    assert client.get(f"/notes/{made.json['id']}").json == made.json


def test_a_note_needs_a_text(client: Client) -> None:
    refused = client.post("/notes", json={})
    assert (refused.status, refused.json) == (400, {"error": "Text is required"})


def test_a_note_that_is_not_there_is_not_found(client: Client) -> None:
    missing = client.get("/notes/00000000-0000-4000-8000-000000000000")
    assert (missing.status, missing.json) == (404, {"error": "Note not found"})
