"""How connections are opened, counted, kept and replaced, watched from outside through a proxy."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import text

from aurora_lambda_local.databases.dsql.server import DsqlServer
from aurora_lambda_runtime.database import connector as connector_module
from aurora_lambda_runtime.database.errors import DatabaseMissingError, DatabaseUnavailableError
from aurora_lambda_runtime.database.sqlalchemy_engine import autocommit
from aurora_lambda_runtime.handler.failures import TRY_LATER
from aurora_lambda_runtime.payload import CommandError
from tests.conftest import Database
from tests.images.client import Client, Context
from tests.images.runs import rows, run
from tests.services import CountingProxy, eventually, silent_server

pytestmark = pytest.mark.slow

# The login itself: PostgreSQL's SCRAM exchange takes three; MySQL's greeting is not asked for, its login takes one,
# and the session's character set and its mode one each.
LOGIN = 3
# Over TLS, the server's session tickets may come between two messages of the client: nobody waits for them.
TICKETS = {"postgres": {0}, "mysql": {0}, "dsql": {0, 1}}
MakeClient = Callable[..., Client]
NOTE = {"text": "tea"}


@pytest.fixture
def proxy(database: Database) -> Iterator[CountingProxy]:
    """Return a way to the database's server that counts."""
    made = CountingProxy(database.port)
    yield made
    made.close()


@pytest.fixture
def app(database: Database, proxy: CountingProxy, client_of: MakeClient) -> Client:
    """Return an application on a migrated database, by way of the proxy."""
    return client_of(database, port=proxy.port)


