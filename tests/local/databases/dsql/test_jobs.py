"""Asynchronous jobs."""

import re

import psutil
import psycopg
import pytest

from tests.dsql_faults import FaultyServer
from tests.local.databases.dsql.clients import Clients, ended, job, refusal, rows
from tests.services import eventually

INDEX = "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = 'i'::regclass"


@pytest.fixture
def table(dsql: Clients) -> Clients:
    """A table with a value twice."""
    admin = dsql.connect()
    admin.execute("CREATE TABLE t (id int PRIMARY KEY, a int)")
    admin.execute("INSERT INTO t VALUES (1, 5), (2, 5)")
    return dsql


def test_an_index_is_built_by_a_job(table: Clients) -> None:
    """`returns one row job_id, tag CREATE INDEX` (verified E, S, N): a runner could not follow its build."""
    table.inject(job_seconds=0.2)
    admin = table.connect()
    cursor = admin.execute("CREATE INDEX ASYNC i ON t (a)")
    [(job_id,)] = cursor.fetchall()
    assert (cursor.statusmessage, cursor.description and cursor.description[0].name) == ("CREATE INDEX", "job_id")
    assert re.fullmatch("[a-z2-7]{26}", job_id)
    assert rows(admin, INDEX) == [(False, False)]
    assert ended(admin, job_id) == ("completed", None)
    assert rows(admin, INDEX) == [(True, False)]


def test_a_default_of_zeros_is_kept(dsql: Clients) -> None:
    """26 of them stood for the id of a job, so that the default of a UUID became another, or none."""
    admin = dsql.connect()
    admin.execute(f"CREATE TABLE t (id int PRIMARY KEY, a uuid DEFAULT '{'0' * 32}')")
    assert rows(admin, "INSERT INTO t VALUES (1) RETURNING a::text") == [("00000000-0000-0000-0000-000000000000",)]


def test_the_wait_answers_one_boolean(table: Clients) -> None:
    """`returns one boolean succeeded; false, no error, when the job failed` (verified E, S, F)."""
    admin = table.connect()
    job_id = job(admin, "CREATE UNIQUE INDEX ASYNC i ON t (a)")
    cursor = admin.execute("CALL sys.wait_for_job(%s)", [job_id])
    assert [column.name for column in cursor.description or ()] == ["succeeded"]
    assert cursor.fetchall() == [(False,)]


def test_a_failed_unique_build_leaves_an_invalid_index_that_enforces(table: Clients) -> None:
    """`index stays INVALID and still enforces; IF NOT EXISTS accepts the invalid one` (verified D, F)."""
    admin = table.connect()
    failed = ended(admin, job(admin, "CREATE UNIQUE INDEX ASYNC i ON t (a)"))
    assert failed == ("failed", 'could not create unique index "i"')
    assert rows(admin, INDEX) == [(False, True)]
    assert refusal(admin, "INSERT INTO t VALUES (3, 5)") == (
        "23505",
        'duplicate key value violates unique constraint "i"',
    )
    assert refusal(admin, "CREATE UNIQUE INDEX ASYNC IF NOT EXISTS i ON t (a)") == (None, "")
    assert refusal(admin, "DROP INDEX i") == (None, "")
    assert refusal(admin, "INSERT INTO t VALUES (3, 5)") == (None, "")


def test_a_constraint_needs_a_built_index(table: Clients) -> None:
    """`index "x" is not valid`, 55000 (verified E): the constraint would be added too early on AWS only."""
    table.inject(job_seconds=0.2)
    admin = table.connect()
    job_id = job(admin, "CREATE UNIQUE INDEX ASYNC i ON t (a, id)")
    add = "ALTER TABLE t ADD CONSTRAINT i UNIQUE USING INDEX i"
    assert refusal(admin, add) == ("55000", 'index "i" is not valid')
    ended(admin, job_id)
    rows(admin, "SELECT 1")
    assert refusal(admin, add) == (None, "")


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("a > 0", ("completed", None)),
        ("a > 5", ("failed", 'check constraint "c" of relation "t" is violated by some row')),
    ],
)
def test_a_constraint_is_validated_by_a_job(table: Clients, check: str, expected: tuple[str, str | None]) -> None:
    """`ADD .. NOT VALID + ALTER TABLE ASYNC .. VALIDATE CONSTRAINT (job)` (verified E)."""
    admin = table.connect()
    admin.execute(f"ALTER TABLE t ADD CONSTRAINT c CHECK ({check}) NOT VALID".encode())
    cursor = admin.execute("ALTER TABLE ASYNC t VALIDATE CONSTRAINT c")
    [(job_id,)] = cursor.fetchall()
    assert cursor.statusmessage == "ALTER TABLE"
    assert ended(admin, job_id) == expected
    assert rows(admin, "SELECT convalidated FROM pg_constraint WHERE conname = 'c' AND conrelid = 't'::regclass") == [
        (expected[0] == "completed",)
    ]


