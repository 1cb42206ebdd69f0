"""The application's role as the migration runner makes it, against real servers."""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from aurora_lambda_local.databases.registry import DatabaseServer
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings, runtime_role
from aurora_lambda_runtime.database.errors import LoginRefusedError
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.runner import nothing_to_do
from aurora_lambda_runtime.migrations.servers import open_server
from tests.conftest import Database
from tests.images.revisions import history, tables
from tests.images.runs import role_environment, rows, run, secret_value
from tests.sample_application import VERSIONS

pytestmark = pytest.mark.slow


@pytest.fixture(params=("postgres", "mysql"))
def database(request: pytest.FixtureRequest) -> Database:
    """Return a database name nobody has used, on each engine whose roles may have passwords."""
    return request.getfixturevalue(request.param)


def test_the_password_role_may_read_and_write_rows_and_nothing_else(database: Database, empty_secret: str) -> None:
    """The handler's role: whoever takes over the handler must not be able to drop a table."""
    role = f"{database.name}_app"
    run({}, role_environment(database, role, empty_secret))
    user = (role, secret_value(empty_secret)["password"])
    assert secret_value(empty_secret)["username"] == role
    insert = "INSERT INTO notes VALUES ('{}', 'r', '2026-01-01 00:00:00')"
    key = "00000000-0000-0000-0000-000000000001"
    rows(database, insert.format(key if database.engine == "postgres" else key.replace("-", "")), user)
    assert rows(database, "SELECT count(*) FROM notes", user) == [(1,)]
    for statement in ("CREATE TABLE t (id integer)", "DROP TABLE notes", "ALTER TABLE notes ADD c integer"):
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
    run({"command": "downgrade", "revision": "0003"}, environment)
    run({}, environment)
    assert secret_value(empty_secret) == before


def test_an_emptied_secret_gets_a_new_password_that_works(database: Database, empty_secret: str, aws: str) -> None:
    """After the secret was lost, one deploy brings the handler back."""
    role = f"{database.name}_app"
    run({}, role_environment(database, role, empty_secret))
    arn = boto3.client("secretsmanager", endpoint_url=aws).create_secret(Name=f"{role}-new")["ARN"]
    run({}, role_environment(database, role, arn))
    assert rows(database, "SELECT 1", (role, secret_value(arn)["password"])) == [(1,)]


def test_a_deploy_makes_the_roles_password_what_its_secret_holds(
    database: Database, empty_secret: str, aws: str
) -> None:
    """Rotating the password by docs/aws.md would lock every function out."""
    role = f"{database.name}_app"
    environment = role_environment(database, role, empty_secret)
    run({}, environment)
    former = secret_value(empty_secret)["password"]
    rotated = {"username": role, "password": "6f1ed002ab5595859014ebf0951522d9"}
    boto3.client("secretsmanager", endpoint_url=aws).put_secret_value(
        SecretId=empty_secret, SecretString=json.dumps(rotated)
    )
    run({}, environment)
    assert secret_value(empty_secret) == rotated
    assert rows(database, "SELECT 1", (role, rotated["password"])) == [(1,)]
    with pytest.raises(LoginRefusedError):
        rows(database, "SELECT 1", (role, former))


def test_reset_gives_the_role_its_rights_back(database: Database, empty_secret: str) -> None:
    """After a reset the handler works as before."""
    role = f"{database.name}_app"
    environment = role_environment(database, role, empty_secret) | {"ALLOW_RESET": "true"}
    run({}, environment)
    run({"command": "reset"}, environment)
    user = (role, secret_value(empty_secret)["password"])
    assert rows(database, "SELECT count(*) FROM notes", user) == [(0,)]


@pytest.mark.parametrize(
    "change",
    [
        "REVOKE CONNECT ON DATABASE {database} FROM {role}",
        "REVOKE USAGE ON SCHEMA public FROM {role}",
        "REVOKE SELECT ON notes FROM {role}",
        "REVOKE INSERT ON ALL TABLES IN SCHEMA public FROM {role}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE DELETE ON TABLES FROM {role}",
        "ALTER ROLE {role} SET search_path = other",
        "ALTER ROLE {role} IN DATABASE {database} SET search_path = other",
        "ALTER DATABASE {database} SET search_path = other",
        "ALTER ROLE {role} NOLOGIN",
        "ALTER ROLE {role} CREATEDB",
        "ALTER ROLE {role} PASSWORD 'changed'",
        "GRANT rds_iam TO {role}",
        "GRANT CREATE ON SCHEMA public TO {role}",
        "GRANT TRUNCATE ON notes TO {role}",
        "GRANT INSERT ON alembic_version TO {role}",
        "GRANT CONNECT ON DATABASE {database} TO PUBLIC",
        "GRANT CONNECT ON DATABASE postgres TO PUBLIC",
    ],
)
def test_a_deploy_mends_a_postgres_role_that_was_changed(postgres: Database, empty_secret: str, change: str) -> None:
    """A deployment is what people try first when the handler is refused: it must not call that `ok`."""
    role = f"{postgres.name}_app"
    environment = role_environment(postgres, role, empty_secret)
    run({}, environment)
    assert is_ready(environment)
    rows(postgres, change.format(database=postgres.name, role=role))
    assert not is_ready(environment)
    run({}, environment)
    assert is_ready(environment)
    user = (role, secret_value(empty_secret)["password"])
    assert rows(postgres, "INSERT INTO notes SELECT WHERE false RETURNING id", user) == []


