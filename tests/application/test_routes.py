"""The HTTP routes, against real servers."""

import base64
import json
import logging
from typing import Any
from uuid import uuid4

import pytest

from lambda_images.migrations.runner import run
from tests.application.test_commands import MOMENT, UUID
from tests.conftest import Database
from tests.images.client import Answer, Client
from tests.images.runs import rows

ANN = {"name": "Ann", "email": "ann@example.org"}


def refused(answer: Answer, status: int, message: str) -> bool:
    """Whether an answer is exactly this error."""
    return (answer.status, answer.body) == (status, {"error": message})


def test_info_names_the_database(app: Client, database: Database) -> None:
    """How an operator sees which database a function talks to; no password among it."""
    answer = app.http("GET", "/info")
    assert (answer.status, answer.body) == (
        200,
        {
            "message": "SQL Database Info",
            "endpoint": "127.0.0.1",
            "identifier": "",
            "schema": database.name,
            "dbRole": "master",
            "arn": "",
        },
    )


def test_init_confirms_a_schema_at_head(app: Client, database: Database) -> None:
    """The check people run after a deployment."""
    answer = app.http("POST", "/init")
    assert (answer.status, answer.body) == (
        200,
        {"message": "Database initialized successfully", "schema": database.name, "tables": ["users", "posts"]},
    )


def test_init_names_the_remedy_when_the_schema_is_not_there(app: Client, database: Database) -> None:
    """Before the first migration, and after a downgrade, the answer says what to type."""
    rest = "run `aurora-lambda migrate`"
    object.__setattr__(app.dispatcher.connector.settings, "revision", "0005")
    run({"command": "downgrade", "revision": "0002"}, database.environment())
    message = f"The database schema is at revision 0002, expected 0005: {rest}"
    assert refused(app.http("POST", "/init"), 503, message)
    run({"command": "downgrade", "revision": "base"}, database.environment())
    assert refused(app.http("POST", "/init"), 503, f"The database schema is not there yet, expected 0005: {rest}")
    missing = f"The database schema is not there yet: {rest}"
    assert refused(app.http("GET", "/users"), 503, missing)
    run({}, database.environment())
    assert app.http("POST", "/init").status == 200


def test_a_user_is_made_listed_and_counted(app: Client) -> None:
    """The main path of the HTTP interface."""
    assert app.http("GET", "/users").body == {"count": 0, "users": []}
    made = app.http("POST", "/users", ANN)
    assert made.status == 201
    assert list(made.body) == ["id", "name", "email", "created_at"]
    assert UUID.fullmatch(made.body["id"])
    assert MOMENT.fullmatch(made.body["created_at"])
    assert (made.body["name"], made.body["email"]) == ("Ann", "ann@example.org")
    bob = app.http("POST", "/users", {"name": "Bob", "email": "bob@example.org"}).body
    assert app.http("GET", "/users").body == {"count": 2, "users": [bob, made.body]}
    assert app.http("GET", "/users?limit=1").body == {"count": 1, "users": [bob]}
    assert app.http("GET", "/users/count").body == {"count": 2}


def test_an_email_address_belongs_to_one_user(app: Client) -> None:
    """The same on every engine: letters of another case make another address, blanks around it do not."""
    assert app.http("POST", "/users", ANN).status == 201
    assert refused(app.http("POST", "/users", ANN), 409, "Email already exists")
    assert refused(app.http("POST", "/users", {**ANN, "email": " ann@example.org "}), 409, "Email already exists")
    assert app.http("POST", "/users", {**ANN, "email": "Ann@example.org"}).status == 201
    assert app.http("GET", "/users/count").body == {"count": 2}


