"""Concurrent transactions. Nobody waits; of two that clash the first to commit wins."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors

from tests.local.databases.dsql.clients import Clients, do, ended, job, refusal, role_arn, rows

OC000 = ("40001", "change conflicts with another transaction (OC000)")
OC001 = ("40001", "schema has been updated by another transaction (OC001)")
DONE = (None, "")


@pytest.fixture
def table(dsql: Clients) -> Clients:
    """A table of three rows, and one that refers to it."""
    admin = dsql.connect()
    admin.execute("CREATE TABLE t (id int PRIMARY KEY, a int, b text UNIQUE)")
    admin.execute("CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t)")
    admin.execute("INSERT INTO t VALUES (1, 0, 'one'), (2, 0, 'two'), (3, 0, 'three')")
    return dsql


def pair(table: Clients) -> tuple[psycopg.Connection, psycopg.Connection]:
    """Two sessions, each in a transaction that has its snapshot."""
    first, second = table.connect(), table.connect()
    for each in (first, second):
        each.execute("BEGIN")
        each.execute("SELECT * FROM t")
    return first, second


CLASHES = [
    ("UPDATE t SET a = 1 WHERE id = 1", "UPDATE t SET a = 2 WHERE id = 1"),  # verified E, S
    ("UPDATE t SET a = 1 WHERE id = 1", "DELETE FROM t WHERE id = 1"),  # verified E
    ("UPDATE t SET a = a WHERE id = 1", "UPDATE t SET a = 2 WHERE id = 1"),  # as the row above
    ("INSERT INTO t VALUES (9, 0, 'nine')", "INSERT INTO t VALUES (9, 0, 'other')"),  # unverified
    ("INSERT INTO t VALUES (8, 0, 'same')", "INSERT INTO t VALUES (9, 0, 'same')"),  # unverified
    ("INSERT INTO c VALUES (1, 1)", "DELETE FROM t WHERE id = 1"),  # verified E
    ("SELECT * FROM t WHERE id = 1 FOR UPDATE", "UPDATE t SET a = 2 WHERE id = 1"),  # verified E, S, D
    ("SELECT * FROM t WHERE id = 1 FOR KEY SHARE", "DELETE FROM t WHERE id = 1"),  # verified E
]


REVERSED = [pytest.param(second, first, marks=pytest.mark.slow) for first, second in CLASHES]


@pytest.mark.parametrize(("one", "other"), [*CLASHES, *REVERSED])
@pytest.mark.parametrize("later", [False, True], ids=["first-commits-first", "second-commits-first"])
def test_both_statements_succeed_and_the_later_commit_fails(table: Clients, one: str, other: str, later: bool) -> None:
    """Code that guards its statements but not its commits would pass here and lose writes on AWS."""
    first, second = pair(table)
    assert first.execute(one.encode()).rowcount == 1
    assert second.execute(other.encode()).rowcount == 1

    winner, loser = (second, first) if later else (first, second)

    assert refusal(winner, "COMMIT") == DONE
    assert refusal(loser, "COMMIT") == OC000
    assert loser.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert rows(loser, "SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("UPDATE t SET a = 1 WHERE id = 1", "UPDATE t SET a = 2 WHERE id = 2"),  # verified E
        ("UPDATE t SET a = 1 WHERE id = 1", "INSERT INTO c VALUES (1, 1)"),  # verified E: no key is updated
        ("UPDATE t SET a = 1 WHERE id = 1", "SELECT * FROM t WHERE id = 1"),
    ],
)
def test_what_does_not_clash_is_committed(table: Clients, one: str, other: str) -> None:
    """People would retry, here only, what never fails on AWS."""
    first, second = pair(table)
    first.execute(one.encode())
    second.execute(other.encode())
    assert [refusal(each, "COMMIT") for each in (second, first)] == [DONE, DONE]


def test_a_row_committed_since_the_snapshot_is_a_conflict_at_the_commit_only(table: Clients) -> None:
    """PostgreSQL would refuse the statement; on AWS the statement succeeds, and code sees the error elsewhere."""
    first, second = pair(table)
    assert refusal(first, "UPDATE t SET a = 5 WHERE id = 1", "COMMIT") == DONE
    assert second.execute("UPDATE t SET a = 6 WHERE id = 1").rowcount == 1
    assert rows(second, "SELECT a FROM t WHERE id = 1") == [(6,)]
    assert refusal(second, "COMMIT") == OC000
    assert rows(table.connect(), "SELECT a FROM t WHERE id = 1") == [(5,)]


def test_values_that_a_statement_made_up_are_the_ones_committed(table: Clients) -> None:
    """A client is told the id of its new row: after a clash that it wins the row must still have that id."""
    table.connect().execute("CREATE TABLE u (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text UNIQUE, j jsonb)")
    first, second = table.connect(autocommit=False), table.connect(autocommit=False)
    insert = "INSERT INTO u (name, j) VALUES ('same', '\"text\"') RETURNING id"
    [(kept,)] = first.execute(insert).fetchall()
    [(lost,)] = second.execute(insert).fetchall()
    first.commit()
    assert refusal(second, "COMMIT") == OC000
    assert rows(table.connect(), "SELECT id, name, j FROM u") == [(kept, "same", "text")]
    assert kept != lost


def test_a_transaction_sees_its_own_changes_after_it_had_to_make_way(table: Clients) -> None:
    """Between two statements another session took the rows: the next one would not find what the first wrote."""
    first, second = pair(table)
    first.execute("UPDATE t SET a = 7 WHERE id = 1")
    first.execute("INSERT INTO t VALUES (4, 7, 'four')")
    first.execute("DELETE FROM t WHERE id = 3")
    second.execute("UPDATE t SET a = 8")
    assert rows(first, "SELECT id, a FROM t ORDER BY id") == [(1, 7), (2, 0), (4, 7)]
    assert rows(second, "SELECT id, a FROM t ORDER BY id") == [(1, 8), (2, 8), (3, 8)]


def test_a_table_without_a_primary_key_is_no_exception(table: Clients) -> None:
    """Equal rows can only be told apart by where they lie: one too many could be changed."""
    table.connect().execute("CREATE TABLE k (a int)")
    table.connect().execute("INSERT INTO k VALUES (1), (1)")
    first, second = table.connect(autocommit=False), table.connect(autocommit=False)
    first.execute("DELETE FROM k WHERE ctid = '(0,1)'")
    second.execute("UPDATE k SET a = 2")
    assert rows(first, "SELECT a FROM k") == [(1,)]
    first.commit()
    assert refusal(second, "COMMIT") == OC000


def test_a_rolled_back_transaction_conflicts_with_nobody(table: Clients) -> None:
    """A retry would find that it lost to a transaction that never was."""
    first, second = pair(table)
    first.execute("UPDATE t SET a = 1 WHERE id = 1")
    second.execute("UPDATE t SET a = 2 WHERE id = 1")
    assert [refusal(first, "ROLLBACK"), refusal(second, "COMMIT")] == [DONE, DONE]
    assert rows(table.connect(), "SELECT a FROM t WHERE id = 1") == [(2,)]


def test_write_skew_is_prevented_by_for_update(table: Clients) -> None:
    """`SELECT FOR UPDATE is a write for this purpose` (verified D)."""
    first, second = pair(table)
    for each, (looked_at, changed) in ((first, (1, 2)), (second, (2, 1))):
        each.execute(f"SELECT * FROM t WHERE id = {looked_at} FOR UPDATE".encode())
        each.execute(f"UPDATE t SET a = 9 WHERE id = {changed}".encode())
    assert [refusal(first, "COMMIT"), refusal(second, "COMMIT")] == [DONE, OC000]


def test_other_sessions_are_told_once_that_the_catalog_has_changed(table: Clients) -> None:
    """`any catalog change may give other sessions OC001, reads too, also after` (verified D, P, F)."""
    idle, busy, admin = table.connect(), table.connect(), table.connect()
    busy.execute("BEGIN")
    busy.execute("SELECT * FROM t")
    admin.execute("CREATE TABLE u (a int)")
    assert [refusal(idle, "SELECT 1"), refusal(idle, "SELECT 1")] == [OC001, DONE]
    assert [refusal(busy, "SELECT 1"), refusal(busy, "COMMIT"), refusal(busy, "SELECT 1")] == [DONE, OC001, DONE]
    assert refusal(admin, "SELECT 1") == DONE


def test_ddl_waits_for_no_reader(table: Clients) -> None:
    """`no locks, no waiting` (verified E, S): PostgreSQL would let the migration hang behind an open transaction."""
    reader, admin = table.connect(), table.connect()
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM t")
    assert refusal(admin, "ALTER TABLE t ADD COLUMN d int") == DONE
    assert refusal(reader, "COMMIT") == OC001


def test_of_two_sessions_that_change_the_catalog_the_later_fails(table: Clients) -> None:
    """`DDL itself gets OC001 while others change the catalog` (verified E)."""
    first, second = table.connect(), table.connect()
    for each in (first, second):
        each.execute("BEGIN")
        each.execute("CREATE TABLE same (a int)")
    assert [refusal(second, "COMMIT"), refusal(first, "COMMIT")] == [DONE, OC001]


def set_up(table: Clients, name: str) -> None:
    """Make a role, and map it to an IAM role again and again."""
    role, connection = f"{table.schema}_{name}", table.connect()
    do(connection, f"CREATE ROLE {role} WITH LOGIN")
    for _ in range(15):
        do(connection, f"AWS IAM GRANT {role} TO '{role_arn(name)}'", f"AWS IAM REVOKE {role} FROM '{role_arn(name)}'")


def test_two_applications_set_up_at_once_do_not_meet_in_the_catalog_of_postgresql(table: Clients) -> None:
    """`tuple concurrently updated` (XX000) is PostgreSQL's: on DSQL that means a server out of order (D)."""
    table.inject(schema_conflicts=False)
    with ThreadPoolExecutor() as threads:
        for each in [threads.submit(set_up, table, name) for name in ("one", "two", "three")]:
            each.result()


