"""The application's database role: what it may do, and the statements that make it so.

The role reads and writes rows in every table, those of later revisions too, and changes no table. All statements
may be run again. Functions that make statements are pure; identifiers are quoted.
"""

from collections.abc import Sequence

from lambda_images.database.contract import Auth, RuntimeRole
from lambda_images.migrations.errors import MigrationError

RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
MYSQL_TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
# The schemas an extension made go with it, and cannot go without.
EMPTY_POSTGRES = """DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT nspname FROM pg_namespace n WHERE nspname !~ '^pg_|^information_schema$' AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = n.oid AND deptype = 'e')
    LOOP EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP;
END $$"""
LONGEST_NAME = {"postgres": 63, "mysql": 32}


def validate_role(role: RuntimeRole, engine: str, master: str) -> RuntimeRole:
    """`role`, when it can be made.

    Raises:
        MigrationError: its name is the master user's, too long for the engine, or no name.
    """
    name, longest = role.db_role, LONGEST_NAME[engine]
    if name == master:
        raise MigrationError(f"the runtime role {name!r} is the master user: give the application a role of its own")
    if len(name.encode()) > longest or "\0" in name:
        raise MigrationError(f"{name!r} cannot be a role: a name has at most {longest} bytes, none of them NUL")
    return role


def postgres_role(role: str, database: str, auth: Auth, exists: bool, password: str | None) -> list[str]:
    """Statements, for one transaction inside `database`, that leave `role` there with its rights and no others.

    `password` is a SCRAM verifier or a password, for `auth="password"`; None leaves the one that is set.
    """
    name = quoted(role)
    statements = [] if exists else [f"CREATE ROLE {name} LOGIN"]
    if password is not None:
        statements.append(f"ALTER ROLE {name} LOGIN PASSWORD {literal(password)}")
    return [
        *statements,
        *([f"GRANT rds_iam TO {name}"] if auth == "iam" else []),
        f"REVOKE ALL ON DATABASE {quoted(database)} FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {quoted(database)} TO {name}",
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT {RIGHTS} ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {RIGHTS} ON TABLES TO {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {name}",
    ]


def postgres_without_iam(role: str) -> str:
    """The statement that lets a role log in by password again: RDS asks members of `rds_iam` for a token only."""
    return f"REVOKE rds_iam FROM {quoted(role)}"


def mysql_role(role: str, database: str, auth: Auth, password: str | None) -> list[str]:
    """Statements that leave `role` there with its rights on `database`; `password` is for `auth="password"`."""
    user = f"{mysql_literal(role)}@'%'"
    login = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL"
    if auth == "password":
        login = f"IDENTIFIED BY {mysql_literal(password or '')}"
    return [
        f"CREATE USER IF NOT EXISTS {user} {login}",
        f"ALTER USER {user} {login}",
        f"GRANT {RIGHTS} ON {mysql_pattern(database)}.* TO {user}",
    ]


def postgres_database(database: str) -> str:
    """Statement that makes the database; run it outside a transaction, when it is not there."""
    return f"CREATE DATABASE {quoted(database)}"


def mysql_database(database: str) -> str:
    """Statement that makes the database if it is not there."""
    return f"CREATE DATABASE IF NOT EXISTS {mysql_quoted(database)} {MYSQL_TEXT}"


def mysql_text(database: str) -> str:
    """Statement that makes the tables of later revisions compare text as PostgreSQL does.

    MySQL's own collations find "ann@example.org" equal to "Ann@Example.org"; RDS makes databases with those.
    """
    return f"ALTER DATABASE {mysql_quoted(database)} {MYSQL_TEXT}"


def drop_all_statements(engine: str, database: str) -> Sequence[str]:
    """Statements that drop every table, and whatever else a database holds, keeping the database."""
    if engine == "postgres":
        return [EMPTY_POSTGRES, "CREATE SCHEMA public"]
    return [f"DROP DATABASE {mysql_quoted(database)}", mysql_database(database), f"USE {mysql_quoted(database)}"]


def quoted(identifier: str) -> str:
    """An identifier as PostgreSQL reads it, whatever it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as PostgreSQL reads it."""
    return "'" + text.replace("'", "''") + "'"


def mysql_quoted(identifier: str) -> str:
    """An identifier as MySQL reads it, whatever it holds."""
    return "`" + identifier.replace("`", "``") + "`"


def mysql_literal(text: str) -> str:
    """A string as MySQL reads it, backslashes being escapes there."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def mysql_pattern(database: str) -> str:
    r"""A database in a GRANT, where `_` and `%` would stand for any characters: `app\_one` is only `app_one`."""
    return mysql_quoted(database.replace("\\", "\\\\").replace("_", r"\_").replace("%", r"\%"))
