"""The commands of direct invocations: `{"command": "count"}` calls `count`; the first one is the default."""

from sqlalchemy import func, select

from application.tables import notes
from aurora_lambda_runtime.handler.commands import Commands, Invocation


def count(invocation: Invocation) -> dict[str, int]:
    """Return how many notes there are."""
    query = select(func.count()).select_from(notes)
    read = invocation.database.statement
    return {"notes": read(lambda connection: connection.execute(query).scalar_one(), idempotent=True)}


COMMANDS: Commands = {"count": count}
