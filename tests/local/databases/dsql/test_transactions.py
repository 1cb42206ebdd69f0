"""What a transaction may hold."""

import threading

import psycopg
import pytest

from tests.local.databases.dsql.clients import Clients, do, refusal, rows

MULTIPLE = ("0A000", "multiple ddl statements not supported in a transaction")
MIXED = ("0A000", "ddl and dml are not supported in the same transaction")


@pytest.fixture
def table(dsql: Clients) -> Clients:
    """A schema with a table of two rows."""
    dsql.connect().execute("CREATE TABLE t (id int PRIMARY KEY, a int)")
    dsql.connect().execute("INSERT INTO t VALUES (1, 0), (2, 0)")
    return dsql


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (("BEGIN", "CREATE TABLE u (a int)", "CREATE TABLE v (a int)"), MULTIPLE),  # verified E, S
        (("CREATE TABLE u (a int); CREATE TABLE v (a int)",), MULTIPLE),  # verified E
        (("BEGIN", "GRANT SELECT ON t TO admin", "CREATE TABLE v (a int)"), MULTIPLE),  # verified P, L
        (("BEGIN", "CREATE TABLE u (a int)", "INSERT INTO t VALUES (3, 0)"), MIXED),  # verified E, S
        (("BEGIN", "INSERT INTO t VALUES (3, 0)", "CREATE TABLE u (a int)"), MIXED),  # unverified
        (("BEGIN", "CREATE TABLE u (a int)", "SELECT * FROM t"), (None, "")),  # unverified
        (("BEGIN", "CREATE INDEX ASYNC i ON t (a)", "COMMIT"), (None, "")),  # verified E
        (
            ("BEGIN", "SET CONSTRAINTS ALL DEFERRED", "INSERT INTO t VALUES (3, 0)", "COMMIT"),
            (None, ""),
        ),  # documented D
    ],
)
def test_a_transaction_holds_one_ddl_and_nothing_else_that_writes(
    table: Clients, statements: tuple[str, ...], expected: tuple[str | None, str]
) -> None:
    """Two revisions in one transaction would pass here and fail on AWS."""
    assert refusal(table.connect(), *statements) == expected


def test_an_error_aborts_the_block_and_its_commit_says_rollback(table: Clients) -> None:
    """`25P02 until ROLLBACK; COMMIT then says ROLLBACK` (verified E): code would go on in a dead transaction."""
    connection = table.connect()
    connection.execute("BEGIN")
    connection.execute("UPDATE t SET a = 1")
    assert refusal(connection, "SELECT 1 / 0") == ("22012", "division by zero")
    aborted = ("25P02", "current transaction is aborted, commands ignored until end of transaction block")
    assert refusal(connection, "SELECT 1") == aborted
    assert refusal(connection, "TRUNCATE t") == aborted
    assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
    assert rows(connection, "SELECT a FROM t") == [(0,), (0,)]


@pytest.mark.slow
def test_3000_changed_rows_are_the_most(table: Clients) -> None:
    """`transaction row limit exceeded`, at the statement (verified E, S, P): a backfill would pass here only."""
    connection, insert = table.connect(), "INSERT INTO t SELECT g, 0 FROM generate_series(11, {}) g"
    limit = ("54000", "transaction row limit exceeded")
    assert refusal(connection, insert.format(3011)) == limit
    assert refusal(connection, "BEGIN", "DELETE FROM t WHERE id = 1", insert.format(3010)) == limit
    connection.execute("ROLLBACK")
    assert refusal(connection, insert.format(3010)) == (None, "")
    assert rows(connection, "SELECT count(*) FROM t") == [(3002,)]


@pytest.mark.slow
def test_rows_changed_by_a_cascade_count(table: Clients) -> None:
    """`cascades count` (documented D): the deletion of one parent would be thought to be small."""
    connection = table.connect()
    connection.execute("CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE)")
    connection.execute("INSERT INTO c SELECT g, 1 FROM generate_series(1, 3000) g")
    assert refusal(connection, "DELETE FROM t WHERE id = 1") == ("54000", "transaction row limit exceeded")