def test_a_finished_job_is_a_change_of_the_catalog(table: Clients) -> None:
    """`a finished async job` (verified D, P): a runner that retries DDL but not what follows would pass here."""
    admin, other = table.connect(), table.connect()
    ended(admin, job(admin, "CREATE INDEX ASYNC i ON t (a)"))
    assert [refusal(other, "SELECT 1"), refusal(other, "SELECT 1")] == [OC001, DONE]


def transfer(table: Clients, amount: int, account: int) -> None:
    """Move an amount between two accounts, once, whatever goes wrong."""
    number, connection = uuid.uuid4(), table.connect(autocommit=False)
    while True:
        try:
            # A commit whose connection was lost may have been done.
            if not connection.execute("SELECT 1 FROM done WHERE id = %s", [number]).fetchall():
                connection.execute("INSERT INTO done VALUES (%s)", [number])
                connection.execute("SELECT * FROM t WHERE id = %s FOR UPDATE", [account])
                connection.execute("UPDATE t SET a = a - %s WHERE id = %s", [amount, account])
                connection.execute("UPDATE t SET a = a + %s WHERE id = %s", [amount, account % 3 + 1])
            connection.commit()
        except errors.SerializationFailure:
            connection.rollback()
        except psycopg.OperationalError:
            connection = table.connect(autocommit=False)
        else:
            connection.close()
            return


