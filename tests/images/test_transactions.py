"""Work that loses to concurrent transactions, on real servers."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from aurora_lambda_runtime.database.backoff import Backoff
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.errors import ConflictError
from aurora_lambda_runtime.database.orm import transaction
from aurora_lambda_runtime.database.sqlalchemy_engine import lambda_engine
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.database.types import UtcTimestamp, Uuid
from aurora_lambda_runtime.handler.dispatcher import Application
from aurora_lambda_runtime.handler.failures import TRY_AGAIN
from aurora_lambda_runtime.handler.http import Answer, Request
from tests import conftest
from tests.images.client import Client
from tests.images.runs import rows, run

FAIL = {
    "postgres": "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$",
    "mysql": "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'lost'",
}
COUNT = text("SELECT count(*) FROM notes")
INSERT = text("INSERT INTO notes VALUES (:id, 'tea', '2026-01-01 00:00:00')")
TWO_RETRIES = Backoff(retries=2, first_seconds=0)


@pytest.fixture(params=("postgres", "mysql"))
def database(request: pytest.FixtureRequest) -> conftest.Database:
    """Return a database name nobody has used, on each engine on which a statement can be made to lose."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def connect(database: conftest.Database) -> Iterator[Callable[[], Database]]:
    """Return what opens the migrated database, each time on a connection of its own."""
    run({}, database.environment())
    opened: list[Engine] = []

    def connected() -> Database:
        settings = database_settings(database.environment())
        opened.append(lambda_engine(Connector(settings)))
        return Database(opened[-1], settings, TWO_RETRIES)

    yield connected
    for engine in opened:
        engine.dispose()


def losing(engine: str, times: int) -> Callable[[Connection], int | None]:
    """Work that inserts a row, loses so many times, and returns how many rows there are."""
    left = iter(range(times))

    def work(connection: Connection) -> int | None:
        connection.execute(INSERT, {"id": f"{next(left, 99):032d}"})
        if next(left, None) is not None:
            connection.exec_driver_sql(FAIL[engine])
        return connection.scalar(COUNT)

    return work


def test_a_transaction_that_loses_is_run_again_from_its_beginning(
    connect: Callable[[], Database], database: conftest.Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A deadlock is nobody's fault: the request succeeds, and what the lost attempts did is gone."""
    with caplog.at_level(logging.WARNING):
        assert connect().transaction(losing(database.engine, 4)) == 1
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [
        "conflict, run again (1 of 2)",
        "conflict, run again (2 of 2)",
    ]


def test_a_transaction_that_always_loses_is_given_up(
    connect: Callable[[], Database], database: conftest.Database
) -> None:
    """Nobody is served by a function that runs until its timeout."""
    opened = connect()
    words = {"postgres": r"^lost .*\(SQLSTATE 40001\)$", "mysql": r"^lost \(error 1213\)$"}
    with pytest.raises(ConflictError, match=words[database.engine]):
        opened.transaction(losing(database.engine, 99))
    assert opened.statement(lambda connection: connection.scalar(COUNT)) == 0


def test_another_failure_is_not_tried_again(connect: Callable[[], Database]) -> None:
    """A statement that is wrong stays wrong, and one whose row is there already must say so."""
    tries = []
    with pytest.raises(DBAPIError, match="nonsense"):
        connect().statement(lambda connection: tries.append(1) or connection.execute(text("nonsense")))
    assert tries == [1]


@pytest.mark.slow
def test_two_transactions_that_wait_for_each_other_both_end_well(connect: Callable[[], Database]) -> None:
    """The server ends one of the two; its function tries again, and no change is lost."""
    first = connect()
    for number in (1, 2):
        first.statement(lambda connection, number=number: connection.execute(INSERT, {"id": f"{number:032d}"}))
    both_hold_one = threading.Barrier(2)
    change = text("UPDATE notes SET text = concat(text, CAST(:more AS char(1))) WHERE id = :id")

    def change_both(database: Database, order: tuple[int, int], more: str) -> None:
        attempts = iter([both_hold_one.wait])

        def work(connection: Connection) -> None:
            connection.execute(change, {"id": f"{order[0]:032d}", "more": more})
            next(attempts, lambda: 0)()
            connection.execute(change, {"id": f"{order[1]:032d}", "more": more})

        database.transaction(work)

    with ThreadPoolExecutor(2) as threads:
        changes = [
            threads.submit(change_both, connect(), (1, 2), "a"),
            threads.submit(change_both, connect(), (2, 1), "b"),
        ]
        for each in changes:
            each.result()
    texts = first.statement(lambda connection: connection.execute(text("SELECT text FROM notes")).scalars().all())
    assert [sorted(each) for each in texts] == [sorted("teaab")] * 2


def test_http_clients_are_asked_to_try_again(database: conftest.Database) -> None:
    """503 with Retry-After is what clients and proxies know how to repeat."""
    run({}, database.environment())

    def lose(request: Request) -> Answer:
        return 200, {"": request.database.transaction(losing(database.engine, 99))}

    client = Client(Application({}, {"/lose": {"POST": lose}}), database.environment())
    answer = client.http("POST", "/lose")
    assert answer.error == (503, TRY_AGAIN)
    assert answer.headers["Retry-After"] == "1"
    client.close()


class Base(DeclarativeBase):
    pass


class Tea(Base):
    __tablename__ = "notes"
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    text: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcTimestamp)


