"""The HTTP routes, against real servers."""

from typing import Any
from uuid import uuid4

import pytest

from tests.application.test_commands import MOMENT, UUID
from tests.conftest import Database
from tests.images.client import Client

# What a list of posts shows of each.
POST = ("id", "title", "content", "created_at")
ANN = {"name": "Ann", "email": "ann@example.org"}


def test_init_names_the_tables(app: Client, migrated: Database) -> None:
    """The check people run after a deployment."""
    answer = app.http("POST", "/init")
    assert (answer.status, answer.body) == (
        200,
        {"message": "Database initialized successfully", "schema": migrated.name, "tables": ["users", "posts"]},
    )


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
    assert app.http("POST", "/users", ANN).error == (409, "Email already exists")
    assert app.http("POST", "/users", {**ANN, "email": " ann@example.org "}).error == (409, "Email already exists")
    assert app.http("POST", "/users", {**ANN, "email": "Ann@example.org"}).status == 201
    assert app.http("GET", "/users/count").body == {"count": 2}


@pytest.mark.parametrize(
    "body", [{}, {"name": "Ann"}, {"email": "a"}, {"name": "", "email": "a"}, {"name": " ", "email": "a"},
             {"name": None, "email": "a"}]
)  # fmt: skip
def test_a_user_needs_a_name_and_an_email(app: Client, body: Any) -> None:
    """Half a user is refused with the sentence clients know."""
    assert app.http("POST", "/users", body).error == (400, "Name and email are required")


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
        ("{", "The request body is not valid JSON"),
        ("[]", "The request body must be a JSON object"),
    ],
)
def test_what_cannot_be_a_user_is_refused(app: Client, body: Any, message: str) -> None:
    """Whatever is sent, the answer is the client's error in words, never a 500."""
    assert app.http("POST", "/users", body).error == (400, message)


def test_the_longest_name_fits(app: Client) -> None:
    """The limit counts characters, four-byte ones too."""
    answer = app.http("POST", "/users", {"name": "\N{GRINNING FACE}" * 100, "email": "e" * 100})
    assert answer.status == 201
    assert app.http("GET", "/users").body["users"][0] == answer.body


def test_posts_belong_to_their_user(app: Client) -> None:
    """The second table, and the transaction across both."""
    ann = app.http("POST", "/users", ANN).body["id"]
    bob = app.http("POST", "/users", {"name": "Bob", "email": "b"}).body["id"]
    first = app.http("POST", f"/users/{ann}/posts", {"title": "One", "content": "text"})
    assert first.status == 201
    assert list(first.body) == ["id", "user_id", "title", "content", "created_at"]
    assert (first.body["user_id"], first.body["title"], first.body["content"]) == (ann, "One", "text")
    second = app.http("POST", f"/users/{ann}/posts", {"title": "Two"}).body
    assert second["content"] is None
    posts = [{name: post[name] for name in POST} for post in (second, first.body)]
    of_ann = app.http("GET", f"/users/{ann}/posts")
    assert (of_ann.status, of_ann.body) == (200, {"id": ann, **ANN, "count": 2, "posts": posts})
    limited = app.http("GET", f"/users/{ann.upper()}/posts?limit=1").body
    assert limited == {"id": ann, **ANN, "count": 1, "posts": posts[:1]}
    of_bob = {"id": bob, "name": "Bob", "email": "b", "count": 0, "posts": []}
    assert app.http("GET", f"/users/{bob}/posts").body == of_bob


def test_posts_of_nobody_are_not_found(app: Client) -> None:
    """A post without its user is never written."""
    path = f"/users/{uuid4()}/posts"
    assert app.http("GET", path).error == (404, "User not found")
    assert app.http("POST", path, {"title": "One"}).error == (404, "User not found")


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
    assert app.http("POST", f"/users/{ann}/posts", body).error == (400, message)
    assert app.http("GET", f"/users/{ann}/posts").body["posts"] == []


def test_the_longest_content_fits(app: Client) -> None:
    """The limit is what every engine can hold."""
    ann = app.http("POST", "/users", ANN).body["id"]
    answer = app.http("POST", f"/users/{ann}/posts", {"title": "t", "content": "c" * 65_535})
    assert answer.status == 201
    assert app.http("GET", f"/users/{ann}/posts").body["posts"][0]["content"] == answer.body["content"]


def test_an_id_that_is_no_uuid_is_refused(app: Client) -> None:
    """PostgreSQL would answer such an id with an error of its own."""
    assert app.http("GET", "/users/not-a-uuid/posts").error == (400, "User id must be a UUID")
    assert app.http("POST", "/users/not-a-uuid/posts", {"title": "t"}).error == (400, "User id must be a UUID")


@pytest.mark.parametrize("limit", ["0", "1001"])
def test_a_limit_out_of_range_is_refused(app: Client, limit: str) -> None:
    """A wrong number is the client's error."""
    answer = app.http("GET", f"/users?limit={limit}")
    assert answer.error == (400, "limit must be a whole number from 1 to 1000")


def test_an_answer_too_large_for_lambda_says_how_to_ask_for_less(app: Client) -> None:
    """Lambda itself would answer with an opaque 502."""
    ann = app.http("POST", "/users", ANN).body["id"]
    for _ in range(97):
        assert app.http("POST", f"/users/{ann}/posts", {"title": "t", "content": "c" * 65_535}).status == 201
    answer = app.http("GET", f"/users/{ann}/posts")
    assert answer.error == (413, "The answer is larger than a function may return: ask for less with ?limit=")
    assert app.http("GET", f"/users/{ann}/posts?limit=70").body["count"] == 70