@pytest.fixture
def end_connections(database: Database, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Return what ends every other connection to this database, as a failover or an idle timeout does."""

    def on_postgres() -> None:
        mine = f"datname = '{database.name}' AND pid <> pg_backend_pid()"
        rows(database, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")

    def on_mysql() -> None:
        mine = f"db = '{database.name}' AND id <> connection_id()"
        for (number,) in rows(database, f"SELECT id FROM information_schema.processlist WHERE {mine}"):
            rows(database, f"KILL {number}")

    if database.engine == "dsql":
        server: DsqlServer = request.getfixturevalue("dsql_server")
        return server.end_connections
    return on_mysql if database.engine == "mysql" else on_postgres


def test_the_first_insert_takes_the_login_and_one_message(
    app: Client, proxy: CountingProxy, database: Database
) -> None:
    """Each further round trip is a millisecond of cold start on a real cluster."""
    app.invoke({})
    assert proxy.taken() - LOGIN - 1 in TICKETS[database.engine]
    assert proxy.connections == 1


def test_a_warm_insert_or_select_takes_one_message(app: Client, proxy: CountingProxy) -> None:
    """What a warm invocation costs over the statement itself: nothing."""
    app.invoke({})
    proxy.taken()
    for event in ({}, {"command": "list"}, {}, {"command": "list", "limit": 1}):
        app.invoke(event)
        assert proxy.taken() == 1


def test_a_statement_that_returns_no_rows_is_prepared_once(
    app: Client, proxy: CountingProxy, database: Database
) -> None:
    """PostgreSQL then plans an insert once in a connection's life; a query is left alone, see the next test."""
    app.http("GET", "/notes/count")
    proxy.taken()
    taken = []
    for number in range(20):
        app.http("POST", "/notes", {"text": f"{number}"})
        app.http("GET", "/notes")
        app.http("GET", "/notes/count")
        taken.append(proxy.taken())
    prepared = 1 if database.engine == "postgres" else 0
    assert taken == [3, 3, 3, 3, 3, 3 + prepared, *[3] * 14]


def test_a_migration_that_changes_a_table_does_not_break_a_living_connection(app: Client, database: Database) -> None:
    """A handler goes on with the statements that it had its driver prepare before a migration."""

    def statements() -> int:
        assert app.http("POST", "/notes", NOTE).status == 201
        answer = app.http("GET", "/notes")
        assert answer.status == 200
        return len(answer.body["notes"])

    # More often than a driver waits before it prepares a statement.
    assert [statements() for _ in range(10)] == list(range(1, 11))
    change = {
        "mysql": "MODIFY text varchar(300)",
        "postgres": "ALTER text TYPE varchar(300)",
        "dsql": "ADD COLUMN language varchar(9)",
    }
    rows(database, f"ALTER TABLE notes {change[database.engine]}")
    assert statements() == 11


def test_a_transaction_takes_begin_its_statements_and_commit(app: Client, proxy: CountingProxy) -> None:
    """A select and an insert are one transaction, and nothing is sent besides."""
    note = app.http("POST", "/notes", NOTE).body["id"]
    proxy.taken()
    assert app.http("POST", f"/notes/{note}/comments", NOTE).status == 201
    assert proxy.taken() == 4
    app.invoke({})
    assert proxy.taken() == 1


def test_a_transaction_is_one(app: Client) -> None:
    """An engine that silently committed each statement would keep half of what failed."""
    engine = app.dispatcher.database.transactions
    app.invoke({})
    for _ in range(2):
        with suppress(ZeroDivisionError), engine.begin() as connection:
            connection.execute(text("DELETE FROM notes"))
            raise ZeroDivisionError
        with engine.connect() as connection:
            connection.execute(text("DELETE FROM notes"))
        assert len(app.invoke({"command": "list"})) == 1
    with autocommit(engine).connect() as connection:
        connection.execute(text("DELETE FROM notes"))
    assert app.invoke({"command": "list"}) == []


def test_two_hundred_invocations_use_one_connection(app: Client, proxy: CountingProxy) -> None:
    """Connections are as many as environments: a cluster's limit is reached by more."""
    for _ in range(200):
        app.invoke({})
    assert proxy.connections == 1
    assert len(app.invoke({"command": "list", "limit": 1000})) == 200


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_holding_the_connection_twice_is_an_error_and_no_second_connection(app: Client, proxy: CountingProxy) -> None:
    """A nested checkout would wait for itself until the function's timeout."""
    # The pool is the same on every engine, and waits for five seconds.
    engine = app.dispatcher.database.transactions
    with engine.connect(), pytest.raises(Exception, match="in use, by a session or a transaction that is still open"):
        engine.connect()
    assert proxy.connections == 1


def test_an_ended_connection_is_replaced_before_it_is_used(
    app: Client, proxy: CountingProxy, end_connections: Callable[[], None]
) -> None:
    """After a failover, a restart or the server's idle timeout the next invocation works as if nothing was."""
    app.invoke({})
    end_connections()
    assert eventually(lambda: proxy.ended_connections == 1)
    app.invoke({})
    assert app.http("POST", "/notes", NOTE).status == 201
    assert proxy.connections == 2


def test_after_an_idle_gap_the_server_is_asked_once(
    app: Client, proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen environment may have missed the server's goodbye: then, and only then, a message is spent on it."""
    app.invoke({})
    app.invoke({})
    proxy.taken()
    now = time.time()
    monkeypatch.setattr(connector_module.time, "time", lambda: now + 60)
    app.invoke({})
    assert proxy.taken() == 2
    app.invoke({})
    assert proxy.taken() == 1
    assert proxy.connections == 1


def test_a_connection_lost_between_check_and_use_is_503_and_the_next_request_works(
    app: Client, proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch, end_connections: Callable[[], None]
) -> None:
    """The client is told to try again, and trying again works."""
    app.http("POST", "/notes", NOTE)
    end_connections()
    assert eventually(lambda: proxy.ended_connections == 1)
    with monkeypatch.context() as unnoticed:
        unnoticed.setattr(app.dispatcher.connector, "alive", lambda *_: True)
        assert app.http("GET", "/notes/count").body == {"error": TRY_LATER}
    answer = app.http("GET", "/notes/count")
    assert (answer.status, answer.body) == (200, {"count": 1})


def test_a_server_that_is_away_is_503_with_words(
    database: Database, proxy: CountingProxy, client_of: MakeClient
) -> None:
    """While a cluster resumes, clients get an answer they can act on, before Lambda's timeout."""
    app = client_of(database, port=proxy.port)
    proxy.close()
    answer = app.http("GET", "/notes", context=Context(remaining=4000))
    assert (answer.status, answer.body) == (503, {"error": TRY_LATER})
    assert answer.headers["Retry-After"] == "60"
    words = r"does not answer \(.*\); it may be resuming: try again in a minute$"
    with pytest.raises(DatabaseUnavailableError, match=words):
        app.invoke({}, Context(remaining=4000))


def test_a_server_that_says_nothing_is_given_up_before_the_functions_timeout(
    database: Database, client_of: MakeClient
) -> None:
    """A resuming cluster accepts the connection and stays silent: the wait ends in words, not in a killed function."""
    with silent_server() as port:
        app = client_of(database, migrated=False, port=port)
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailableError):
            app.invoke({}, Context(remaining=4000))
        # Long before the 35 s that a connection may take.
        assert time.monotonic() - started < 30


def test_a_function_with_little_time_still_connects(database: Database, client_of: MakeClient) -> None:
    """Lambda's own default timeout is 3 s: too short to wait for a cluster, long enough to use one."""
    app = client_of(database)
    assert app.invoke({}, Context("r", remaining=3000))["text"] == "r"
    app.dispatcher.database.transactions.dispose()
    with pytest.raises(DatabaseUnavailableError, match=r"does not answer \(no time is left to wait for it\)"):
        app.invoke({}, Context(remaining=900))


def test_a_cluster_that_comes_back_during_the_wait_is_used(
    database: Database,
    proxy: CountingProxy,
    monkeypatch: pytest.MonkeyPatch,
    client_of: MakeClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Resuming takes a while: the first refusal is not the last word, and the log says what is waited for."""
    app = client_of(database, port=proxy.port)
    driver = app.dispatcher.connector._driver
    answers: list[Callable[..., Any]] = [_refusing, _refusing, driver.connect]

    def connect(*wanted: Any) -> Any:
        return answers.pop(0)(*wanted)

    monkeypatch.setattr(driver, "connect", connect)
    assert app.invoke({})["id"]
    assert answers == []
    waited = [re.sub(r"\d+ s", "N s", each) for each in caplog.messages if each.startswith("waits")]
    name = f"the database {database.name!r} at {database.host}:{proxy.port}"
    why = "does not answer (connection refused); it may be resuming: try again in a minute"
    assert waited == [f"waits for up to N s more: {name} {why}"]


def test_connecting_begins_while_the_rest_loads(
    database: Database, proxy: CountingProxy, client_of: MakeClient
) -> None:
    """The first invocation finds a connection that is there, and no second one is opened."""
    app = client_of(database, port=proxy.port)
    app.dispatcher.connector.connect_in_background()
    assert eventually(lambda: proxy.round_trips >= LOGIN)
    app.invoke({})
    assert proxy.taken() - LOGIN - 1 in TICKETS[database.engine]
    assert proxy.connections == 1


def test_an_early_connection_that_fails_is_tried_again_when_needed(
    database: Database, proxy: CountingProxy, client_of: MakeClient
) -> None:
    """A database that was away while the function started must not spoil it for good."""
    app = client_of(database, migrated=False, port=proxy.port)
    app.dispatcher.connector.connect_in_background()
    missing = f"the database '{database.name}' at 127.0.0.1:{proxy.port} as role|the database schema is not there yet"
    with pytest.raises((DatabaseMissingError, CommandError), match=f"(?i){missing}"):
        app.invoke({})
    run({}, database.environment())
    app.invoke({})
    assert len(app.invoke({"command": "list"})) == 1


def _refusing(*_wanted: Any) -> Any:
    raise ConnectionRefusedError("connection refused")
