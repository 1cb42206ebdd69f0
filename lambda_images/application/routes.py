"""The HTTP routes: each is a function that takes a request and returns a status and a JSON object."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, Select, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from lambda_images.application.tables import CONTENT_BYTES, EMAIL_LENGTH, NAME_LENGTH, TITLE_LENGTH, posts, users
from lambda_images.database.error_codes import is_duplicate
from lambda_images.handler.http import HttpError, Request, Response
from lambda_images.handler.routing import Routes
from lambda_images.handler.validation import optional_text, parse_uuid, required_texts

LIMITS = range(1, 1001)
TABLES = (users.name, posts.name)


def list_users(request: Request) -> Response:
    """Return the newest users."""
    newest = newest_first(users).limit(limit_of(request))
    with request.database.statements.connect() as connection:
        found = [dict(row) for row in connection.execute(newest).mappings()]
    return 200, {"count": len(found), "users": found}


def count_users(request: Request) -> Response:
    """Return how many users there are."""
    with request.database.statements.connect() as connection:
        return 200, {"count": connection.scalar(select(func.count()).select_from(users))}


def create_user(request: Request) -> Response:
    """Insert a user and return it; an e-mail address belongs to one user only."""
    limits = {"name": NAME_LENGTH, "email": EMAIL_LENGTH}
    row = new_row(required_texts(request.json_object(), limits, "Name and email are required"))
    try:
        with request.database.statements.begin() as connection:
            connection.execute(insert(users), row)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise HttpError(409, "Email already exists") from None
    return 201, row


def list_posts(request: Request) -> Response:
    """Return a user's newest posts."""
    user_id = user_id_of(request)
    newest = newest_first(posts).where(posts.c.user_id == user_id).limit(limit_of(request))
    with request.database.statements.connect() as connection:
        found = [dict(row) for row in connection.execute(newest).mappings()]
        if not found:
            require_user(connection, user_id)
    return 200, {"count": len(found), "posts": found}


def create_post(request: Request) -> Response:
    """Insert a post and return it; check its user in the same transaction."""
    user_id, body = user_id_of(request), request.json_object()
    texts = required_texts(body, {"title": TITLE_LENGTH}, "Title is required")
    content = optional_text(body, "content", CONTENT_BYTES)
    row = new_row({"user_id": user_id, **texts, "content": content})
    with request.database.transactions.begin() as connection:
        require_user(connection, user_id)
        connection.execute(insert(posts), row)
    return 201, row


ROUTES: Routes = {
    "/users": {"GET": list_users, "POST": create_user},
    "/users/count": {"GET": count_users},
    "/users/{id}/posts": {"GET": list_posts, "POST": create_post},
}


def new_row(values: Mapping[str, object]) -> dict[str, object]:
    """Return `values` with an id and the time of creation."""
    return {"id": uuid4(), **values, "created_at": datetime.now(UTC)}


def newest_first(table: Table) -> Select:
    """Return a query of all rows of `table`, the newest first."""
    return select(table).order_by(table.c.created_at.desc(), table.c.id.desc())


def require_user(connection: Connection, user_id: UUID) -> None:
    """Raise a 404 unless the user exists."""
    if connection.scalar(select(users.c.id).where(users.c.id == user_id)) is None:
        raise HttpError(404, "User not found")


def user_id_of(request: Request) -> UUID:
    """Return the user's id in the path."""
    return parse_uuid(request.parameters["id"], "User id")


def limit_of(request: Request) -> int:
    """Return how many rows the query string asks for."""
    return request.whole_number("limit", LIMITS[-1], LIMITS)
