"""The migration runner against real servers."""

import json
import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambda_images.database.connector import Connector
from lambda_images.database.contract import database_settings
from lambda_images.migrations.errors import MigrationBusyError, MigrationError
from lambda_images.migrations.runner import run
from lambda_images.migrations.servers import server
from tests.conftest import Database
from tests.images.revisions import history, tables

REVISIONS = ["0001", "0002", "0003", "0004", "0005"]
KEYS = ["command", "engine", "status", "before", "after", "applied", "pending", "output", "duration_ms"]


def rows(database: Database, statement: str, user: tuple[str, str] | None = None) -> list[tuple[Any, ...]]:
    """What a query answers, as master or as another user."""
    environment = database.environment(*user) if user else database.environment()
    with closing(Connector(database_settings(environment)).open()) as raw, raw.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def table_names(database: Database) -> set[str]:
    """The tables there are."""
    schema = "public" if database.engine == "postgres" else database.name
    found = rows(database, f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'")
    return {name for (name,) in found}


def steps(result: dict[str, Any]) -> list[str]:
    """The revisions a run applied."""
    return [step["revision"] for step in result["applied"]]


def test_deploy_makes_the_database_and_applies_every_revision(database: Database) -> None:
    """Without it a new stack has no tables."""
    result = run({}, database.environment())
    assert list(result) == KEYS
    assert steps(result) == REVISIONS
    assert [step["message"] for step in result["applied"]][:2] == ["create invocations", "index invocations by time"]
    duration = result.pop("duration_ms")
    assert 0 < duration < 10_000
    del result["applied"]
    assert result == {
        "command": "deploy",
        "engine": database.engine,
        "status": "ok",
        "before": None,
        "after": "0005",
        "pending": [],
        "output": "",
    }
    assert table_names(database) == {"alembic_version", "invocations", "users", "posts"}


def test_a_second_deploy_applies_nothing(database: Database) -> None:
    """Every deployment invokes the runner: one that ran a revision twice would fail or lose data."""
    run({}, database.environment())
    result = run({"command": "deploy"}, database.environment())
    assert (result["before"], result["after"], result["applied"], result["pending"]) == ("0005", "0005", [], [])


def test_check_agrees_with_a_fresh_database(database: Database) -> None:
    """Tables in the code that the revisions do not make would break the handler on its first query."""
    run({}, database.environment())
    assert run({"command": "check"}, database.environment())["output"] == "code and database agree"


def test_check_names_what_differs(database: Database) -> None:
    """A hand-made change to a database is found before it surprises anybody."""
    run({}, database.environment())
    rows(database, "DROP TABLE posts")
    with pytest.raises(MigrationError, match="code and database disagree: .*'add_table'.*posts"):
        run({"command": "check"}, database.environment())


def test_check_asks_for_a_migration_first(database: Database, tmp_path: Path) -> None:
    """Comparing an old database with new code would report as a fault what a migration is about to add."""
    run({}, database.environment())
    run({"command": "stamp", "revision": "0003"}, database.environment())
    with pytest.raises(MigrationError, match=r"^2 revisions are pending: run `aurora-lambda migrate`, then check$"):
        run({"command": "check"}, database.environment())


def test_downgrade_goes_back_and_deploy_forward_again(database: Database) -> None:
    """The way out of a bad release, and back in."""
    run({}, database.environment())
    back = run({"command": "downgrade", "revision": "0002"}, database.environment())
    assert (back["before"], back["after"], steps(back)) == ("0005", "0002", ["0005", "0004", "0003"])
    assert [step["revision"] for step in back["pending"]] == ["0003", "0004", "0005"]
    assert table_names(database) == {"alembic_version", "invocations"}
    forward = run({}, database.environment())
    assert (forward["before"], forward["after"], steps(forward)) == ("0002", "0005", ["0003", "0004", "0005"])


def test_downgrade_to_base_leaves_no_table_of_ours(database: Database) -> None:
    """Every revision can be undone, on every engine."""
    run({}, database.environment())
    assert run({"command": "downgrade", "revision": "base"}, database.environment())["after"] is None
    assert table_names(database) == {"alembic_version"}


def test_stamp_writes_down_a_revision_and_runs_nothing(database: Database) -> None:
    """How a database that was made by other means joins the history."""
    run({}, database.environment())
    result = run({"command": "stamp", "revision": "0003"}, database.environment())
    assert (result["before"], result["after"], result["applied"]) == ("0005", "0003", [])
    assert "posts" in table_names(database)


def test_sql_shows_what_is_pending_and_runs_nothing(database: Database) -> None:
    """People read the SQL before they let it near production."""
    run({}, database.environment())
    run({"command": "downgrade", "revision": "0004"}, database.environment())
    result = run({"command": "sql"}, database.environment())
    statements = [line for line in result["output"].splitlines() if line.startswith(("CREATE", "UPDATE", "DROP"))]
    assert statements == [
        "CREATE INDEX ix_posts_user_id_created_at ON posts (user_id, created_at);",
        "UPDATE alembic_version SET version_num='0005' WHERE alembic_version.version_num = '0004';",
    ]
    assert result["after"] == "0004"
    assert run({"command": "status"}, database.environment())["output"] == "1 pending"


def test_current_history_and_status_tell_where_the_database_is(database: Database) -> None:
    """What an operator asks first."""
    run({}, database.environment())
    run({"command": "downgrade", "revision": "0004"}, database.environment())
    assert run({"command": "current"}, database.environment())["output"] == "0004"
    assert run({"command": "history"}, database.environment())["output"].splitlines() == [
        "0004 -> 0005 (head), index posts by user",
        "0003 -> 0004, create posts (current)",
        "0002 -> 0003, create users",
        "0001 -> 0002, index invocations by time",
        "<base> -> 0001, create invocations",
    ]
    status = run({"command": "status"}, database.environment())
    assert (status["status"], status["before"], status["after"]) == ("incomplete", "0004", "0004")
    assert status["pending"] == [{"revision": "0005", "message": "index posts by user"}]


def test_asking_a_database_that_is_not_there_says_how_to_make_it(database: Database) -> None:
    """The first thing a newcomer does out of order gets a remedy, not a driver's error."""
    with pytest.raises(MigrationError, match=f"^there is no database '{database.name}': run `aurora-lambda migrate`$"):
        run({"command": "status"}, database.environment())


def test_reset_is_refused_unless_the_stack_allows_it(database: Database) -> None:
    """One wrong word must not empty production."""
    run({}, database.environment())
    for value in ({}, {"ALLOW_RESET": "false"}, {"ALLOW_RESET": "1"}):
        with pytest.raises(MigrationError, match="^reset is refused: it drops every table"):
            run({"command": "reset"}, database.environment(**value))
    assert "posts" in table_names(database)


def test_reset_drops_everything_and_applies_from_empty(database: Database) -> None:
    """Development starts over with one word, whatever lies about in the database."""
    run({}, database.environment())
    rows(database, "CREATE TABLE stray (id integer)")
    result = run({"command": "reset"}, database.environment(ALLOW_RESET="true"))
    assert (result["before"], result["after"], steps(result)) == ("0005", "0005", REVISIONS)
    assert table_names(database) == {"alembic_version", "invocations", "users", "posts"}


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
        " again: it goes on from there"
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
    with pytest.raises(MigrationError, match=r"^deploy failed: SyntaxError: .*0002_step_2.py.*Nothing was changed"):
        run({}, database.environment(), versions=versions)


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
    """Else the handler would be deployed before the schema it needs."""
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
    sleep = "SELECT pg_sleep(1.5)" if database.engine == "postgres" else "DO SLEEP(1.5)"
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


def test_runners_of_different_databases_do_not_wait_for_each_other(database: Database, tmp_path: Path) -> None:
    """One server holds several stacks: a lock on the server would make them take turns."""
    other = Database(database.engine, database.port, f"{database.name}_other")
    run({}, database.environment(), versions=history(tmp_path, *tables(1)))
    connector = Connector(database_settings(database.environment()))
    with closing(connector.open()) as raw:
        server(connector).lock(raw)
        assert steps(run({}, other.environment(), versions=tmp_path)) == ["0001"]


def test_a_database_ahead_of_the_image_is_refused(database: Database, tmp_path: Path) -> None:
    """Old code deployed over a newer database is told so, rather than 'can't locate revision'."""
    run({}, database.environment())
    with pytest.raises(MigrationError, match="^the database is at revision 0005, which this image does not have"):
        run({}, database.environment(), versions=history(tmp_path, *tables(2)))


def test_the_password_role_may_read_and_write_rows_and_nothing_else(database: Database, empty_secret: str) -> None:
    """The handler's role: whoever takes over the handler must not be able to drop a table."""
    role = f"{database.name}_app"
    run({}, role_environment(database, role, empty_secret))
    user = (role, secret_value(empty_secret)["password"])
    assert secret_value(empty_secret)["username"] == role
    insert = "INSERT INTO invocations VALUES ('{}', 'r', '2026-01-01 00:00:00')"
    key = "00000000-0000-0000-0000-000000000001"
    rows(database, insert.format(key if database.engine == "postgres" else key.replace("-", "")), user)
    assert rows(database, "SELECT count(*) FROM invocations", user) == [(1,)]
    for statement in ("CREATE TABLE t (id integer)", "DROP TABLE invocations", "ALTER TABLE invocations ADD c integer"):
        with pytest.raises(Exception, match=r"(?i)denied|must be owner"):
            rows(database, statement, user)


def test_the_role_reaches_tables_of_later_revisions(database: Database, empty_secret: str, tmp_path: Path) -> None:
    """A new table must work in the handler without anybody granting anything."""
    role = f"{database.name}_app"
    run({}, role_environment(database, role, empty_secret), versions=history(tmp_path, *tables(1)))
    run({}, role_environment(database, role, empty_secret), versions=history(tmp_path, *tables(2)))
    user = (role, secret_value(empty_secret)["password"])
    assert rows(database, "SELECT count(*) FROM t2", user) == [(0,)]


def test_a_second_deploy_keeps_the_roles_password(database: Database, empty_secret: str) -> None:
    """Handlers that are running hold the password: changing it without need would lock them out."""
    environment = role_environment(database, f"{database.name}_app", empty_secret)
    run({}, environment)
    before = secret_value(empty_secret)
    run({}, environment)
    run({"command": "downgrade", "revision": "0004"}, environment)
    run({}, environment)
    assert secret_value(empty_secret) == before


def test_an_emptied_secret_gets_a_new_password_that_works(database: Database, empty_secret: str, aws: str) -> None:
    """After the secret was lost, one deploy brings the handler back."""
    role = f"{database.name}_app"
    run({}, role_environment(database, role, empty_secret))
    arn = boto3.client("secretsmanager", endpoint_url=aws).create_secret(Name=f"{role}-new")["ARN"]
    run({}, role_environment(database, role, arn))
    assert rows(database, "SELECT 1", (role, secret_value(arn)["password"])) == [(1,)]


def test_reset_gives_the_role_its_rights_back(database: Database, empty_secret: str) -> None:
    """After a reset the handler works as before."""
    role = f"{database.name}_app"
    environment = role_environment(database, role, empty_secret) | {"ALLOW_RESET": "true"}
    run({}, environment)
    run({"command": "reset"}, environment)
    user = (role, secret_value(empty_secret)["password"])
    assert rows(database, "SELECT count(*) FROM users", user) == [(0,)]


def test_the_iam_role_logs_in_with_a_token_and_may_go_back_to_a_password(postgres: Database, empty_secret: str) -> None:
    """`databaseAuth` can be changed on a living stack, both ways."""
    role = f"{postgres.name}_app"
    iam = postgres.environment() | {
        "SQL_DATABASE_URL_RUNTIME_DB_ROLE": role,
        "SQL_DATABASE_URL_RUNTIME_AUTH": "iam",
    }
    member = f"SELECT count(*) FROM pg_auth_members WHERE roleid = 'rds_iam'::regrole AND member = '{role}'::regrole"
    run({}, iam)
    assert rows(postgres, member) == [(1,)]
    run({}, role_environment(postgres, role, empty_secret))
    assert rows(postgres, member) == [(0,)]
    assert rows(postgres, "SELECT 1", (role, secret_value(empty_secret)["password"])) == [(1,)]
    run({}, iam)
    assert rows(postgres, member) == [(1,)]


def test_a_role_may_have_any_name(database: Database, empty_secret: str) -> None:
    """Quoting that holds on the servers themselves, and not only in the eyes of a test."""
    role = f"{database.name}\"'`\\; --"
    run({}, role_environment(database, role, empty_secret))
    user = (role, secret_value(empty_secret)["password"])
    assert rows(database, "SELECT count(*) FROM users", user) == [(0,)]


def test_nothing_to_do_is_found_without_loading_alembic(database: Database) -> None:
    """Every deployment pays for this: 10 ms rather than half a second."""
    run({}, database.environment())
    program = """
import sys
from types import SimpleNamespace
from lambda_images.migrations.runner import lambda_handler
print(lambda_handler({}, SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000))["after"])
print([name for name in ("alembic", "sqlalchemy", "boto3") if name in sys.modules])
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), **database.environment()}
    line = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0005\n[]\n", "")


def test_a_failure_is_raised_with_a_short_trace(database: Database, tmp_path: Path) -> None:
    """Lambda shows the trace to whoever invoked the function: it is of the runner, not of forty library frames."""
    with pytest.raises(MigrationError) as failure:
        run({}, database.environment(), versions=history(tmp_path, "NONSENSE"))
    assert failure.value.__suppress_context__
    assert len(failure.traceback) <= 5


def test_the_public_may_not_even_connect(postgres: Database) -> None:
    """Roles of other applications on the same cluster have no business in this database."""
    run({}, postgres.environment())
    run({}, postgres.environment() | {"SQL_DATABASE_URL_RUNTIME_DB_ROLE": f"{postgres.name}_app"})
    assert rows(postgres, f"SELECT has_database_privilege('public', '{postgres.name}', 'CONNECT')") == [(False,)]
    assert rows(postgres, "SELECT has_schema_privilege('public', 'public', 'USAGE')") == [(False,)]


def test_a_role_that_cannot_be_made_fails_with_no_secret_in_the_message(
    mysql: Database, empty_secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL quotes the statement it could not do, and that statement holds a password."""
    monkeypatch.setattr("secrets.token_urlsafe", lambda _size: "generated-password")
    monkeypatch.setattr("lambda_images.migrations.access.RIGHTS", "NONSENSE 'generated-password'")
    with pytest.raises(MigrationError, match="^deploy failed: ") as failure:
        run({}, role_environment(mysql, f"{mysql.name}_app", empty_secret))
    assert "***" in str(failure.value)
    assert "generated-password" not in str(failure.value)


def test_the_master_user_is_refused_as_runtime_role(database: Database) -> None:
    """A handler that runs as master is the fault this design exists to avoid."""
    with pytest.raises(MigrationError, match="^the runtime role 'master' is the master user"):
        run({}, database.environment() | {"SQL_DATABASE_URL_RUNTIME_DB_ROLE": "master"})


def test_a_wrong_password_is_a_clear_error_without_the_password(database: Database) -> None:
    """What the log of a failed deployment shows."""
    with pytest.raises(MigrationError) as failure:
        run({}, database.environment(password="wrong-password"))
    assert f"the database {database.name!r} at 127.0.0.1:{database.port} as role 'master'" in str(failure.value)
    assert "wrong-password" not in str(failure.value)


def role_environment(database: Database, role: str, secret: str) -> dict[str, str]:
    """The runner's environment for a role that logs in by password."""
    return database.environment() | {
        "SQL_DATABASE_URL_RUNTIME_DB_ROLE": role,
        "SQL_DATABASE_URL_RUNTIME_AUTH": "password",
        "SQL_DATABASE_URL_RUNTIME_SECRET_ARN": secret,
    }


def secret_value(arn: str) -> dict[str, str]:
    """What a secret holds, asked as anybody else would."""
    client = boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"])
    return json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