@pytest.mark.parametrize(
    "body", [{}, {"name": "Ann"}, {"email": "a"}, {"name": "", "email": "a"}, {"name": " ", "email": "a"},
             {"name": None, "email": "a"}]
)  # fmt: skip
def test_a_user_needs_a_name_and_an_email(app: Client, body: Any) -> None:
    """Half a user is refused with the sentence clients know."""
    assert refused(app.http("POST", "/users", body), 400, "Name and email are required")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "n" * 101, "email": "a"}, "Name must be at most 100 characters"),
        ({"name": "n", "email": "e" * 101}, "Email must be at most 100 characters"),
        ({"name": 5, "email": "a"}, "Name must be a string"),
        ({"name": "n", "email": ["a"]}, "Email must be a string"),
        ({"name": True, "email": "a"}, "Name must be a string"),
        ({"name": "n\0", "email": "a"}, "Name holds characters that cannot be stored"),
        ({"name": "n", "email": "\ud800"}, "Email holds characters that cannot be stored"),
        ("", "The request body is not valid JSON"),
        ("{", "The request body is not valid JSON"),
        ("[" * 100_000, "The request body is not valid JSON"),
        ("1" * 10_000, "The request body is not valid JSON"),
        ("\ud800", "The request body is not valid JSON"),
        ("[]", "The request body must be a JSON object"),
        ('"text"', "The request body must be a JSON object"),
        ("null", "The request body must be a JSON object"),
    ],
)
def test_what_cannot_be_a_user_is_refused(app: Client, body: Any, message: str) -> None:
    """Whatever is sent, the answer is the client's error in words, never a 500."""
    assert refused(app.http("POST", "/users", body), 400, message)


def test_the_longest_name_fits(app: Client) -> None:
    """The limit counts characters, four-byte ones too."""
    answer = app.http("POST", "/users", {"name": "\N{GRINNING FACE}" * 100, "email": "e" * 100})
    assert answer.status == 201
    assert app.http("GET", "/users").body["users"][0] == answer.body


def test_a_body_may_come_in_base64(app: Client) -> None:
    """Function URLs encode bodies whose content type they take for binary."""
    encoded = base64.b64encode(json.dumps(ANN).encode()).decode()
    assert app.http("POST", "/users", encoded, isBase64Encoded=True).status == 201
    invalid = app.http("POST", "/users", "%%%", isBase64Encoded=True)
    assert refused(invalid, 400, "The request body is not valid base64")
    binary = base64.b64encode(b"\xff\xfe").decode()
    assert refused(app.http("POST", "/users", binary, isBase64Encoded=True), 400, "The request body is not valid JSON")


def test_posts_belong_to_their_user(app: Client) -> None:
    """The second table, and the transaction across both."""
    ann = app.http("POST", "/users", ANN).body["id"]
    bob = app.http("POST", "/users", {"name": "Bob", "email": "b"}).body["id"]
    assert app.http("GET", f"/users/{ann}/posts").body == {"count": 0, "posts": []}
    first = app.http("POST", f"/users/{ann}/posts", {"title": "One", "content": "text"})
    assert first.status == 201
    assert list(first.body) == ["id", "user_id", "title", "content", "created_at"]
    assert (first.body["user_id"], first.body["title"], first.body["content"]) == (ann, "One", "text")
    second = app.http("POST", f"/users/{ann}/posts", {"title": "Two"}).body
    assert second["content"] is None
    assert app.http("GET", f"/users/{ann}/posts").body == {"count": 2, "posts": [second, first.body]}
    assert app.http("GET", f"/users/{ann.upper()}/posts?limit=1").body == {"count": 1, "posts": [second]}
    assert app.http("GET", f"/users/{bob}/posts").body == {"count": 0, "posts": []}


def test_posts_of_nobody_are_not_found(app: Client) -> None:
    """A post without its user is never written."""
    path = f"/users/{uuid4()}/posts"
    assert refused(app.http("GET", path), 404, "User not found")
    assert refused(app.http("POST", path, {"title": "One"}), 404, "User not found")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Title is required"),
        ({"title": " "}, "Title is required"),
        ({"title": "t" * 201}, "Title must be at most 200 characters"),
        ({"title": 1}, "Title must be a string"),
        ({"title": "t", "content": 1}, "Content must be a string"),
        ({"title": "t", "content": "\0"}, "Content holds characters that cannot be stored"),
        ({"title": "t", "content": "\u00e4" * 32_768}, "Content must be at most 65535 bytes"),
    ],
)
def test_what_cannot_be_a_post_is_refused(app: Client, body: Any, message: str) -> None:
    """The same limits on every engine, told before the database would."""
    ann = app.http("POST", "/users", ANN).body["id"]
    assert refused(app.http("POST", f"/users/{ann}/posts", body), 400, message)
    assert app.http("GET", f"/users/{ann}/posts").body == {"count": 0, "posts": []}