@pytest.mark.slow
def test_transfers_lose_nothing_and_double_nothing_whatever_goes_wrong(table: Clients) -> None:
    """The stand-in itself would lose or double writes, and hide that an application does."""
    table.connect().execute("CREATE TABLE done (id uuid PRIMARY KEY)")
    table.inject(conflict_rate=0.2, drop_rate=0.05)
    with ThreadPoolExecutor(10) as threads:
        for each in [threads.submit(transfer, table, number, number % 3 + 1) for number in range(1, 101)]:
            each.result()
    table.inject(conflict_rate=0, drop_rate=0)
    moved = {account: sum(number for number in range(1, 101) if number % 3 + 1 == account) for account in (1, 2, 3)}
    expected = [(1, moved[3] - moved[1]), (2, moved[1] - moved[2]), (3, moved[2] - moved[3])]
    assert rows(table.connect(), "SELECT id, a FROM t ORDER BY id") == expected
    assert rows(table.connect(), "SELECT count(*) FROM done") == [(100,)]


def test_a_check_that_is_put_off_to_the_commit_is_made_there(table: Clients) -> None:
    """A deferred foreign key would never be checked, or its violation be taken for a conflict."""
    admin = table.connect()
    admin.execute("CREATE TABLE d (id int PRIMARY KEY, t int REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
    assert refusal(admin, "BEGIN", "INSERT INTO d VALUES (1, 9)", "COMMIT") == (
        "23503",
        'insert or update on table "d" violates foreign key constraint "d_t_fkey"',
    )
    assert rows(admin, "SELECT * FROM d") == []
