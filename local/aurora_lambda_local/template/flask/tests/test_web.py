"""The web application. `client` calls it as its function URL does, on each engine in turn."""

from aurora_lambda_local.testing import Client


def test_a_note_is_kept(client: Client) -> None:
    made = client.post("/notes", json={"text": "hello"})
    assert (made.status, made.json["text"]) == (201, "hello")
    assert client.get(f"/notes/{made.json['id']}").json == made.json


def test_a_note_needs_a_text(client: Client) -> None:
    assert client.post("/notes", json={}).status == 400


def test_a_note_that_is_not_there_is_not_found(client: Client) -> None:
    missing = client.get("/notes/00000000-0000-4000-8000-000000000000")
    assert missing.status == 404
