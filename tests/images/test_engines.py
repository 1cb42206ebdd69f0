"""What SQLAlchemy's users rely on, the same on every engine."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.transactions import Database
from tests import conftest
from tests.images.runs import rows, run

pytestmark = pytest.mark.slow

cups = Table("cups", MetaData(), Column("number", Integer, primary_key=True), Column("text", String(10)))
FILLED = [{"number": number, "text": "tea"} for number in range(1, 6)]


@pytest.fixture
def opened(database: conftest.Database) -> Iterator[Database]:
    """Return a database that holds five cups of tea."""
    run({}, database.environment())
    rows(database, "CREATE TABLE cups (number integer NOT NULL PRIMARY KEY, text varchar(10))")
    made = Database.on(Connector(database_settings(database.environment())))
    made.transaction(lambda connection: connection.execute(insert(cups), FILLED))
    yield made
    made.transactions.dispose()


def test_a_transaction_whose_error_was_caught_within_does_not_pass_for_committed(
    opened: Database, database: conftest.Database
) -> None:
    """PostgreSQL rolls it back without a word: the client would be answered 201, and nothing be there."""

    def add_two(connection: Connection) -> str:
        connection.execute(insert(cups), {"number": 6, "text": "new"})
        try:
            connection.execute(insert(cups), {"number": 1, "text": "again"})
        except IntegrityError:
            return "done"
        raise AssertionError

    new = select(func.count()).where(cups.c.text == "new")
    if database.engine == "mysql":
        # Its transactions outlive a statement that fails.
        assert opened.transaction(add_two) == "done"
        assert opened.statement(lambda connection: connection.scalar(new)) == 1
        return
    with pytest.raises(DBAPIError, match="nothing was committed: a statement of this transaction failed"):
        opened.transaction(add_two)
    assert opened.statement(lambda connection: connection.scalar(new)) == 0


def test_rows_are_read_in_parts(opened: Database) -> None:
    """An export that holds a few rows at a time would not run at all."""

    def numbers(connection: Connection) -> list[int]:
        ordered = select(cups.c.number).order_by(cups.c.number).execution_options(yield_per=2)
        return list(connection.scalars(ordered))

    assert opened.transaction(numbers) == [1, 2, 3, 4, 5]


def test_rows_that_an_update_leaves_as_they_are_are_counted(opened: Database) -> None:
    """`rowcount == 0` means that there is no such row, to a route that answers 404 and to the ORM."""
    change = update(cups).where(cups.c.number < 4).values(text="tea")
    assert opened.statement(lambda connection: connection.execute(change).rowcount) == 3


def test_a_transaction_is_as_isolated_as_it_asks_to_be(opened: Database, database: conftest.Database) -> None:
    """Whoever asks for SERIALIZABLE has an invariant that nothing else keeps; the next transaction is as usual."""
    if database.engine == "dsql":
        with (
            pytest.raises(DBAPIError, match="Unsupported isolation level: SERIALIZABLE"),
            opened.transactions.execution_options(isolation_level="SERIALIZABLE").begin(),
        ):
            pass
        return
    level = {
        "postgres": "SHOW transaction_isolation",
        # InnoDB tells the same for 100 ms.
        "mysql": "SELECT lower(trx_isolation_level) FROM information_schema.innodb_trx"
        " WHERE trx_mysql_thread_id = connection_id() AND sleep(0.2) = 0",
    }[database.engine]

    def level_of(connection: Connection) -> str:
        connection.execute(select(cups)).all()
        return connection.scalar(text(level))

    usual = {"postgres": "read committed", "mysql": "repeatable read"}[database.engine]
    with opened.transactions.execution_options(isolation_level="SERIALIZABLE").begin() as connection:
        assert level_of(connection) == "serializable"
    assert opened.transaction(level_of) == usual
