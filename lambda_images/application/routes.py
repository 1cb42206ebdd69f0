"""The HTTP routes: what each answers, and the statements behind it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, RowMapping, Table, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from lambda_images.application.tables import (
    CONTENT_BYTES,
    EMAIL_LENGTH,
    NAME_LENGTH,
    TITLE_LENGTH,
    alembic_version,
    posts,
    users,
)
from lambda_images.database.contract import DatabaseSettings
from lambda_images.database.error_codes import is_duplicate, is_schema_missing
from lambda_images.database.sqlalchemy_engine import autocommit
from lambda_images.database.types import iso_utc
from lambda_images.handler.fields import optional_text, required_texts, uuid
from lambda_images.handler.http import HttpError, Request, Router

MIGRATE = "run `aurora-lambda migrate`"
LIMITS = range(1, 1001)
Answer = tuple[int, Mapping[str, Any]]


def router(engine: Engine, settings: DatabaseSettings) -> Router:
    """Every route, on the database of `engine`."""
    routes = Routes(engine, settings)
    return Router(
        {
            "/info": {"GET": routes.info},
            "/init": {"POST": routes.init},
            "/users": {"GET": routes.list_users, "POST": routes.create_user},
            "/users/count": {"GET": routes.count_users},
            "/users/{id}/posts": {"GET": routes.list_posts, "POST": routes.create_post},
        }
    )


class Routes:
    """One method a route."""

    def __init__(self, engine: Engine, settings: DatabaseSettings) -> None:
        self._transactions = engine
        self._statements = autocommit(engine)
        self._settings = settings

    def info(self, request: Request) -> Answer:
        """Which database this is."""
        del request
        settings = self._settings
        return 200, {
            "message": "SQL Database Info",
            "endpoint": settings.endpoint,
            "identifier": settings.identifier,
            "schema": settings.schema,
            "dbRole": settings.db_role,
            "arn": settings.arn,
        }

    def init(self, request: Request) -> Answer:
        """Whether the schema is the one this function was deployed with."""
        del request
        found, wanted = self._revision(), self._settings.revision
        if not _reached(found, wanted):
            state = f"at revision {found}" if found else "not there yet"
            raise HttpError(503, f"The database schema is {state}, expected {wanted or 'any'}: {MIGRATE}")
        return 200, {
            "message": "Database initialized successfully",
            "schema": self._settings.schema,
            "tables": [users.name, posts.name],
        }

    def list_users(self, request: Request) -> Answer:
        """The newest users."""
        with self._statements.connect() as connection:
            found = connection.execute(_newest(users).limit(_limit(request))).mappings()
            rows = [_shown(row) for row in found]
        return 200, {"count": len(rows), "users": rows}

    def count_users(self, request: Request) -> Answer:
        """How many users there are."""
        del request
        with self._statements.connect() as connection:
            return 200, {"count": connection.scalar(select(func.count()).select_from(users))}

    def create_user(self, request: Request) -> Answer:
        """A new user; an e-mail address belongs to one only."""
        limits = {"name": NAME_LENGTH, "email": EMAIL_LENGTH}
        row = _new(required_texts(request.json_object(), limits, "Name and email are required"))
        try:
            with self._statements.begin() as connection:
                connection.execute(insert(users), row)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            raise HttpError(409, "Email already exists") from None
        return 201, _shown(row)

    def list_posts(self, request: Request) -> Answer:
        """A user's newest posts."""
        user_id, limit = _user_id(request), _limit(request)
        with self._statements.connect() as connection:
            found = connection.execute(_newest(posts).where(posts.c.user_id == user_id).limit(limit)).mappings()
            rows = [_shown(row) for row in found]
            if not rows:
                _require_user(connection, user_id)
        return 200, {"count": len(rows), "posts": rows}

    def create_post(self, request: Request) -> Answer:
        """A new post of a user who is there and stays there until it is written."""
        user_id, body = _user_id(request), request.json_object()
        texts = required_texts(body, {"title": TITLE_LENGTH}, "Title is required")
        content = optional_text(body, "content", CONTENT_BYTES)
        row = _new({"user_id": user_id, **texts, "content": content})
        with self._transactions.begin() as connection:
            _require_user(connection, user_id)
            connection.execute(insert(posts), row)
        return 201, _shown(row)

    def _revision(self) -> str | None:
        try:
            with self._statements.connect() as connection:
                return connection.scalar(select(alembic_version.c.version_num))
        except DBAPIError as error:
            if not is_schema_missing(error):
                raise
            return None


def _reached(found: str | None, wanted: str) -> bool:
    """Whether a schema at `found` serves code that wants `wanted`; revisions are numbered, and a later one does."""
    if found is None or not wanted or found == wanted:
        return found is not None
    return found.isdecimal() and wanted.isdecimal() and int(found) > int(wanted)


def _require_user(connection: Connection, user_id: UUID) -> None:
    if connection.scalar(select(users.c.id).where(users.c.id == user_id)) is None:
        raise HttpError(404, "User not found")


def _new(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": uuid4(), **values, "created_at": datetime.now(UTC)}


def _newest(table: Table) -> Any:
    return select(table).order_by(table.c.created_at.desc(), table.c.id.desc())


def _shown(row: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    kinds = {UUID: str, datetime: iso_utc}
    return {name: kinds[type(value)](value) if type(value) in kinds else value for name, value in row.items()}


def _user_id(request: Request) -> UUID:
    return uuid(request.parameters["id"], "User id")


def _limit(request: Request) -> int:
    return request.whole_number("limit", LIMITS[-1], LIMITS)
