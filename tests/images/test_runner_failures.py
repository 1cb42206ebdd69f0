"""Migrations that fail, are short of time, or meet each other, against real servers."""

import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import ALLOW_RESET, APPLICATION, database_settings
from aurora_lambda_runtime.migrations import runner
from aurora_lambda_runtime.migrations.errors import MigrationBusyError, MigrationError
from aurora_lambda_runtime.migrations.servers import open_server
from aurora_lambda_runtime.migrations.servers.mysql import MysqlServer
from tests.conftest import AWS_ENVIRONMENT, Database
from tests.images.revisions import history, tables
from tests.images.runs import rows, run, steps, table_names
from tests.sample_application import VERSIONS

pytestmark = pytest.mark.slow


def test_a_failing_revision_leaves_postgres_as_it_was(postgres: Database, tmp_path: Path) -> None:
    """A half-migrated database is the worst place to be: PostgreSQL need never be there."""
    versions = history(tmp_path, *tables(2), "CREATE TABLE t1 (id integer)")
    with pytest.raises(MigrationError) as failure:
        run({}, postgres.environment(), versions=versions)
    assert str(failure.value) == (
        'revision 0003 (step 3) failed during deploy: relation "t1" already exists (SQLSTATE 42P07).'
        " Nothing was changed: the database is at no revision"
    )
    assert table_names(postgres) == set()


def test_a_failing_revision_says_where_mysql_stopped_and_goes_on_from_there(mysql: Database, tmp_path: Path) -> None:
    """MySQL keeps what ran: whoever mends the revision has to know what that is, and must not start over."""
    versions = history(tmp_path, *tables(2), "CREATE TABLE t1 (id integer)")
    with pytest.raises(MigrationError) as failure:
        run({}, mysql.environment(), versions=versions)
    assert str(failure.value) == (
        "revision 0003 (step 3) failed during deploy: Table 't1' already exists (error 1050). The database is at"
        " revision 0002; revisions done in this run: 0001, 0002; what revision 0003 did before its error has stayed,"
        " because this engine commits each statement of DDL. Mend 0003 or the table it met, then run the command"
        " again: it goes on with the statement that failed. Or do by hand what is left, and `stamp` the revision that"
        " the database is then at"
    )
    result = run({}, mysql.environment(), versions=history(tmp_path, *tables(3)))
    assert (result["before"], result["after"], steps(result)) == ("0002", "0003", ["0003"])


def test_a_failing_reset_leaves_postgres_as_it_was(postgres: Database, tmp_path: Path) -> None:
    """Dropping and applying are one transaction: a bad revision does not cost the data."""
    run({}, postgres.environment(), versions=history(tmp_path, *tables(2)))
    versions = history(tmp_path, *tables(2), "CREATE TABLE t1 (id integer)")
    with pytest.raises(MigrationError, match="Nothing was changed: the database is at revision 0002$"):
        run({"command": "reset"}, postgres.environment(ALLOW_RESET="true"), versions=versions)
    assert table_names(postgres) == {"alembic_version", "t1", "t2"}


