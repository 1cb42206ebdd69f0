"""Rows written by primary key, on real servers."""

import threading
from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, select
from sqlalchemy.exc import DBAPIError

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.dialects.mysql import LambdaDialect
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.database.upserts import upsert_newer
from tests.conftest import Database as Server
from tests.images.runs import run

notes = Table(
    "upserted",
    MetaData(),
    Column("version", Integer, nullable=False),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("text", String(10)),
)


def connect(database: Server) -> Database:
    """Return a database as a function uses it, on a connection of its own."""
    settings = database_settings(database.environment())
    return Database.on(Connector(settings))


@pytest.fixture(params=("postgres", "mysql", pytest.param("dsql", marks=pytest.mark.slow)))
def database(request: pytest.FixtureRequest) -> Server:
    """A database name nobody has used, on each engine in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def connected(database: Server) -> Iterator[Database]:
    """Return a database with the table in it."""
    run({}, database.environment())
    made = connect(database)
    notes.create(made.statements)
    yield made
    made.transactions.dispose()


def row(number: int, version: int, text: str | None) -> Mapping[str, object]:
    return {"id": number, "version": version, "text": text}


def stored(database: Database) -> list[tuple[int, int, str | None]]:
    with database.statements.connect() as connection:
        found = connection.execute(select(notes.c.id, notes.c.version, notes.c.text).order_by(notes.c.id))
        return [(each.id, each.version, each.text) for each in found]


def test_rows_are_inserted_or_replace_older_ones(connected: Database) -> None:
    """All columns change together or none does: half a row of each would be neither."""
    upsert_newer(connected, notes, [], notes.c.version)
    assert stored(connected) == []
    upsert_newer(connected, notes, [row(2, 5, "two"), row(1, 5, "one"), row(3, 5, None)], notes.c.version)
    assert stored(connected) == [(1, 5, "one"), (2, 5, "two"), (3, 5, None)]
    upsert_newer(connected, notes, [row(1, 4, "old"), row(2, 6, None), row(3, 5, "same")], notes.c.version)
    assert stored(connected) == [(1, 5, "one"), (2, 6, None), (3, 5, None)]
    upsert_newer(connected, notes, [row(3, 10, "new")], notes.c.version)
    assert stored(connected) == [(1, 5, "one"), (2, 6, None), (3, 10, "new")]


def test_any_number_of_rows_is_written(connected: Database) -> None:
    """A batch of a stream may have 10,000 records, a statement has fewer parameters."""
    upsert_newer(connected, notes, [row(number, 1, "a") for number in range(1_500)], notes.c.version)
    assert len(stored(connected)) == 1_500


def test_a_row_that_does_not_fit_writes_none(connected: Database) -> None:
    """What failed can be told from what was done."""
    with pytest.raises(DBAPIError):
        upsert_newer(connected, notes, [row(1, 1, "fits"), row(2, 1, "does not fit")], notes.c.version)
    assert stored(connected) == []


def test_writers_at_the_same_time_end_at_the_newest(connected: Database, database: Server) -> None:
    """The shards of a stream are read at the same time; none may wait for another in a circle."""
    failures: list[DBAPIError] = []

    def write(offset: int) -> None:
        own = connect(database)
        try:
            for version in range(offset, 80, 4):
                upsert_newer(own, notes, [row(number, version, "a") for number in range(20)], notes.c.version)
        except DBAPIError as error:
            failures.append(error)
        finally:
            own.transactions.dispose()

    writers = [threading.Thread(target=write, args=(offset,)) for offset in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert failures == []
    assert stored(connected) == [(number, 79, "a") for number in range(20)]


def test_mysql_is_given_its_own_form_of_the_statement() -> None:
    """MySQL has deprecated VALUES(), which MariaDB needs; the tests' server may be either."""
    dialect = LambdaDialect()
    dialect._requires_alias_for_on_duplicate_key = True
    assert str(dialect.upsert_newer(notes, notes.c.version).compile(dialect=dialect)) == (
        "INSERT INTO upserted (version, id, text) VALUES (%s, %s, %s) AS new ON DUPLICATE KEY UPDATE "
        "text = if(new.version > upserted.version, new.text, upserted.text), "
        "version = if(new.version > upserted.version, new.version, upserted.version)"
    )


@pytest.mark.parametrize(
    "columns",
    [
        [Column("id", Integer), Column("version", Integer)],
        [Column("id", Integer, primary_key=True), Column("email", Integer, unique=True), Column("version", Integer)],
        [Column("id", Integer, primary_key=True), Column("version", Integer), Index("ix", "version", unique=True)],
    ],
)
def test_a_table_whose_primary_key_is_not_all_that_is_unique_is_refused(columns: list[Column], mysql: Server) -> None:
    """MySQL would insert rows twice without a key, and replace a row of another key that shares the unique value."""
    settings = database_settings(mysql.environment())
    opened = Database.on(Connector(settings))
    table = Table("several", MetaData(), *columns)
    with pytest.raises(ValueError, match="^to upsert into several, its primary key must be all that is unique in it$"):
        upsert_newer(opened, table, [{"id": 1, "version": 1}], table.c.version)
