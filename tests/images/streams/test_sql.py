"""The database of a stream's function."""

import pytest

from aurora_lambda_local.testing.streams import MODIFIED, invoke
from aurora_lambda_runtime.database.contract import ContractError
from aurora_lambda_runtime.database.errors import DatabaseUnavailableError
from aurora_lambda_runtime.handler.streams import StreamRecord, stream_handler
from aurora_lambda_runtime.handler.streams.sql import database as sql_database
from tests.conftest import Database
from tests.images.client import Context
from tests.images.runs import run
from tests.services import CountingProxy


@stream_handler
def ask(record: StreamRecord) -> None:
    """Send one statement."""
    with sql_database().statements.connect() as connection:
        connection.exec_driver_sql("SELECT 1")


def test_the_connection_is_opened_once_and_used_again(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection an invocation would use up the server's."""
    run({}, postgres.environment())
    proxy = CountingProxy(postgres.port)
    through = Database(postgres.engine, proxy.port, postgres.name)
    monkeypatch.setenv("DATABASE_URL", through.environment()["DATABASE_URL"])
    for _ in range(3):
        assert invoke(ask, MODIFIED, MODIFIED) == {"batchItemFailures": []}
    assert proxy.connections == 1
    sql_database().transactions.dispose()
    proxy.close()


def test_a_database_that_is_away_is_told_before_lambda_ends_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout would say nothing, and cost a new execution environment."""
    monkeypatch.setenv("DATABASE_URL", "postgres://app:secret@127.0.0.1:1/app")
    with pytest.raises(DatabaseUnavailableError) as failure:
        ask({"Records": [MODIFIED]}, Context(remaining=1_200))
    assert str(failure.value).startswith("the database 'app' at 127.0.0.1:1 does not answer (")


def test_a_function_without_a_database_is_told_so_when_it_asks_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its import went well, so the log is where the mistake in the stack shows."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ContractError, match="^no database is configured: set DATABASE_URL, or SQL_<NAME>_ENDPOINT"):
        sql_database()
