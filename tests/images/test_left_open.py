"""What an invocation leaves open, and what the next one of the same environment finds."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from aurora_lambda_local.testing.streams import MODIFIED, invoke
from aurora_lambda_runtime.handler.commands import Invocation
from aurora_lambda_runtime.handler.dispatcher import Application
from aurora_lambda_runtime.handler.http import Answer, Request
from aurora_lambda_runtime.handler.streams import StreamRecord, stream_handler
from aurora_lambda_runtime.handler.streams.sql import database as sql_database
from tests.conftest import Database
from tests.images.client import Client
from tests.images.runs import rows, run
from tests.services import CountingProxy

pytestmark = pytest.mark.slow

KEPT: list[Any] = []
INSERT = text("INSERT INTO kept (id) VALUES (1)")


def keep(request: Request) -> Answer:
    """Leave a connection and its transaction in a global."""
    KEPT.append(request.database.transactions.connect())
    KEPT[-1].execute(INSERT)
    return 200, {}


def keep_and_fail(request: Request) -> Answer:
    """Leave them there, and raise an error."""
    keep(request)
    raise ZeroDivisionError


def keep_statements(request: Request) -> Answer:
    """Leave a connection there on which a transaction was begun by hand."""
    KEPT.append(request.database.statements.connect())
    KEPT[-1].exec_driver_sql("BEGIN")
    KEPT[-1].execute(INSERT)
    return 200, {}


def use_kept(_request: Request) -> Answer:
    """Use what an earlier invocation has left."""
    return 200, {"count": KEPT[-1].execute(text("SELECT count(*) FROM kept")).scalar_one()}


def count(request: Request) -> Answer:
    """Use the database as one should."""
    query = text("SELECT count(*) FROM kept")
    return 200, {"count": request.database.statement(lambda connection: connection.scalar(query))}


def keep_by_command(invocation: Invocation) -> None:
    """Leave a connection in a global, and raise an error."""
    KEPT.append(invocation.database.transactions.connect())
    KEPT[-1].execute(INSERT)
    raise ZeroDivisionError


@stream_handler
def keep_by_record(_record: StreamRecord) -> None:
    """Leave a connection in a global."""
    KEPT.append(sql_database().transactions.connect())
    KEPT[-1].execute(INSERT)


def forget(invocation: Invocation) -> int:
    """Drop a connection without closing it, then use the database once more."""
    invocation.database.transactions.connect()
    gc.collect()
    return invocation.database.statement(lambda connection: connection.scalar(text("SELECT count(*) FROM kept")))


ROUTES = {
    "/keep": {"GET": keep},
    "/fail": {"GET": keep_and_fail},
    "/statements": {"GET": keep_statements},
    "/use": {"GET": use_kept},
    "/count": {"GET": count},
}


@pytest.fixture
def proxy(database: Database) -> Iterator[CountingProxy]:
    """Return a way to a database with a table, which counts."""
    run({}, database.environment())
    rows(database, "CREATE TABLE kept (id integer)")
    made = CountingProxy(database.port)
    yield made
    made.close()
    KEPT.clear()
    gc.collect()


@pytest.fixture
def app(database: Database, proxy: CountingProxy) -> Iterator[Client]:
    """Return an application that keeps connections."""
    through = Database(database.engine, proxy.port, database.name, database.ca)
    made = Client(Application({"keep": keep_by_command, "forget": forget}, ROUTES), through.environment())
    yield made
    made.close()


@pytest.mark.parametrize("path", ["/keep", "/fail", "/statements"])
def test_a_route_that_keeps_a_connection_does_not_poison_its_environment(
    app: Client, proxy: CountingProxy, path: str
) -> None:
    """Every later request of that environment would be answered 500 until somebody deploys again."""
    for _ in range(3):
        assert app.http("GET", path).status == (500 if path == "/fail" else 200)
        answer = app.http("GET", "/count")
        assert (answer.status, answer.body) == (200, {"count": 0})
    assert proxy.connections == 1


def test_a_command_that_keeps_a_connection_and_fails_does_not_poison_its_environment(
    app: Client, proxy: CountingProxy
) -> None:
    """A command's open transaction would keep its locks, and the only connection, until the next deployment."""
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            app.invoke({"command": "keep"})
        assert app.http("GET", "/count").body == {"count": 0}
    assert proxy.connections == 1


def test_a_kept_connection_commits_nothing_into_a_later_invocation(app: Client, proxy: CountingProxy) -> None:
    """Two invocations on one connection at once would commit each other's half-done work."""
    app.http("GET", "/keep")
    assert app.http("GET", "/use").status == 500
    assert app.http("GET", "/count").body == {"count": 0}
    assert proxy.connections == 1


def test_a_connection_that_nothing_holds_any_more_is_there_within_the_same_invocation(
    app: Client, proxy: CountingProxy
) -> None:
    """To note who has a connection must not keep it from coming back: the invocation would wait for itself."""
    assert app.invoke({"command": "forget"}) == 0
    assert proxy.connections == 1


def test_a_record_that_keeps_a_connection_does_not_fail_the_next_batch(
    database: Database, proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream would stand still until its records are too old, and lose them then."""
    through = Database(database.engine, proxy.port, database.name, database.ca)
    for name, value in through.environment().items():
        monkeypatch.setenv(name, value)
    for _ in range(3):
        assert invoke(keep_by_record, MODIFIED) == {"batchItemFailures": []}
    assert proxy.connections == 1
    assert rows(database, "SELECT count(*) FROM kept") == [(0,)]
    sql_database().transactions.dispose()
