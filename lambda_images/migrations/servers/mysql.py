"""MySQL: the database, the application's role and its rights, and the lock."""

import hashlib

import pymysql
from typing_extensions import override

from lambda_images.database.contract import RuntimeRole
from lambda_images.database.engines import Auth
from lambda_images.migrations.servers.base import LOCK, Server

RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
# MySQL's own collations find "ann@example.org" equal to "Ann@Example.org", which PostgreSQL does not.
TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
NO_SUCH_TABLE = 1146
READY = """
    SELECT version_num, (
        SELECT max(u.plugin = 'AWSAuthenticationPlugin') FROM mysql.user u JOIN mysql.db d USING (User, Host)
        WHERE u.User = %s AND u.Host = '%%' AND d.Db = %s AND d.Insert_priv = 'Y')
    FROM alembic_version"""


class MysqlServer(Server):
    """Aurora MySQL, MySQL and MariaDB."""

    @override
    def version(self, role: RuntimeRole | None) -> tuple[str | None, bool]:
        pattern = grant_pattern(self.schema)[1:-1].replace("``", "`")
        try:
            found = self.row(READY, role.db_role if role else "", pattern)
        except pymysql.err.ProgrammingError as error:
            if error.args[0] != NO_SUCH_TABLE:
                raise
            return None, False
        if not found:
            return None, False
        return found[0], role is None or (found[1] is not None and bool(found[1]) == (role.auth == "iam"))

    @override
    def ensure_role(self, role: RuntimeRole, password: str | None) -> None:
        self.run(*role_statements(role.db_role, self.schema, role.auth, password))

    @override
    def set_database_defaults(self) -> None:
        """Set how text is compared; RDS makes databases with the server's own collation."""
        self.run(f"ALTER DATABASE {quoted(self.schema)} {TEXT}")

    @override
    def drop_all(self) -> None:
        self.run(*drop_all_statements(self.schema))

    @override
    def transaction_id(self) -> int | None:
        return None

    @override
    def is_committed(self, transaction_id: int | None) -> bool:
        return True

    @override
    def try_lock(self) -> bool:
        return self.row("SELECT GET_LOCK(%s, 0)", self._lock_name)[0] == 1

    @override
    def unlock(self) -> None:
        self.row("SELECT RELEASE_LOCK(%s)", self._lock_name)

    @property
    def _lock_name(self) -> str:
        """The lock is the server's: its name holds the database, hashed to stay within 64 characters."""
        return f"{LOCK}.{hashlib.sha256(self.schema.encode()).hexdigest()[:24]}"

    @override
    def create_database(self) -> None:
        self.run(create_database_statement(self.schema))


def role_statements(role: str, database: str, auth: Auth, password: str | None) -> list[str]:
    """Return statements that leave `role` there with its rights on `database`; `password` is for `auth="password"`."""
    user = f"{literal(role)}@'%'"
    login = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL"
    if auth == "password":
        login = f"IDENTIFIED BY {literal(password or '')}"
    return [
        f"CREATE USER IF NOT EXISTS {user} {login}",
        f"ALTER USER {user} {login}",
        f"GRANT {RIGHTS} ON {grant_pattern(database)}.* TO {user}",
    ]


def create_database_statement(database: str) -> str:
    """Return the statement that makes a database if it is absent."""
    return f"CREATE DATABASE IF NOT EXISTS {quoted(database)} {TEXT}"


def drop_all_statements(database: str) -> list[str]:
    """Return statements that drop all that a database holds, keeping it."""
    return [f"DROP DATABASE {quoted(database)}", create_database_statement(database), f"USE {quoted(database)}"]


def quoted(identifier: str) -> str:
    """Return an identifier as SQL, whatever it holds."""
    return "`" + identifier.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Return a string as SQL, backslashes being escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def grant_pattern(database: str) -> str:
    r"""Return a database as a GRANT takes it, `_` and `%` standing for any characters there: `app\_one`."""
    return quoted(database.replace("\\", "\\\\").replace("_", r"\_").replace("%", r"\%"))
