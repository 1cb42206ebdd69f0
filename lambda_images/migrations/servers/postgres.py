"""PostgreSQL: the database, the application's role and its rights, and the lock."""

import hashlib
from typing import cast

import psycopg
from psycopg.errors import DuplicateDatabase, UndefinedTable, UniqueViolation
from typing_extensions import override

from lambda_images.database.contract import RuntimeRole
from lambda_images.database.engines import Auth
from lambda_images.migrations.servers.base import LOCK, Server

# Advisory locks belong to one database.
LOCK_KEY = int.from_bytes(hashlib.sha256(LOCK.encode()).digest()[:8], signed=True)
RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
# Not the schemas of an extension: they go with it, and cannot go without.
DROP_ALL = (
    """DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT nspname FROM pg_namespace n WHERE nspname !~ '^pg_|^information_schema$' AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = n.oid AND deptype = 'e')
    LOOP EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP;
END $$""",
    "CREATE SCHEMA public",
)
READY = """
    SELECT version_num, (SELECT EXISTS (
        SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid AND g.rolname = 'rds_iam'
        WHERE m.member = r.oid)
        FROM pg_roles r WHERE r.rolname = %s AND r.rolcanlogin
        AND has_database_privilege(r.oid, current_database(), 'CONNECT')
        AND has_schema_privilege(r.oid, 'public', 'USAGE')
        AND has_table_privilege(r.oid, 'alembic_version', 'INSERT'))
    FROM alembic_version"""
IAM_MEMBER = """
    SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
    WHERE g.rolname = 'rds_iam' AND r.rolname = %s"""


class PostgresServer(Server):
    """Aurora PostgreSQL, and PostgreSQL."""

    @override
    def version(self, role: RuntimeRole | None) -> tuple[str | None, bool]:
        try:
            found = self.row(READY, role.db_role if role else "")
        except UndefinedTable:
            return None, False
        if not found:
            return None, False
        return found[0], role is None or found[1] == (role.auth == "iam")

    @override
    def ensure_role(self, role: RuntimeRole, password: str | None) -> None:
        exists = bool(self.row("SELECT 1 FROM pg_roles WHERE rolname = %s", role.db_role))
        verifier = self._scram_verifier(role.db_role, password) if password else None
        self.run(*role_statements(role.db_role, self.schema, role.auth, exists=exists, password=verifier))
        if role.auth == "password" and self.row(IAM_MEMBER, role.db_role):
            self.run(password_login_statement(role.db_role))

    @override
    def set_database_defaults(self) -> None:
        pass

    @override
    def drop_all(self) -> None:
        self.run(*DROP_ALL)

    @override
    def transaction_id(self) -> int | None:
        return self.row("SELECT txid_current()")[0]

    @override
    def is_committed(self, transaction_id: int | None) -> bool:
        return self.row("SELECT txid_status(%s)", transaction_id) == ("committed",)

    @override
    def try_lock(self) -> bool:
        return self.row("SELECT pg_try_advisory_lock(%s)", LOCK_KEY)[0]

    @override
    def unlock(self) -> None:
        self.row("SELECT pg_advisory_unlock(%s)", LOCK_KEY)

    @override
    def create_database(self) -> None:
        try:
            self.run(f"CREATE DATABASE {quoted(self.schema)}")
        except (DuplicateDatabase, UniqueViolation):
            return  # Another runner was quicker.

    def _scram_verifier(self, role: str, password: str) -> str:
        """Return what the server stores; it never sees the password, so no log of its can hold it."""
        connection = cast(psycopg.Connection, self.connection)
        return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def role_statements(role: str, database: str, auth: Auth, *, exists: bool, password: str | None) -> list[str]:
    """Return statements, for one transaction inside `database`, that leave `role` there with its rights and no others.

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


def password_login_statement(role: str) -> str:
    """Return the statement that lets a role log in by password: RDS asks members of `rds_iam` for a token only."""
    return f"REVOKE rds_iam FROM {quoted(role)}"


def quoted(identifier: str) -> str:
    """Return an identifier as SQL, whatever it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a string as SQL, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"
