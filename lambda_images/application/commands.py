"""The commands of direct invocations: `{"command": "create"}` calls `create`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import RowMapping, select

from application.tables import invocations
from aurora_lambda_runtime.database.types import iso_utc
from aurora_lambda_runtime.handler.commands import Commands, Invocation

DEFAULT_LIMIT = 100
LIMITS = range(1, 1001)


def create(invocation: Invocation) -> dict[str, str]:
    """Insert a row that holds this invocation's id, and return it."""
    row = {"id": uuid4(), "aws_request_id": invocation.request_id, "created_at": datetime.now(UTC)}
    invocation.database.insert(invocations, row)
    return to_json(row)


def get(invocation: Invocation) -> list[dict[str, str]]:
    """Return the newest rows, at most `limit`."""
    limit = invocation.whole_number("limit", DEFAULT_LIMIT, LIMITS)
    newest = select(invocations).order_by(invocations.c.created_at.desc(), invocations.c.id.desc()).limit(limit)
    read = invocation.database.statement
    rows = read(lambda connection: connection.execute(newest).mappings().all(), idempotent=True)
    return [to_json(row) for row in rows]


def to_json(row: Mapping[str, Any] | RowMapping) -> dict[str, str]:
    """Return a row of `invocations` with the names that callers know."""
    return {"id": str(row["id"]), "awsRequestId": row["aws_request_id"], "createdAt": iso_utc(row["created_at"])}


COMMANDS: Commands = {"create": create, "get": get}
