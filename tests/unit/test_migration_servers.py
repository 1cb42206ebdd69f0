"""The statements that make the application's role: exactly these, whatever the names."""

import pytest

from aurora_lambda_runtime.database.contract import RuntimeRole
from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.servers import mysql, postgres, validate_role

HOSTILE = 'a"; DROP TABLE users; --'
HOSTILE_MYSQL = "a`'\\; DROP TABLE users; #"


def test_a_new_postgres_role_with_a_token() -> None:
    """The whole of what a handler may do on PostgreSQL."""
    role = RuntimeRole("app_runtime", "iam")
    assert postgres.role_statements(role, "app", exists=False, verifier=None) == [
        'CREATE ROLE "app_runtime" LOGIN NOCREATEDB NOCREATEROLE',
        'GRANT rds_iam TO "app_runtime"',
        'ALTER ROLE "app_runtime" RESET search_path',
        'ALTER ROLE "app_runtime" IN DATABASE "app" RESET search_path',
        'ALTER DATABASE "app" RESET search_path',
        'REVOKE ALL ON DATABASE "app" FROM PUBLIC',
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        'GRANT CONNECT ON DATABASE "app" TO "app_runtime"',
        'REVOKE ALL ON SCHEMA public FROM "app_runtime"',
        'GRANT USAGE ON SCHEMA public TO "app_runtime"',
        'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "app_runtime"',
        'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "app_runtime"',
        'REVOKE INSERT, UPDATE, DELETE ON alembic_version, migration_checksums FROM "app_runtime"',
        'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "app_runtime"',
        'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "app_runtime"',
        'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "app_runtime"',
    ]


def test_a_postgres_role_that_exists_and_gets_a_password() -> None:
    """Creating it again would fail; the password is set anew."""
    role = RuntimeRole("r", "password")
    statements = postgres.role_statements(role, "app", exists=True, verifier="SCRAM-SHA-256$4096:a'b")
    assert statements[:3] == [
        'ALTER ROLE "r" LOGIN NOCREATEDB NOCREATEROLE',
        """ALTER ROLE "r" PASSWORD 'SCRAM-SHA-256$4096:a''b'""",
        'ALTER ROLE "r" RESET search_path',
    ]


def test_a_hostile_postgres_name_stays_a_name() -> None:
    """A role's name comes from configuration: nothing in it may become SQL."""
    quoted = '"a""; DROP TABLE users; --"'
    statements = postgres.role_statements(RuntimeRole(HOSTILE, "iam"), HOSTILE, exists=False, verifier=None)
    assert statements[0] == f"CREATE ROLE {quoted} LOGIN NOCREATEDB NOCREATEROLE"
    assert statements[7] == f"GRANT CONNECT ON DATABASE {quoted} TO {quoted}"
    assert all(HOSTILE not in statement for statement in statements)
    assert postgres.quoted(HOSTILE) == quoted


def test_a_mysql_role_with_a_token() -> None:
    """Without TLS the token would travel in clear."""
    login = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL"
    assert mysql.login_statements(RuntimeRole("app_runtime", "iam"), "") == [
        f"CREATE USER IF NOT EXISTS 'app_runtime'@'%' {login}",
        f"ALTER USER 'app_runtime'@'%' {login}",
    ]


def test_a_mysql_role_with_a_password() -> None:
    """The password is set anew on a user that exists."""
    assert mysql.login_statements(RuntimeRole("r", "password"), "p'w\\") == [
        "CREATE USER IF NOT EXISTS 'r'@'%' IDENTIFIED BY 'p''w\\\\' REQUIRE NONE",
        "ALTER USER 'r'@'%' IDENTIFIED BY 'p''w\\\\' REQUIRE NONE",
    ]


def test_a_hostile_mysql_name_stays_a_name() -> None:
    """Backslashes are escapes in MySQL's strings, and `_` and `%` wildcards in its grants."""
    assert mysql.user(RuntimeRole(HOSTILE_MYSQL, "iam")) == r"'a`''\\; DROP TABLE users; #'@'%'"
    assert mysql.escaped("my_app%") == r"my\_app\%"
    assert mysql.create_database_statement(HOSTILE_MYSQL) == (
        "CREATE DATABASE IF NOT EXISTS `a``'\\; DROP TABLE users; #` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )


def test_what_reset_drops_on_mysql() -> None:
    """Everything in the database, and nothing beside it."""
    assert mysql.drop_all_statements("app") == [
        "DROP DATABASE IF EXISTS `app`",
        "CREATE DATABASE IF NOT EXISTS `app` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "USE `app`",
    ]


@pytest.mark.parametrize(
    ("name", "engine", "message"),
    [
        ("root", "mysql", "the runtime role 'root' is the master user: give the application a role of its own"),
        ("r" * 33, "mysql", f"{'r' * 33!r} cannot be a role: a name has at most 32 bytes, none of them NUL"),
        ("ä" * 32, "postgres", f"{'ä' * 32!r} cannot be a role: a name has at most 63 bytes, none of them NUL"),
        ("r" * 64, "dsql", f"{'r' * 64!r} cannot be a role: a name has at most 63 bytes, none of them NUL"),
        ("a\0", "postgres", "'a\\x00' cannot be a role: a name has at most 63 bytes, none of them NUL"),
    ],
)
def test_a_role_that_cannot_be_is_refused(name: str, engine: str, message: str) -> None:
    """PostgreSQL cuts long names off: two applications would share one role."""
    with pytest.raises(MigrationError) as refusal:
        validate_role(RuntimeRole(name, "iam"), ENGINES[engine], "root")
    assert str(refusal.value) == message


def test_the_longest_names_are_roles() -> None:
    """The limits are the engines' own."""
    for name, engine in (("r" * 32, "mysql"), ("r" * 63, "postgres"), ("r" * 63, "dsql")):
        validate_role(RuntimeRole(name, "iam"), ENGINES[engine], "root")