def test_a_revision_that_is_not_python_is_named(database: Database, tmp_path: Path) -> None:
    """A typo in a revision is reported as such, with the database untouched."""
    versions = history(tmp_path, *tables(1), ">)")
    with pytest.raises(MigrationError) as failure:
        run({}, database.environment(), versions=versions)
    assert str(failure.value) == (
        "0002_step_2.py cannot be loaded: SyntaxError: unmatched ')' (0002_step_2.py, line 10)"
    )
    assert table_names(database) == set()


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (
            ('revision = "0002"', 'revision = "abc"'),
            "0002_step_2.py does not hold revision '0002': name the file by its revision",
        ),
        (
            ("down_revision = '0001'", 'down_revision = "zzz"'),
            "0002_step_2.py comes after revision 'zzz', which is not there: fix its down_revision",
        ),
        (
            ('revision = "0002"', "revision = 2"),
            "0002_step_2.py cannot be loaded: TypeError: 'int' object is not iterable",
        ),
        (
            ("from alembic import op", "from alembic import nothing"),
            "0002_step_2.py cannot be loaded: ImportError: cannot import name 'nothing' from 'alembic'",
        ),
    ],
)
def test_a_mistake_in_a_revision_names_the_file(
    postgres: Database, tmp_path: Path, mistake: tuple[str, str], message: str
) -> None:
    """Somebody with fifty revisions must not have to guess which one `KeyError: 'zzz'` is about."""
    file = history(tmp_path, *tables(2)) / "0002_step_2.py"
    text = file.read_text()
    assert text.count(mistake[0]) == 1
    file.write_text(text.replace(*mistake))
    with pytest.raises(MigrationError) as failure:
        run({}, postgres.environment(), versions=tmp_path)
    assert str(failure.value).partition(" (")[0] == message


BLOCK = """>with op.get_context().autocommit_block():
        op.execute("CREATE TABLE t2 (id integer)")
    op.execute("NONSENSE")"""
COMMIT = """>op.execute("CREATE TABLE t2 (id integer)")
    op.execute("COMMIT")
    op.execute("NONSENSE")"""


@pytest.mark.parametrize("ended", [BLOCK, COMMIT], ids=["autocommit_block", "COMMIT"])
def test_what_a_revision_committed_by_itself_is_not_denied(postgres: Database, tmp_path: Path, ended: str) -> None:
    """`Nothing was changed` would send people off to run it again, onto tables that are there."""
    run({}, postgres.environment(), versions=history(tmp_path, *tables(1)))
    with pytest.raises(MigrationError) as failure:
        run({}, postgres.environment(), versions=history(tmp_path, *tables(1), ended))
    assert str(failure.value) == (
        'revision 0002 (step 2) failed during deploy: syntax error at or near "NONSENSE" LINE 1: NONSENSE ^'
        " (SQLSTATE 42601). The database is at revision 0001; a revision ended the transaction (COMMIT,"
        " autocommit_block), and what was done by then has stayed. Undo that, or make the revisions still to run ready"
        " for it, then run the command again"
    )
    assert table_names(postgres) == {"alembic_version", "t1", "t2"}


def test_a_failing_downgrade_leaves_postgres_as_it_was(postgres: Database, tmp_path: Path) -> None:
    """Going back is one transaction too, and says so."""
    run({}, postgres.environment(), versions=history(tmp_path, "SELECT 1", *tables(1)[:1]))
    with pytest.raises(MigrationError, match=r"Nothing was changed: the database is at revision 0002$"):
        run({"command": "downgrade", "revision": "base"}, postgres.environment(), versions=tmp_path)


def test_a_run_that_is_short_of_time_stops_between_revisions_and_the_next_goes_on(
    database: Database, tmp_path: Path
) -> None:
    """Lambda kills a function at its timeout: a long history must get through in several runs."""
    versions = history(tmp_path, *tables(4))
    clock = iter([900.0, 900.0, 1.0])
    first = run({}, database.environment(), lambda: next(clock), versions)
    assert (first["status"], first["after"], steps(first)) == ("incomplete", "0002", ["0001", "0002"])
    assert first["pending"] == [
        {"revision": "0003", "message": "step 3"},
        {"revision": "0004", "message": "step 4"},
    ]
    second = run({}, database.environment(), lambda: 900.0, versions)
    assert (second["status"], second["after"], steps(second)) == ("ok", "0004", ["0003", "0004"])


def test_a_deployment_that_needs_the_whole_history_fails_when_it_is_short_of_time(
    database: Database, tmp_path: Path
) -> None:
    """The handler would be deployed before the schema it needs."""
    versions = history(tmp_path, *tables(4))
    clock = iter([900.0, 900.0, 1.0])
    with pytest.raises(MigrationError) as stopped:
        run({"command": "deploy", "complete": True}, database.environment(), lambda: next(clock), versions)
    assert str(stopped.value) == (
        "deploy ran out of time at revision 0002 and has 2 more to apply; what is applied stays: run it again to go on"
    )
    assert run({"complete": True}, database.environment(), versions=versions)["after"] == "0004"


