"""What an application may do on a cluster that it shares, set up by its migration runner."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.errors import LoginRefusedError
from tests.dsql_faults import FaultyServer
from tests.images.dsql.conftest import Application, add_application

pytestmark = pytest.mark.slow

NOTE = "INSERT INTO notes (id, text, created_at) VALUES ('00000000-0000-0000-0000-000000000001', 'tea', now())"


def mappings(application: Application) -> list[tuple[str]]:
    """Return the ARNs that may log in as the application's role."""
    query = f"SELECT arn FROM sys.iam_pg_role_mappings WHERE pg_role_name = '{application.role}'"
    return application.admin_rows(query)


def test_the_role_reads_and_writes_rows_and_nothing_else(application: Application) -> None:
    """Whoever takes over the handler must not be able to change or drop a table."""
    application.run()
    application.rows(NOTE)
    assert application.rows("SELECT text FROM notes") == [("tea",)]
    for statement in (
        "CREATE TABLE t (id integer)",
        "DROP TABLE notes",
        "ALTER TABLE notes ADD COLUMN c integer",
        "CREATE SCHEMA other",
        "UPDATE alembic_version SET version_num = '0001'",
        "DELETE FROM migration_checksums",
        "SELECT * FROM migration_progress",
        "SELECT * FROM migration_lease",
    ):
        with pytest.raises(psycopg.Error, match="permission denied|must be owner"):
            application.rows(statement)
    assert application.rows("SELECT version_num FROM alembic_version") == [("0004",)]


def test_neither_of_two_applications_reaches_the_others_tables(
    application: Application, neighbour: Application
) -> None:
    """Applications that share a cluster trust the database, not each other."""
    for each in (application, neighbour):
        each.run()
        each.rows(NOTE)
    for one, other in ((application, neighbour), (neighbour, application)):
        for statement in ("SELECT * FROM {}.notes", "DELETE FROM {}.notes", "CREATE TABLE {}.t (id integer)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for schema"):
                one.rows(statement.format(other.database.name))
        with pytest.raises(LoginRefusedError, match="access denied HINT: .*not authorized"):
            replace(one, role=other.role).rows("SELECT 1")


@pytest.mark.parametrize("name", ["my-app", "select", "Ünï", 'a"b \\c'])
def test_schemas_and_roles_may_have_any_name(application: Application, dsql_server: FaultyServer, name: str) -> None:
    """A name that is not quoted everywhere is another name, or SQL."""
    database = replace(application.database, name=f"{name}{application.database.name}" if name == "select" else name)
    named = add_application(dsql_server, database, role=f"lambda_{name}", iam_role="named")
    named.run()
    named.rows(NOTE)
    assert named.rows("SELECT text FROM notes") == [("tea",)]
    assert named.run()["applied"] == []


def test_a_second_deployment_changes_nothing(application: Application) -> None:
    """Each change of the catalog makes the next statement of every running handler fail."""
    application.run()
    connector = Connector(database_settings(application.database.environment()))
    with closing(connector.open()) as connection, connection.cursor() as cursor:
        assert application.run()["applied"] == []
        cursor.execute("SELECT count(*) FROM notes")
        assert cursor.fetchall() == [(0,)]


def test_a_role_that_is_replaced_is_mapped_anew(application: Application, dsql_server: FaultyServer) -> None:
    """A stack that is made again has a new IAM role of another name: the old one must not go on logging in."""
    application.run()
    replaced = add_application(dsql_server, application.database, application.role, "replacement")
    replaced.run()
    assert mappings(replaced) == [(replaced.iam_role_arn,)]
    assert replaced.rows("SELECT count(*) FROM notes") == [(0,)]
    with pytest.raises(LoginRefusedError):
        application.rows("SELECT 1")


def test_each_function_logs_in_with_its_own_iam_role(application: Application, dsql_server: FaultyServer) -> None:
    """Functions behind streams have rights that the handler has not; one that is removed must not log in any more."""
    other = add_application(dsql_server, application.database, application.role, "copy-items")
    application.run(SQL_DATABASE_URL_RUNTIME_ROLE_ARN=f"{application.iam_role_arn} {other.iam_role_arn}")
    assert sorted(mappings(application)) == sorted([(application.iam_role_arn,), (other.iam_role_arn,)])
    for each in (application, other):
        assert each.rows("SELECT count(*) FROM notes") == [(0,)]
    application.run()
    assert mappings(application) == [(application.iam_role_arn,)]
    with pytest.raises(LoginRefusedError):
        other.rows("SELECT 1")


@pytest.mark.parametrize(
    "lost",
    [
        "AWS IAM REVOKE \"{role}\" FROM '{arn}'",
        'REVOKE USAGE ON SCHEMA "{schema}" FROM "{role}"',
        'REVOKE INSERT ON notes FROM "{role}"',
        'ALTER DEFAULT PRIVILEGES IN SCHEMA "{schema}" REVOKE INSERT ON TABLES FROM "{role}"',
        'ALTER ROLE "{role}" WITH NOLOGIN',
    ],
)
def test_a_deployment_gives_back_what_the_role_lost(application: Application, lost: str) -> None:
    """A deployment is what people try first when the handler is refused: it must not call that `ok`."""
    application.run()
    names = {"role": application.role, "schema": application.database.name, "arn": application.iam_role_arn}
    application.admin_rows(lost.format(**names))
    application.run()
    application.rows(NOTE)
    assert application.admin_rows("SELECT count(*) FROM notes") == [(1,)]


@pytest.mark.parametrize("gained", ['CREATE ON SCHEMA "{schema}"', "DELETE ON alembic_version"])
def test_a_deployment_takes_back_what_the_role_should_not_have(application: Application, gained: str) -> None:
    """What somebody granted by hand to get something done stays for ever otherwise."""
    application.run()
    application.admin_rows(f'GRANT {gained.format(schema=application.database.name)} TO "{application.role}"')
    application.run()
    for statement in ("CREATE TABLE t (id integer)", "DELETE FROM alembic_version"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.rows(statement)


def test_two_applications_are_set_up_at_the_same_time(application: Application, neighbour: Application) -> None:
    """Two stacks are deployed whenever their owners like; each change of one fails a statement of the other."""
    with ThreadPoolExecutor() as pool:
        errors = pool.map(lambda each: each.run_in_process(), (application, neighbour))
    assert list(errors) == ["", ""]
    for each in (application, neighbour):
        each.rows(NOTE)
        assert each.rows("SELECT text FROM notes") == [("tea",)]


def test_reset_drops_what_is_the_applications_own(application: Application, neighbour: Application) -> None:
    """A developer who starts over must not take the neighbours' data along."""
    for each in (application, neighbour):
        each.run()
        each.rows(NOTE)
    application.admin_rows("CREATE VIEW texts AS SELECT text FROM notes")
    application.admin_rows("CREATE SEQUENCE numbers CACHE 65536")
    application.admin_rows("CREATE DOMAIN word AS text")
    result = application.run({"command": "reset"}, ALLOW_RESET="true")
    assert (result["status"], result["after"], len(result["applied"])) == ("ok", "0004", 4)
    assert application.rows("SELECT count(*) FROM notes") == [(0,)]
    assert neighbour.rows("SELECT count(*) FROM notes") == [(1,)]
