"""SQLAlchemy's ORM on the service's database: the same connection, deadline and reconnects as everywhere else.

Only what uses the ORM imports it: it takes its time at a cold start. There is no asynchronous session: an execution
environment answers one request at a time, and has nothing else to do while the database works.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from aurora_lambda_runtime.database.current import current_database

T = TypeVar("T")


def session() -> Session:
    """Return a new session, which is closed when the invocation ends, if not before. It commits when it is told to.

    It serves as a context manager, and as a dependency of FastAPI: `Depends(session)`.
    """
    database = current_database()
    new = Session(database.transactions)
    database.at_end(new.close)
    return new


def transaction(work: Callable[[Session], T], *, idempotent: bool = False) -> T:
    """Return what `work` returns, its statements done together or not at all; see `Database.transaction`.

    It runs again after a conflict, with a new session. What it returns stays readable after it.

    Raises:
        ConflictError: each time a concurrent transaction won.
    """

    def in_session(connection: Connection) -> T:
        with Session(connection, expire_on_commit=False) as opened:
            result = work(opened)
            opened.commit()
            return result

    return current_database().transaction(in_session, idempotent=idempotent)
