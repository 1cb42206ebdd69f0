"""What the function does when it is invoked directly, with `{"command": ...}`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, insert, select

from lambda_images.application.tables import invocations
from lambda_images.database.types import iso_utc

DEFAULT_LIMIT = 100
LIMITS = range(1, 1001)
LONGEST_SHOWN = 60


class CommandError(Exception):
    """The payload asks for something this function does not do, or not yet."""


def run(event: Any, statements: Engine, aws_request_id: str) -> Any:
    """Do what `event` asks, on an engine whose statements commit themselves; by default `create`.

    Raises:
        CommandError: the command is unknown, or an argument is out of its range.
    """
    event = {} if event is None else event
    if not isinstance(event, dict):
        raise CommandError(f'the payload must be a JSON object such as {{"command": "get"}}, not {_kind(event)}')
    name = event.get("command", "create")
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None:
        raise CommandError(f"unknown command {_short(name)}: the allowed commands are {', '.join(COMMANDS)}")
    return command(event, statements, aws_request_id)


def create(event: Mapping[str, Any], statements: Engine, aws_request_id: str) -> dict[str, str]:
    """Insert a row that holds this invocation's id, and answer it."""
    del event
    row = {"id": uuid4(), "aws_request_id": aws_request_id, "created_at": datetime.now(UTC)}
    with statements.begin() as connection:
        connection.execute(insert(invocations), row)
    return _shown(**row)


def get(event: Mapping[str, Any], statements: Engine, aws_request_id: str) -> list[dict[str, str]]:
    """The newest rows, at most `limit`."""
    del aws_request_id
    newest = select(invocations).order_by(invocations.c.created_at.desc(), invocations.c.id.desc())
    with statements.connect() as connection:
        return [_shown(**row) for row in connection.execute(newest.limit(_limit(event))).mappings()]


COMMANDS: Mapping[str, Callable[[Mapping[str, Any], Engine, str], Any]] = {"create": create, "get": get}


def _shown(id: UUID, aws_request_id: str, created_at: datetime) -> dict[str, str]:  # noqa: A002 - the column's name
    return {"id": str(id), "awsRequestId": aws_request_id, "createdAt": iso_utc(created_at)}


def _limit(event: Mapping[str, Any]) -> int:
    limit = event.get("limit", DEFAULT_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit not in LIMITS:
        raise CommandError(f"limit is {_short(limit)}: it takes a whole number from {LIMITS[0]} to {LIMITS[-1]}")
    return limit


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
