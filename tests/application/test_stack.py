"""The shipped application on a stack that is up on this machine: its commands and its routes."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.checkout import Checkout

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Yield a stack that is up."""
    checkout = Checkout.copied_to(tmp_path_factory.mktemp("application") / "checkout")
    try:
        checkout.run("up")
        yield checkout
    finally:
        checkout.run("down")


def test_rows_are_created_and_listed(checkout: Checkout) -> None:
    """The service would not do what it is for."""
    explicit = checkout.invoke("handlerLambdaArn", Payload=b'{"command": "create"}')
    default = checkout.invoke("handlerLambdaArn")
    assert list(explicit) == list(default) == ["id", "awsRequestId", "createdAt"]
    assert checkout.invoke("handlerLambdaArn", Payload=b'{"command": "get", "limit": 1}') == [default]
    assert checkout.invoke("handlerLambdaArn", Payload=b'{"command": "get"}') == [default, explicit]


def test_the_routes_answer(checkout: Checkout) -> None:
    """The HTTP interface would not be the documented one."""
    ready = {"message": "Database initialized successfully", "schema": "app", "tables": ["users", "posts"]}
    assert checkout.curl("POST", "/init") == (200, ready)
    ann = json.dumps({"name": "Ann", "email": "ann@example.org"})
    created, user = checkout.curl("POST", "/users", ann)
    assert (created, list(user)) == (201, ["id", "name", "email", "created_at"])
    assert checkout.curl("POST", "/users", ann) == (409, {"error": "Email already exists"})
    assert checkout.curl("POST", "/users", '{"name": "Ann"}') == (400, {"error": "Name and email are required"})
    assert checkout.curl("GET", "/users") == (200, {"count": 1, "users": [user]})
    assert checkout.curl("GET", "/users/count") == (200, {"count": 1})
    posts = f"/users/{user['id']}/posts"
    posted, post = checkout.curl("POST", posts, '{"title": "T", "content": "C"}')
    assert (posted, post["title"], post["content"], post["user_id"]) == (201, "T", "C", user["id"])
    del post["user_id"]
    assert checkout.curl("GET", posts) == (200, {"id": user["id"], **json.loads(ann), "count": 1, "posts": [post]})
    nobody = "/users/00000000-0000-0000-0000-000000000000/posts"
    assert checkout.curl("GET", nobody) == (404, {"error": "User not found"})