def test_jobs_are_listed(table: Clients) -> None:
    """`sys.jobs: job_id, status, ...` (verified D, E): nobody could say why an index is missing."""
    admin = table.connect()
    job_id = job(admin, "CREATE INDEX ASYNC i ON t (a)")
    ended(admin, job_id)
    cursor = admin.execute("SELECT * FROM sys.jobs WHERE job_id = %s", [job_id])
    assert [column.name for column in cursor.description or ()] == [
        "job_id",
        "status",
        "details",
        "job_type",
        "class_id",
        "object_id",
        "object_name",
        "start_time",
        "update_time",
    ]
    [row] = cursor.fetchall()
    assert row[1:5] == ("completed", None, "INDEX_BUILD", 1259)
    assert row[6] == f"{table.schema}.i"


def test_a_job_for_a_dropped_table_is_completed_with_details(table: Clients) -> None:
    """`a job for a dropped table is completed with details` (verified D, E)."""
    table.inject(job_seconds=0.2)
    admin = table.connect()
    job_id = job(admin, "CREATE INDEX ASYNC i ON t (a)")
    admin.execute("DROP TABLE t")
    assert ended(admin, job_id) == ("completed", f'relation "{table.schema}.i" does not exist')


def test_an_index_of_a_transaction_that_is_rolled_back_has_no_job(table: Clients) -> None:
    """A job would fail later for an index that never was."""
    admin = table.connect()
    admin.execute("BEGIN")
    [(job_id,)] = admin.execute("CREATE INDEX ASYNC i ON t (a)").fetchall()
    admin.execute("ROLLBACK")
    assert rows(admin, "SELECT count(*) FROM sys.jobs WHERE job_id = %s", [job_id]) == [(0,)]


def test_a_job_keeps_its_id_where_its_transaction_made_way(table: Clients) -> None:
    """A runner would wait for a job that there never was."""
    admin, other = table.connect(), table.connect()
    admin.execute("BEGIN")
    job_id = job(admin, "CREATE INDEX ASYNC i ON t (a)")
    assert refusal(other, "BEGIN", "UPDATE t SET a = 6 WHERE id = 1", "ROLLBACK") == (None, "")
    admin.execute("COMMIT")
    assert ended(admin, job_id) == ("completed", None)


def test_nobody_can_say_what_a_job_runs(table: Clients) -> None:
    """Jobs run as PostgreSQL's superuser: an application would read what belongs to another one."""
    submit = "SELECT sys.submit('INDEX_BUILD', 't', 'DROP TABLE t', 'id')"
    assert refusal(table.connect(), submit) == ("42501", "permission denied for function submit")


def test_a_build_waits_for_no_open_transaction(table: Clients) -> None:
    """`no locks, no waiting` (verified E, S): an open transaction somewhere would stop every migration."""
    writer, admin = table.connect(), table.connect()
    writer.execute("BEGIN")
    writer.execute("UPDATE t SET a = 6 WHERE id = 1")
    assert ended(admin, job(admin, "CREATE INDEX ASYNC i ON t (a)")) == ("completed", None)


@pytest.mark.slow
def test_it_can_be_started_again_when_postgresql_has_died(cluster: FaultyServer, table: Clients) -> None:
    """A killed server would have to be brought back by hand."""
    connection = table.connect()
    psutil.Process(int((cluster.data / "cluster/postmaster.pid").read_text().split()[0])).kill()
    assert eventually(lambda: not cluster.alive())
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    cluster.start(cluster.port)
    assert rows(table.connect(), "SELECT a FROM t") == [(5,), (5,)]


@pytest.mark.slow
def test_jobs_and_mappings_survive_a_restart(cluster: FaultyServer, table: Clients) -> None:
    """After a restart of the machine an index would stay invalid for ever."""
    table.inject(job_seconds=1)
    job_id = job(table.connect(), "CREATE INDEX ASYNC i ON t (a)")
    table.close()
    cluster.stop()
    assert not cluster.alive()
    cluster.start(cluster.port)
    assert ended(table.connect(), job_id) == ("completed", None)
