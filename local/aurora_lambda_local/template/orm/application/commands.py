"""The commands of direct invocations: `{"command": "count"}` calls `count`; the first one is the default."""

from sqlalchemy import func, select

from application.tables import Note
from aurora_lambda_runtime.database.orm import session
from aurora_lambda_runtime.handler.commands import Commands, Invocation


def count(_invocation: Invocation) -> dict[str, int]:
    """Return how many notes there are."""
    with session() as database:
        return {"notes": database.scalars(select(func.count()).select_from(Note)).one()}


COMMANDS: Commands = {"count": count}