def test_the_longest_content_fits(app: Client) -> None:
    """The limit is what every engine can hold."""
    ann = app.http("POST", "/users", ANN).body["id"]
    answer = app.http("POST", f"/users/{ann}/posts", {"title": "t", "content": "c" * 65_535})
    assert answer.status == 201
    assert app.http("GET", f"/users/{ann}/posts").body["posts"] == [answer.body]


@pytest.mark.parametrize("user", ["1", "not-a-uuid", "%00", "{00000000-0000-0000-0000-000000000000}", "0" * 32])
def test_an_id_that_is_no_uuid_is_refused(app: Client, user: str) -> None:
    """PostgreSQL would answer such an id with an error of its own."""
    assert refused(app.http("GET", f"/users/{user}/posts"), 400, "User id must be a UUID")
    assert refused(app.http("POST", f"/users/{user}/posts", {"title": "t"}), 400, "User id must be a UUID")


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "", "x", "1.5", "9" * 30, "%F0"])
def test_a_limit_out_of_range_is_refused(app: Client, limit: str) -> None:
    """A wrong number is the client's error."""
    answer = app.http("GET", f"/users?limit={limit}")
    assert refused(answer, 400, "limit takes a whole number from 1 to 1000")


@pytest.mark.parametrize("path", ["/", "/user", "/users/", "/users/1", "/users//posts", "/users/1/posts/2", "/INFO"])
def test_an_unknown_path_is_not_found(app: Client, path: str) -> None:
    """404 as JSON, like everything else."""
    assert refused(app.http("GET", path), 404, "Not found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/info", "GET"),
        ("GET", "/init", "POST"),
        ("PUT", "/users", "GET, POST"),
        ("DELETE", "/users/count", "GET"),
        ("PATCH", "/users/1/posts", "GET, POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(app: Client, method: str, path: str, allowed: str) -> None:
    """405 with `Allow`, as HTTP asks."""
    answer = app.http(method, path)
    assert refused(answer, 405, f"{method} is not allowed here; {allowed} is")
    assert answer.headers["Allow"] == allowed


def test_an_answer_too_large_for_lambda_says_how_to_ask_for_less(app: Client) -> None:
    """Lambda itself would answer with an opaque 502."""
    ann = app.http("POST", "/users", ANN).body["id"]
    for _ in range(80):
        assert app.http("POST", f"/users/{ann}/posts", {"title": "t", "content": "c" * 65_535}).status == 201
    answer = app.http("GET", f"/users/{ann}/posts")
    assert refused(answer, 413, "The answer is larger than a function may return: ask for less with ?limit=")
    assert app.http("GET", f"/users/{ann}/posts?limit=70").body["count"] == 70


def test_an_unexpected_error_is_logged_and_told_to_nobody(
    app: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets no stack trace; whoever reads the log does."""

    def broken(_body: Any) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("lambda_images.application.routes.new_row", broken)
    with caplog.at_level(logging.ERROR):
        assert refused(app.http("POST", "/users", ANN), 500, "Internal server error")
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


def test_an_unexpected_database_error_is_logged_and_told_to_nobody(
    app: Client, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A column somebody dropped by hand is a fault of ours, not of the client's."""
    rows(database, "ALTER TABLE users DROP COLUMN name")
    with caplog.at_level(logging.ERROR):
        assert refused(app.http("GET", "/users"), 500, "Internal server error")
    assert [record.message for record in caplog.records] == ["unexpected database error"]
