"""Runners that think for long, wait for locks, or lose their connection, against real servers."""

import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from aurora_lambda_runtime.database import connector as connector_module
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.drivers import mysql as mysql_driver
from aurora_lambda_runtime.migrations import commands
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.servers import base, open_server
from aurora_lambda_runtime.migrations.servers.mysql import MysqlServer
from aurora_lambda_runtime.migrations.servers.postgres import PostgresServer
from tests.conftest import Database
from tests.images.revisions import history, tables
from tests.images.runs import connect, rows, run, steps
from tests.services import CountingProxy, eventually

pytestmark = pytest.mark.slow

IDLE_SECONDS = 1
THINKING = """>op.execute("CREATE TABLE t1 (id integer PRIMARY KEY)")
    import time
    time.sleep(2.5)
    op.execute("CREATE TABLE t9 (id integer PRIMARY KEY)")"""


@pytest.fixture(params=("postgres", "mysql"))
def locking(request: pytest.FixtureRequest) -> Database:
    """A database name nobody has used, on each engine that has locks and idle limits."""
    return request.getfixturevalue(request.param)


def test_a_revision_that_thinks_for_longer_than_functions_may_idle_is_applied(
    locking: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The idle limits that let a cluster pause ended the runner in the middle of its work."""
    run({}, locking.environment(), versions=history(tmp_path / "empty"))
    # New sessions have the limits of the components' clusters, but shorter ones.
    if locking.engine == "mysql":
        monkeypatch.setattr(mysql_driver, "SESSION", f"{mysql_driver.SESSION}, wait_timeout={IDLE_SECONDS}")
    else:
        for name in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
            rows(locking, f"ALTER DATABASE {locking.name} SET {name} = '{IDLE_SECONDS}s'")
    assert steps(run({}, locking.environment(), versions=history(tmp_path / "thinking", THINKING))) == ["0001"]


ENDING = {
    "postgres": "SELECT pg_terminate_backend(pg_backend_pid())",
    "mysql": "KILL CONNECTION CONNECTION_ID()",
}


def test_a_connection_that_is_lost_is_told_with_its_revision_and_what_is_left(
    locking: Database, tmp_path: Path
) -> None:
    """The report was `Already closed`, with no revision, no cause and no state."""
    versions = history(tmp_path, *tables(1), ENDING[locking.engine])
    with pytest.raises(MigrationError, match=r"^revision 0002 \(step 2\) failed during deploy: .*he database is at "):
        run({}, locking.environment(), versions=versions)


def test_whatever_the_driver_raises_leaves_the_runner_as_a_migration_error(
    locking: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver's traceback, or a function that returns null, says neither what was asked nor what is left."""
    server = MysqlServer if locking.engine == "mysql" else PostgresServer
    monkeypatch.setattr(server, "try_lock", lambda self: self.row(ENDING[locking.engine]) and self.row("SELECT 1"))
    with pytest.raises(MigrationError, match=r"^deploy failed: .* Run `aurora-lambda migrate status` to see the state"):
        run({}, locking.environment())


def test_a_revision_that_ends_the_program_is_told_as_one_that_failed(database: Database, tmp_path: Path) -> None:
    """Lambda would say `Runtime.ExitError`, without the revision and without the state that it left."""
    versions = history(tmp_path, *tables(1), ">raise SystemExit('no such customer')")
    with pytest.raises(
        MigrationError,
        match=r"^revision 0002 \(step 2\) failed during deploy: SystemExit: no such customer\. ",
    ):
        run({}, database.environment(), versions=versions)
    (versions / "0003_step_3.py").write_text("raise SystemExit")
    with pytest.raises(MigrationError, match=r"^0003_step_3.py cannot be loaded: SystemExit"):
        run({}, database.environment(), versions=versions)


@pytest.mark.parametrize("event", [{}, {"tf": {"action": "delete"}}])
def test_an_environment_that_names_no_database_is_told_as_a_migration_error(event: object) -> None:
    """Whoever waits for this error would take another one for a fault of the runner's."""
    with pytest.raises(MigrationError, match=r"^no database is configured: set DATABASE_URL, or SQL_<NAME>_ENDPOINT"):
        run(event, {})


def test_a_revision_that_waits_for_a_lock_lets_readers_pass_and_is_applied_afterwards(
    locking: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every request that reads the table would queue behind the migration for as long as somebody's query takes."""
    monkeypatch.setattr(commands, "LOCK_PAUSE_SECONDS", 0.3)
    run({}, locking.environment(), versions=history(tmp_path, *tables(1)))
    versions = history(tmp_path, *tables(1), "ALTER TABLE t1 ADD COLUMN nick varchar(9)")
    applied: list[list[str]] = []
    with closing(connect(locking)) as reader:
        with reader.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM t1")
        runner = threading.Thread(
            target=lambda: applied.append(steps(run({}, locking.environment(), versions=versions)))
        )
        runner.start()
        assert eventually(lambda: "0002 waits for a lock and tries again; held by" in caplog.text)
        # Behind the statement that waits; it answers while the first reader still has its lock.
        assert rows(locking, "SELECT count(*) FROM t1") == [(0,)]
        assert applied == []
        with reader.cursor() as cursor:
            cursor.execute("COMMIT")
    runner.join()
    assert applied == [["0002"]]
    assert "held by process " in caplog.text or "held by connection " in caplog.text


def test_a_lock_that_is_never_free_fails_within_the_time_there_is(locking: Database, tmp_path: Path) -> None:
    """A runner that waits until Lambda ends it says nothing of why."""
    run({}, locking.environment(), versions=history(tmp_path, *tables(1)))
    versions = history(tmp_path, *tables(1), "ALTER TABLE t1 ADD COLUMN nick varchar(9)")
    with closing(connect(locking)) as reader:
        with reader.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM t1")
        began = time.monotonic()
        with pytest.raises(MigrationError, match=r"^revision 0002 \(step 2\) failed during deploy: .*[Ll]ock"):
            run({}, locking.environment(), lambda: began + 10 - time.monotonic(), versions)


def test_a_reset_that_waits_for_a_lock_still_drops_everything(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would answer `ok`, with every old row still there."""
    monkeypatch.setattr(commands, "LOCK_PAUSE_SECONDS", 0.3)
    versions = history(tmp_path, *tables(1), "SELECT pg_advisory_xact_lock(42)")
    run({}, postgres.environment(), versions=versions)
    rows(postgres, "INSERT INTO t1 VALUES (1)")
    done: list[list[str]] = []
    with closing(connect(postgres)) as other:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(42)")
        environment = postgres.environment(ALLOW_RESET="true")
        reset = threading.Thread(
            target=lambda: done.append(steps(run({"command": "reset"}, environment, versions=versions)))
        )
        reset.start()
        assert eventually(lambda: "0002 waits for a lock and tries again" in caplog.text)
    reset.join()
    assert done == [["0001", "0002"]]
    assert rows(postgres, "SELECT * FROM t1") == []


COMMITTING = """>op.execute("INSERT INTO counted VALUES (1)")
    op.execute("COMMIT")
    op.execute("ALTER TABLE t1 ADD COLUMN nick varchar(9)")"""
CONCURRENT = """>op.execute("INSERT INTO counted VALUES (1)")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY ix_t1 ON t1 (id)")"""


@pytest.mark.parametrize("upgrade", [COMMITTING, CONCURRENT], ids=["COMMIT", "autocommit_block"])
def test_what_a_revision_committed_by_itself_is_not_done_again_for_a_lock(
    postgres: Database, tmp_path: Path, upgrade: str
) -> None:
    """Its rows would be written once for each attempt, and an index that was given up stays, invalid."""
    run({}, postgres.environment(), versions=history(tmp_path, *tables(1), "CREATE TABLE counted (id integer)"))
    versions = history(tmp_path, *tables(1), "CREATE TABLE counted (id integer)", upgrade)
    done: list[list[str]] = []
    with closing(connect(postgres)) as reader:
        with reader.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("LOCK TABLE t1 IN ROW EXCLUSIVE MODE")
        runner = threading.Thread(target=lambda: done.append(steps(run({}, postgres.environment(), versions=versions))))
        runner.start()
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        waiting = f"{sessions} AND wait_event_type = 'Lock'"
        assert eventually(lambda: rows(postgres, waiting) == [(1,)])
        # Longer than a statement of a transaction may wait.
        time.sleep(base.LOCK_SECONDS + 1)
        assert rows(postgres, waiting) == [(1,)]
    runner.join()
    assert done == [["0003"]]
    assert rows(postgres, "SELECT * FROM counted") == [(1,)]
    assert rows(postgres, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]


def test_a_server_that_refuses_for_a_while_is_waited_for(locking: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that restarts for five seconds failed a deployment that had fifteen minutes."""
    monkeypatch.setattr(connector_module, "PAUSE_SECONDS", 0.2)
    # Refuses until it listens.
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    opened: list[CountingProxy] = []
    later = threading.Timer(4, lambda: opened.append(CountingProxy(locking.port, listener)))
    later.start()
    try:
        environment = {"DATABASE_URL": locking.environment()["DATABASE_URL"].replace(f":{locking.port}/", f":{port}/")}
        assert run({}, {**locking.environment(), **environment}, lambda: 60.0)["status"] == "ok"
    finally:
        later.join()
        for proxy in opened:
            proxy.close()


LIMITS = ("idle_session_timeout", "idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout")


def test_the_limits_are_short_for_locks_and_a_functions_longest_time_for_thinking(locking: Database) -> None:
    """A session without an end holds its locks for hours when its runner is gone without a word."""
    with closing(open_server(Connector(database_settings(locking.environment())), create=True)) as server:
        server.begin_work()
        if locking.engine == "mysql":
            assert server.row("SELECT @@wait_timeout, @@lock_wait_timeout") == (900, 3)
            return
        server.run("BEGIN")
        server.limit_lock_waits()
        limits = [server.row(f"SHOW {name}")[0] for name in LIMITS]
        assert limits == ["15min", "15min", "0", "3s"]
        server.run("COMMIT")
        assert server.row("SHOW lock_timeout") == ("0",)