@pytest.mark.slow
def test_10_mib_are_the_most_and_the_commit_says_so(table: Clients) -> None:
    """`transaction size limit 10mb exceeded`, at COMMIT (verified S, P)."""
    connection = table.connect()
    connection.execute("CREATE TABLE big (id int PRIMARY KEY, body text)")
    insert = "INSERT INTO big SELECT g, repeat('x', 1048576) FROM generate_series(1, 11) g"
    assert refusal(connection, "BEGIN", insert, "COMMIT") == ("54000", "transaction size limit 10mb exceeded")
    assert rows(connection, "SELECT count(*) FROM big") == [(0,)]


def test_an_old_transaction_is_refused_at_its_commit(table: Clients) -> None:
    """`transaction age limit of 300s exceeded`, at COMMIT (verified S, P); here the limit is lowered."""
    table.inject(transaction_seconds=0.05)
    connection = table.connect()
    statements = ("BEGIN", "UPDATE t SET a = 1", "SELECT pg_sleep(0.1)", "COMMIT")
    assert refusal(connection, *statements) == ("54000", "transaction age limit of 0.05s exceeded")


def test_a_message_over_10_mib_closes_the_connection_with_no_error(table: Clients) -> None:
    """`closes the connection with no error` (verified P): a person would look for a message that never comes."""
    connection = table.connect()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT %s", ["x" * 11 * 1024 * 1024])
    assert connection.closed


def test_the_wait_for_a_job_is_no_part_of_a_block(table: Clients) -> None:
    """`cannot run inside a transaction block` (F says so, SQLSTATE unverified)."""
    assert refusal(table.connect(), "BEGIN", f"CALL sys.wait_for_job('{'a' * 26}')") == (
        "25001",
        "sys.wait_for_job cannot run inside a transaction block",
    )


def test_pipelined_and_prepared_statements_work(table: Clients) -> None:
    """Drivers prepare what they run often and send it in batches: they would not work here at all."""
    connection = table.connect()
    with connection.pipeline():
        connection.execute("UPDATE t SET a = %s WHERE id = %s", [5, 1], prepare=True)
        connection.execute("UPDATE t SET a = %s WHERE id = %s", [6, 2], prepare=True)
    assert connection.execute("SELECT a FROM t ORDER BY id", prepare=True).fetchall() == [(5,), (6,)]
    assert connection.execute("SELECT a FROM t ORDER BY id", prepare=True, binary=True).fetchall() == [(5,), (6,)]


def test_deallocated_statements_are_gone(table: Clients) -> None:
    """A pool resets its connections by DEALLOCATE ALL: what it then prepares under an old name would be the old one."""
    connection = table.connect()
    connection.pgconn.prepare(b"p", b"SELECT 1")
    connection.pgconn.prepare(b"q", b"SELECT 2")
    assert do(connection, "DEALLOCATE p") == "DEALLOCATE"
    assert b'prepared statement "p" does not exist' in connection.pgconn.exec_prepared(b"p", None).error_message
    assert connection.pgconn.exec_prepared(b"q", None).get_value(0, 0) == b"2"
    assert do(connection, "DEALLOCATE ALL") == "DEALLOCATE ALL"
    assert b'prepared statement "q" does not exist' in connection.pgconn.exec_prepared(b"q", None).error_message


def test_text_in_another_encoding_is_refused(table: Clients) -> None:
    """A letter that is no UTF-8 would be stored as another one, or end the connection."""
    connection = table.connect(client_encoding="latin1")
    with pytest.raises(psycopg.errors.CharacterNotInRepertoire, match='invalid byte sequence for encoding "UTF8"'):
        connection.execute("SELECT 'é'".encode("latin1"))
    assert rows(connection, "SELECT 1") == [(1,)]


def test_a_running_statement_can_be_cancelled(table: Clients) -> None:
    """Ctrl-C in psql, and every driver's time limit, would hang."""
    connection = table.connect()
    timer = threading.Timer(0.1, connection.cancel_safe)
    timer.start()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT pg_sleep(60)")
    timer.join()