@pytest.mark.parametrize(
    "change",
    [
        "REVOKE SELECT ON {database}.notes FROM {user}",
        "REVOKE SELECT, INSERT, UPDATE, DELETE ON {database}.comments FROM {user}",
        "GRANT INSERT ON {database}.alembic_version TO {user}",
        "GRANT SELECT ON {database}.migration_progress TO {user}",
        "GRANT DROP ON {database}.notes TO {user}",
        r"GRANT SELECT ON `{pattern}`.* TO {user}",
        "ALTER USER {user} IDENTIFIED BY 'changed'",
        "DROP USER {user}",
    ],
)
def test_a_deploy_mends_a_mysql_role_that_was_changed(mysql: Database, empty_secret: str, change: str) -> None:
    """As on PostgreSQL: what was compared is all of it."""
    role = f"{mysql.name}_app"
    environment = role_environment(mysql, role, empty_secret)
    run({}, environment)
    assert is_ready(environment)
    pattern = mysql.name.replace("_", r"\_")
    rows(mysql, change.format(database=mysql.name, pattern=pattern, user=f"'{role}'@'%'"))
    assert not is_ready(environment)
    run({}, environment)
    assert is_ready(environment)
    user = (role, secret_value(empty_secret)["password"])
    assert rows(mysql, "SELECT count(*) FROM notes", user) == [(0,)]


def is_ready(environment: dict[str, str]) -> bool:
    """Return whether a deployment would find nothing to do."""
    connector, role = Connector(database_settings(environment)), runtime_role(environment, "database-url")
    with closing(open_server(connector, create=False)) as server:
        return nothing_to_do(server, role, VERSIONS) is not None


def test_the_role_reads_the_version_and_cannot_write_it(database: Database, empty_secret: str) -> None:
    """Whoever takes over the handler must not be able to have revisions run again, or none run."""
    role = f"{database.name}_app"
    run({}, role_environment(database, role, empty_secret))
    user = (role, secret_value(empty_secret)["password"])
    assert rows(database, "SELECT version_num FROM alembic_version", user) == [("0004",)]
    for statement in (
        "UPDATE alembic_version SET version_num = '0001'",
        "DELETE FROM alembic_version",
        "DELETE FROM migration_checksums",
    ):
        with pytest.raises(Exception, match="(?i)denied"):
            rows(database, statement, user)


def test_the_role_reaches_no_other_database(postgres: Database, empty_secret: str) -> None:
    """A cluster holds more than one application's data, and PostgreSQL lets everybody connect by default."""
    role = f"{postgres.name}_app"
    run({}, role_environment(postgres, role, empty_secret))
    settings = database_settings(postgres.environment(role, secret_value(empty_secret)["password"]))
    with pytest.raises(LoginRefusedError, match='permission denied for database "postgres"'):
        Connector(settings).open("postgres")


def test_a_mysql_role_that_had_a_token_ends_with_a_password(
    mysql: Database, servers: Mapping[str, DatabaseServer], empty_secret: str
) -> None:
    """`databaseAuth` can be changed on a living stack: MySQL keeps the plugin of a user that is given a password."""
    role = f"{mysql.name}_app"
    run({}, role_environment(mysql, role, empty_secret))
    server = servers["mysql"]
    change = "mysql.user SET plugin = 'AWSAuthenticationPlugin'"
    if server._mariadb:  # ty: ignore[missing-attribute]
        change = "mysql.global_priv SET Priv = JSON_SET(Priv, '$.plugin', 'AWSAuthenticationPlugin')"
    with server._superuser() as cursor:  # ty: ignore[missing-attribute]
        cursor.execute(f"UPDATE {change} WHERE User = '{role}'")
        cursor.execute("FLUSH PRIVILEGES")
    assert not is_ready(role_environment(mysql, role, empty_secret))
    run({}, role_environment(mysql, role, empty_secret))
    user = (role, secret_value(empty_secret)["password"])
    assert rows(mysql, "SELECT count(*) FROM notes", user) == [(0,)]


def test_a_role_known_from_another_database_gets_its_rights_in_this_one(postgres: Database, empty_secret: str) -> None:
    """Two stacks' configurations tried in turn on one server: the second handler would be refused."""
    role = f"{postgres.name}_app"
    other = Database("postgres", postgres.port, f"{postgres.name}_other")
    run({}, postgres.environment())
    run({}, role_environment(other, role, empty_secret))
    run({}, role_environment(postgres, role, empty_secret))
    user = (role, secret_value(empty_secret)["password"])
    assert rows(postgres, "SELECT count(*) FROM notes", user) == [(0,)]


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
    environment = role_environment(database, role, empty_secret)
    run({}, environment)
    assert is_ready(environment)
    user = (role, secret_value(empty_secret)["password"])
    assert rows(database, "SELECT count(*) FROM notes", user) == [(0,)]


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
    monkeypatch.setattr("aurora_lambda_runtime.migrations.servers.mysql.RIGHTS", "NONSENSE 'generated-password'")
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
