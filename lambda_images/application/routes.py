"""The HTTP routes: each is a function that takes a request and returns a status and a JSON object, or a `Response`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, RowMapping, Select, func, select
from sqlalchemy.exc import IntegrityError

from application.tables import CONTENT_BYTES, EMAIL_LENGTH, NAME_LENGTH, TITLE_LENGTH, posts, users
from aurora_lambda_runtime.database.error_codes import is_duplicate
from aurora_lambda_runtime.handler.http import Answer, HttpError, Request
from aurora_lambda_runtime.handler.routing import Routes
from aurora_lambda_runtime.handler.validation import optional_text, parse_uuid, required_texts

LIMITS = range(1, 1001)
TABLES = (users.name, posts.name)
# What the routes show: a new column stays inside until it is named here.
USER = (users.c.id, users.c.name, users.c.email)
POST = (posts.c.id, posts.c.title, posts.c.content, posts.c.created_at)


def list_users(request: Request) -> Answer:
    """Return the newest users."""
    newest = (
        select(*USER, users.c.created_at)
        .order_by(users.c.created_at.desc(), users.c.id.desc())
        .limit(limit_of(request))
    )
    rows = read(request, newest)
    return 200, {"count": len(rows), "users": [dict(row) for row in rows]}


def count_users(request: Request) -> Answer:
    """Return how many users there are."""
    count = select(func.count()).select_from(users)
    return 200, {"count": request.database.statement(lambda connection: connection.scalar(count), idempotent=True)}


def create_user(request: Request) -> Answer:
    """Insert a user and return it; an e-mail address belongs to one user only."""
    limits = {"name": NAME_LENGTH, "email": EMAIL_LENGTH}
    row = new_row(required_texts(request.json_object(), limits, "Name and email are required"))
    try:
        request.database.insert(users, row)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise HttpError(409, "Email already exists") from None
    return 201, row


def list_posts(request: Request) -> Answer:
    """Return a user with the user's newest posts, read by one statement."""
    of_user = (
        select(*USER, *POST)
        .join_from(users, posts, isouter=True)
        .where(users.c.id == user_id_of(request))
        .order_by(posts.c.created_at.desc(), posts.c.id.desc())
        .limit(limit_of(request))
    )
    rows = read(request, of_user)
    if not rows:
        raise HttpError(404, "User not found")
    user = {column.name: rows[0][column] for column in USER}
    # A user without posts is one row, with nothing in the columns of the post.
    found = [{column.name: row[column] for column in POST} for row in rows if row[posts.c.id] is not None]
    return 200, {**user, "count": len(found), "posts": found}


def create_post(request: Request) -> Answer:
    """Insert a post and return it; check its user in the same transaction."""
    user_id, body = user_id_of(request), request.json_object()
    texts = required_texts(body, {"title": TITLE_LENGTH}, "Title is required")
    content = optional_text(body, "content", CONTENT_BYTES)
    row = new_row({"user_id": user_id, **texts, "content": content})

    def check_user(connection: Connection) -> None:
        if connection.scalar(select(users.c.id).where(users.c.id == user_id)) is None:
            raise HttpError(404, "User not found")

    request.database.insert(posts, row, check_user)
    return 201, row


ROUTES: Routes = {
    "/users": {"GET": list_users, "POST": create_user},
    "/users/count": {"GET": count_users},
    "/users/{id}/posts": {"GET": list_posts, "POST": create_post},
}


def read(request: Request, query: Select) -> Sequence[RowMapping]:
    """Return the rows of a query."""
    return request.database.statement(lambda connection: connection.execute(query).mappings().all(), idempotent=True)


def new_row(values: Mapping[str, object]) -> dict[str, object]:
    """Return `values` with an id and the time of creation."""
    return {"id": uuid4(), **values, "created_at": datetime.now(UTC)}


def user_id_of(request: Request) -> UUID:
    """Return the user's id in the path."""
    return parse_uuid(request.parameters["id"], "User id")


def limit_of(request: Request) -> int:
    """Return how many rows the query string asks for."""
    return request.whole_number("limit", LIMITS[-1], LIMITS)
