"""MySQL: the database, the application's role and its rights, and the lock."""

import hashlib
import re

from typing_extensions import override

from aurora_lambda_runtime.database.contract import RuntimeRole
from aurora_lambda_runtime.migrations.servers.base import IDLE_SECONDS, LOCK, LOCK_SECONDS, Server

RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
WRITABLE = 15
# MySQL's own collations find "ann@example.org" equal to "Ann@Example.org", which PostgreSQL does not.
COLLATION = "utf8mb4_bin"
TEXT = f"CHARACTER SET utf8mb4 COLLATE {COLLATION}"
DATABASE_COLLATION = "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = %s"
IAM_PLUGIN = "AWSAuthenticationPlugin"
NAMES_PROGRAM = re.compile(r"\b(?:TRIGGER|PROCEDURE|FUNCTION)\b", re.IGNORECASE)
PROGRAMS = """
    SELECT trigger_name, event_object_table, action_timing, event_manipulation, action_statement
    FROM information_schema.triggers WHERE trigger_schema = database()
    UNION ALL SELECT routine_name, routine_type, created, last_altered, routine_definition
    FROM information_schema.routines WHERE routine_schema = database()"""
# `Table_priv` is a set: SELECT is 1, INSERT 2, UPDATE 4, DELETE 8; as a number, MySQL gives it with a floating point.
# The names in the two tables differ in collation.
UNGRANTED_TABLES = """
    SELECT t.table_name, p.Table_priv, CAST(coalesce(p.Table_priv + 0, 0) AS UNSIGNED), t.rights FROM (
        SELECT table_name, CASE table_name WHEN 'migration_progress' THEN 0 WHEN 'migration_owner' THEN 0
            WHEN 'alembic_version' THEN 1 WHEN 'migration_checksums' THEN 1 ELSE 15 END AS rights
        FROM information_schema.tables WHERE table_schema = database()) t
    LEFT JOIN mysql.tables_priv p ON CAST(p.Table_name AS BINARY) = CAST(t.table_name AS BINARY)
        AND p.Db = database() AND p.User = %s AND p.Host = '%%'
    WHERE coalesce(p.Table_priv + 0, 0) <> t.rights"""
RIGHTS_ON_DATABASE = "SELECT 1 FROM mysql.db WHERE User = %s AND Host = '%%' AND Db = %s"
PRIVILEGES_ON_DATABASE = """
    SELECT privilege_type FROM information_schema.schema_privileges
    WHERE grantee = concat("'", %s, "'@'%%'") AND table_schema = %s"""
READY = f"""
    SELECT version_num = %s AND NOT EXISTS (SELECT 1 FROM migration_progress)
    AND EXISTS (SELECT 1 FROM migration_checksums WHERE revision = %s AND checksum = %s) AND (%s = '' OR (
        EXISTS (SELECT 1 FROM mysql.user WHERE User = %s AND Host = '%%' AND (plugin = '{IAM_PLUGIN}') = %s)
        AND NOT EXISTS ({RIGHTS_ON_DATABASE}) AND NOT EXISTS ({UNGRANTED_TABLES})))
    FROM alembic_version"""  # noqa: S608