def test_a_unit_of_work_of_the_orm_runs_again_after_a_conflict(database: conftest.Database) -> None:
    """On Aurora DSQL each busy row would be an error of the application otherwise."""
    run({}, database.environment())
    losses = iter([losing(database.engine, 99)])

    def pour(opened: Session) -> Tea:
        tea = Tea(id=UUID(int=7), text="tea", created_at=datetime(2026, 1, 1, tzinfo=UTC))
        opened.add(tea)
        opened.flush()
        if lose := next(losses, None):
            lose(opened.connection())
        return tea

    client = Client(Application({"pour": lambda _: transaction(pour).text}), database.environment())
    assert client.invoke({}) == "tea"
    assert rows(database, "SELECT text FROM notes") == [("tea",)]
    client.close()


def opened_with_teas(connect: Callable[[], Database]) -> tuple[Database, Table]:
    """Return the database, and its table as far as the tests fill it."""
    columns = [Column("id", Uuid, primary_key=True), Column("text", String(100)), Column("created_at", UtcTimestamp)]
    return connect(), Table("notes", MetaData(), *columns)


def test_a_row_whose_key_is_taken_is_not_told_to_be_inserted(connect: Callable[[], Database]) -> None:
    """The caller would be answered success, and the row be lost."""
    opened, notes = opened_with_teas(connect)
    row = {"id": UUID(int=1), "text": "tea", "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    opened.insert(notes, row)
    with pytest.raises(IntegrityError):
        opened.insert(notes, row | {"text": "cup"})
    assert opened.statement(lambda connection: connection.scalar(text("SELECT text FROM notes"))) == "tea"


@pytest.mark.parametrize("keyed", [False, True])
def test_a_row_without_a_primary_key_is_refused(connect: Callable[[], Database], keyed: bool) -> None:
    """After a lost connection it would be inserted twice, and a duplicate of any other row pass for it."""
    opened, notes = opened_with_teas(connect)
    table = notes if keyed else Table("notes", MetaData(), Column("text", String(100)))
    with pytest.raises(ValueError, match="^a row for notes must have its primary key, made by the caller$"):
        opened.insert(table, {"text": "tea"})
    assert opened.statement(lambda connection: connection.scalar(COUNT)) == 0


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ("(id, cups) VALUES (1, 0)", IntegrityError),
        ("(id) VALUES (1)", IntegrityError),
        ("(id, cups) VALUES (1, NULL)", IntegrityError),
        ("(id, cups, day) VALUES (1, 1, '2026-02-30')", DataError),
        ("(id, cups) VALUES (1, 99999999999)", DataError),
        ("(id, cups) VALUES (1, 2000000000 * 5000000000000)", DataError),
        ("(id, cups, name) VALUES (1, 1, 'green')", DataError),
    ],
)
def test_what_a_table_refuses_is_the_same_error_on_each_engine(
    connect: Callable[[], Database], values: str, error: type[DBAPIError]
) -> None:
    """An application that answers 400 to what violates a CHECK, or has no value, answered 500 on MySQL."""
    opened = connect()
    columns = "id INTEGER PRIMARY KEY, cups INTEGER NOT NULL, day DATE, name VARCHAR(3), CONSTRAINT ck CHECK (cups > 0)"
    opened.statement(lambda connection: connection.execute(text(f"CREATE TABLE teas ({columns})")))
    with pytest.raises(error):
        opened.statement(lambda connection: connection.execute(text(f"INSERT INTO teas {values}")))


def test_a_row_that_another_inserts_during_a_conflict_is_not_taken_for_ones_own(
    connect: Callable[[], Database],
) -> None:
    """Of two that register the same name, the one that lost would be answered success as well."""
    opened, notes = opened_with_teas(connect)
    row = {"id": UUID(int=1), "text": "tea", "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    losses = iter([1])

    def lose(_connection: Connection) -> None:
        if next(losses, None):
            connect().insert(notes, row | {"text": "cup"})
            raise ConflictError("lost")

    with pytest.raises(IntegrityError):
        opened.insert(notes, row, lose)
    assert opened.statement(lambda connection: connection.scalar(text("SELECT text FROM notes"))) == "cup"