def test_two_runners_at_once_are_one_at_work_and_one_busy(database: Database, tmp_path: Path) -> None:
    """Two deployments at one time must neither apply a revision twice nor wait for each other."""
    run({}, database.environment(), versions=history(tmp_path, *tables(1)))
    # On DSQL a runner that is at work is known by renewing its lease, every two seconds.
    sleep = {"mysql": "DO SLEEP(1.5)", "dsql": "SELECT pg_sleep(5)"}.get(database.engine, "SELECT pg_sleep(1.5)")
    versions = history(tmp_path, *tables(1), sleep)
    outcomes: list[Any] = []

    def deploy() -> None:
        try:
            outcomes.append(steps(run({}, database.environment(), versions=versions)))
        except MigrationBusyError as busy:
            outcomes.append(str(busy))

    threads = [threading.Thread(target=deploy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [
        f"busy: another migration runner is at work on the database {database.name!r};"
        " nothing was done, try again when it has finished",
        ["0002"],
    ]


def test_nothing_to_do_is_not_said_while_another_runner_is_at_work(database: Database) -> None:
    """A downgrade under way, or what a killed one had sent, would undo what the deployment just called done."""
    run({}, database.environment())
    with closing(open_server(Connector(database_settings(database.environment())), create=False)) as server:
        server.lock()
        with pytest.raises(MigrationBusyError):
            run({}, database.environment())
    assert run({}, database.environment())["status"] == "ok"


def test_runners_of_different_databases_do_not_wait_for_each_other(database: Database, tmp_path: Path) -> None:
    """One server holds several stacks: a lock on the server would make them take turns."""
    other = replace(database, name=f"{database.name}_other")
    run({}, database.environment(), versions=history(tmp_path, *tables(1)))
    connector = Connector(database_settings(database.environment()))
    with closing(open_server(connector, create=False)) as server:
        server.lock()
        assert steps(run({}, other.environment(), versions=tmp_path)) == ["0001"]


@pytest.mark.parametrize("command", ["deploy", "reset"])
def test_a_database_dropped_between_connection_and_lock_is_made_again(
    mysql: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    """A server goes on with what a killed runner had sent: its `reset` drops the database under the next runner."""
    run({}, mysql.environment(), versions=history(tmp_path, *tables(1)))
    lock = MysqlServer.try_lock

    def drop_and_lock(server: MysqlServer) -> bool:
        rows(mysql, f"DROP DATABASE {mysql.name}")
        return lock(server)

    monkeypatch.setattr(MysqlServer, "try_lock", drop_and_lock)
    environment = mysql.environment() | {"ALLOW_RESET": "true"}
    assert steps(run({"command": command}, environment, versions=history(tmp_path, *tables(2)))) == ["0001", "0002"]


def test_a_version_changed_behind_the_runners_back_is_noticed(mysql: Database, tmp_path: Path) -> None:
    """The note of the version must not be lost in silence: the next deployment would apply revisions again."""
    versions = history(tmp_path, *tables(1), "DELETE FROM alembic_version")
    with pytest.raises(
        MigrationError, match="CommandError: Online migration expected to match one row when updating '0001' to"
    ):
        run({}, mysql.environment(), versions=versions)


def test_a_database_ahead_of_the_image_is_refused(database: Database, tmp_path: Path) -> None:
    """Old code deployed over a newer database is told so, and what it is told leads on when it is typed."""
    run({}, database.environment())
    older, reset = history(tmp_path, *tables(2)), {**database.environment(), ALLOW_RESET: "true"}
    with pytest.raises(MigrationError) as refused:
        run({"command": "downgrade", "revision": "0002"}, database.environment(), versions=older)
    assert str(refused.value) == (
        "the database is at revision 0004, which this code does not have: deploy the code that has it. To come back to"
        " this code, run `aurora-lambda migrate downgrade 0002` while that one is deployed; where its file is gone,"
        " `aurora-lambda migrate stamp 0002`, and undo by hand what `aurora-lambda migrate check` then finds; or, where"
        " allowReset is true and the data may go, `aurora-lambda migrate reset`"
    )
    assert run({"command": "reset"}, reset, versions=older)["after"] == "0002"


def test_a_database_at_a_revision_whose_file_is_gone_is_stamped(database: Database, tmp_path: Path) -> None:
    """Whoever has deleted a revision to write it anew, as `dev` had applied it, would have to drop all data."""
    written = history(tmp_path, *tables(3))
    run({}, database.environment(), versions=written)
    (written / "0003_step_3.py").unlink()
    result = run({"command": "stamp", "revision": "0002"}, database.environment(), versions=written)
    assert (result["before"], result["after"]) == ("0003", "0002")
    assert run({"command": "status"}, database.environment(), versions=written)["output"] == "up to date"
    assert rows(database, "SELECT revision FROM migration_checksums ORDER BY revision") == [("0001",), ("0002",)]


def test_nothing_to_do_is_found_without_loading_alembic(database: Database) -> None:
    """Every deployment pays for this: 10 ms rather than half a second."""
    run({}, database.environment())
    program = """
import os, sys
from pathlib import Path
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.migrations.runner import run
print(run({}, os.environ, ApplicationPackage("unused", Path(sys.argv[1])))["after"])
print([name for name in ("alembic", "sqlalchemy", "boto3") if name in sys.modules])
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), **AWS_ENVIRONMENT, **database.environment()}
    line = [sys.executable, "-W", "error", "-c", program, str(VERSIONS)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0004\n[]\n", "")


def test_what_applies_revisions_loads_no_driver_of_another_engine() -> None:
    """A deployment to PostgreSQL would wait for MySQL's driver, which only a new revision is rendered with."""
    program = (
        "import sys, aurora_lambda_runtime.migrations.alembic_runner;print({'psycopg', 'pymysql'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_failure_is_raised_with_a_short_trace(database: Database, tmp_path: Path) -> None:
    """Lambda shows the trace to whoever invoked the function: it is of the runner, not of forty library frames."""
    with pytest.raises(MigrationError) as failure:
        run({}, database.environment(), versions=history(tmp_path, "NONSENSE"))
    assert failure.value.__suppress_context__
    assert len(failure.traceback) <= 5


def test_what_lambda_logs_of_a_failure_is_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each failed deployment buried it under fifteen lines of the runner's own code, which nobody can mend."""
    monkeypatch.setenv(APPLICATION, "tests.sample_application")
    with pytest.raises(MigrationError) as failure:
        runner.lambda_handler({"command": "reset"}, SimpleNamespace(get_remaining_time_in_millis=lambda: 9000))
    assert str(failure.value).startswith("reset is refused: ")
    assert [entry.name for entry in failure.traceback][1:] == ["lambda_handler"]


@pytest.mark.parametrize("command", ["deploy", "check"])
def test_a_fault_in_the_tables_is_named_by_file_and_line(database: Database, tmp_path: Path, command: str) -> None:
    """`name 'at' is not defined` alone leaves whoever deploys to search the whole service."""
    folder = tmp_path / f"broken_{database.name}_{command}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "tables.py").write_text("metadata = 1\n\ncolumn = at\n")
    versions = history(folder / "versions", *tables(1))
    if command == "check":
        run({}, database.environment(), versions=versions)
    with pytest.raises(MigrationError) as failure:
        runner.run({"command": command}, database.environment(), ApplicationPackage.in_folder(folder), lambda: 1000.0)
    assert str(failure.value) == ("tables.py cannot be loaded: NameError: name 'at' is not defined (tables.py, line 3)")