class MysqlServer(Server):
    """Aurora MySQL, MySQL and MariaDB."""

    # What a server adds to a table without a primary key, where it is told to, is no difference from the code.
    session_settings = (
        f"SET SESSION wait_timeout = {IDLE_SECONDS}, lock_wait_timeout = {LOCK_SECONDS}"
        " /*!80030 , show_gipk_in_create_table_and_information_schema = OFF */"
    )
    blockers_query = """
        SELECT concat_ws(' ', 'connection', id, user, command), timestampdiff(SECOND, trx_started, now())
        FROM information_schema.innodb_trx JOIN information_schema.processlist ON id = trx_mysql_thread_id
        WHERE id <> connection_id() ORDER BY trx_started LIMIT 3"""
    other_databases_of_role = "SELECT DISTINCT Db FROM mysql.tables_priv WHERE User = %s AND Db <> database()"
    record_checksum = "REPLACE INTO migration_checksums (revision, checksum, message) VALUES (%s, %s, %s)"

    @override
    def is_ready(self, head: str, checksum: str, role: RuntimeRole | None) -> bool:
        name, by_token = (role.db_role, role.auth == "iam") if role else ("", False)
        return (1,) in self.own_rows(
            READY, head, head, checksum, name, name, by_token, name, escaped(self.schema), name
        )

    @override
    def describe_tables(self, statement: str) -> str:
        """Return the definitions of the tables, triggers and routines that `statement` names.

        DDL is atomic: a statement that was cut off has left all of it or nothing.
        Source: https://dev.mysql.com/doc/refman/8.0/en/atomic-ddl.html
        """
        names = [name for (name,) in self.rows("SHOW TABLES") if name.lower() in statement.lower()]
        tables = [self.row(f"SHOW CREATE TABLE {quoted(name)}") for name in names]
        programs = self.rows(PROGRAMS) if NAMES_PROGRAM.search(statement) else ()
        return re.sub(r" AUTO_INCREMENT=\d+", "", repr((tables, programs)))

    @override
    def ensure_role(self, role: RuntimeRole, password: str | None) -> None:
        plugin = self.row("SELECT plugin FROM mysql.user WHERE User = %s AND Host = '%%'", role.db_role)
        statements = login_statements(role, password or "")
        if role.auth == "password" and plugin == (IAM_PLUGIN,):
            # Given a password, MySQL keeps the plugin.
            statements = [f"DROP USER {user(role)}", *statements]
        self.run(*statements)

    @override
    def grant_tables(self, role: RuntimeRole) -> None:
        """Give the role its rights table by table: of those on a whole database, none can be taken back for a table.

        What is revoked is named: MySQL refuses to revoke what a role has not, MariaDB what we have not.
        """
        for table, names, held, wanted in self.rows(UNGRANTED_TABLES, role.db_role):
            on = f"ON {quoted(self.schema)}.{quoted(table)}"
            if held & ~wanted:
                self.run(f"REVOKE {names.replace('Grant', 'GRANT OPTION')} {on} FROM {user(role)}")
            if wanted:
                self.run(f"GRANT {RIGHTS if wanted == WRITABLE else 'SELECT'} {on} TO {user(role)}")
        if privileges := self.rows(PRIVILEGES_ON_DATABASE, role.db_role, escaped(self.schema)):
            names = ", ".join(name for (name,) in privileges)
            self.run(f"REVOKE {names} ON {quoted(escaped(self.schema))}.* FROM {user(role)}")

    @override
    def prepare_database(self) -> None:
        """Set how text is compared; RDS makes databases with the server's own collation.

        A killed runner's DROP DATABASE may have ended after we connected: only under the lock is it known to be over.
        A statement that changes nothing would still wait for every transaction on the database, and others for it.
        """
        found = self.row(DATABASE_COLLATION, self.schema)
        if not found:
            self.create_database()
        elif found != (COLLATION,):
            self.run(f"ALTER DATABASE {quoted(self.schema)} {TEXT}")

    @override
    def drop_all(self) -> None:
        self.run(*drop_all_statements(self.schema))

    @override
    def forget_reset(self) -> None:
        """Do nothing: a database is dropped as a whole."""

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


def login_statements(role: RuntimeRole, password: str) -> list[str]:
    """Return statements that leave `role` there, logging in as it has to."""
    login = f"IDENTIFIED WITH {IAM_PLUGIN} AS 'RDS' REQUIRE SSL"
    if role.auth == "password":
        login = f"IDENTIFIED BY {literal(password)} REQUIRE NONE"
    return [f"CREATE USER IF NOT EXISTS {user(role)} {login}", f"ALTER USER {user(role)} {login}"]


def user(role: RuntimeRole) -> str:
    """Return a role as MySQL names it: a user, wherever it logs in from."""
    return f"{literal(role.db_role)}@'%'"


def create_database_statement(database: str) -> str:
    """Return the statement that makes a database if it is absent."""
    return f"CREATE DATABASE IF NOT EXISTS {quoted(database)} {TEXT}"


def drop_all_statements(database: str) -> list[str]:
    """Return statements that drop all that a database holds, keeping it."""
    name = quoted(database)
    return [f"DROP DATABASE IF EXISTS {name}", create_database_statement(database), f"USE {name}"]


def quoted(identifier: str) -> str:
    """Return an identifier as SQL, whatever it holds."""
    return "`" + identifier.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Return a string as SQL, backslashes being escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def escaped(database: str) -> str:
    r"""Return a database as a GRANT on all of it takes it, where `_` and `%` stand for any characters: `app\_one`."""
    return database.replace("\\", "\\\\").replace("_", r"\_").replace("%", r"\%")
