"""PostgreSQL: the database, the application's role and its rights, and the lock."""

import hashlib
from collections.abc import Sequence
from typing import cast

import psycopg
from psycopg.errors import DuplicateDatabase, UndefinedTable, UniqueViolation
from typing_extensions import override

from aurora_lambda_runtime.database.contract import RuntimeRole
from aurora_lambda_runtime.database.quoting import literal, quoted
from aurora_lambda_runtime.migrations.servers.base import IDLE_SECONDS, LOCK, LOCK_SECONDS, Query, Server
from aurora_lambda_runtime.migrations.servers.joined_statements import join_statements

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
IAM_MEMBER = """
    SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
    WHERE g.rolname = 'rds_iam' AND m.member = r.oid"""
# By default everybody may connect to this database, which RDS makes and the master user owns.
OPEN_DATABASE = """
    SELECT FROM pg_database o WHERE o.datname = 'postgres' AND o.datdba = current_user::regrole
    AND has_database_privilege('public', o.oid, 'CONNECT')"""
APPLIED = "SELECT FROM migration_checksums WHERE revision = %(head)s AND checksum = %(checksum)s"
# Each line is what `role_statements` makes so. An aclitem is ROLE=RIGHTS/GRANTOR, each right a letter.
# Source: PostgreSQL documentation, "Privileges".
ROLE_IS_READY = f"""
    SELECT FROM pg_roles r, pg_database d WHERE r.rolname = %(role)s AND d.datname = current_database()
    AND r.rolcanlogin AND NOT (r.rolsuper OR r.rolcreatedb OR r.rolcreaterole)
    AND EXISTS ({IAM_MEMBER}) = %(iam)s
    AND NOT EXISTS (
        SELECT FROM pg_db_role_setting s, unnest(s.setconfig) setting
        WHERE s.setrole IN (0, r.oid) AND s.setdatabase IN (0, d.oid) AND setting LIKE 'search_path=%%')
    AND has_database_privilege(r.oid, d.oid, 'CONNECT') AND NOT has_database_privilege('public', d.oid, 'CONNECT')
    AND has_schema_privilege(r.oid, 'public', 'USAGE') AND NOT has_schema_privilege(r.oid, 'public', 'CREATE')
    AND NOT has_schema_privilege('public', 'public', 'USAGE')
    AND NOT EXISTS (
        SELECT FROM pg_class c, LATERAL (SELECT CASE
            WHEN c.relkind = 'S' THEN 'rU'
            WHEN c.relname IN ('alembic_version', 'migration_checksums', 'migration_owner') THEN 'r'
            ELSE 'arwd' END) AS wanted (rights)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND format('%%s=%%s/%%s', r.oid::regrole, rights, c.relowner::regrole)::aclitem = ANY (c.relacl) IS NOT TRUE)
    AND 2 = (
        SELECT count(*) FROM pg_default_acl a, LATERAL (
            SELECT CASE a.defaclobjtype WHEN 'r' THEN 'arwd' WHEN 'S' THEN 'rU' END) AS wanted (rights)
        WHERE a.defaclrole = current_user::regrole AND a.defaclnamespace = 'public'::regnamespace AND rights <> ''
        AND a.defaclacl @> format('%%s=%%s/%%s', r.oid::regrole, rights, a.defaclrole::regrole)::aclitem)
    AND NOT EXISTS ({OPEN_DATABASE})"""  # noqa: S608
# Another runner, of another database, may be at the same.
CLOSE_DATABASE = f"""DO $$ BEGIN
    IF EXISTS ({OPEN_DATABASE}) THEN REVOKE ALL ON DATABASE postgres FROM PUBLIC; END IF;
EXCEPTION WHEN internal_error THEN NULL;
END $$"""


class PostgresServer(Server):
    """Aurora PostgreSQL, and PostgreSQL."""

    session_settings = (
        f"SET statement_timeout = 0; SET idle_session_timeout = '{IDLE_SECONDS}s';"
        f" SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
    )
    blockers_query = """
        SELECT concat_ws(' ', 'process', pid, usename, application_name, state),
            extract(epoch FROM now() - xact_start)::int
        FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now()
        ORDER BY xact_start LIMIT 3"""

    other_databases_of_role = """
        SELECT datname FROM pg_database d, aclexplode(d.datacl) granted JOIN pg_roles r ON r.oid = granted.grantee
        WHERE r.rolname = %s AND datname <> current_database()"""

    @property
    @override
    def table_schema(self) -> str:
        return "public"

    @override
    def is_ready(self, head: str, checksum: str, role: RuntimeRole | None) -> bool:
        values: dict[str, str | bool] = {"head": head, "checksum": checksum}
        if role:
            values |= {"role": role.db_role, "iam": role.auth == "iam"}
        role_is_ready = f" AND EXISTS ({ROLE_IS_READY})" if role else ""
        query = f"SELECT version_num = %(head)s AND EXISTS ({APPLIED}){role_is_ready} FROM alembic_version"  # noqa: S608
        try:
            return cast(psycopg.Connection, self.connection).execute(query.encode(), values).fetchone() == (True,)
        except UndefinedTable:
            return False

    @override
    def limit_lock_waits(self) -> None:
        """Set the limit for this transaction alone.

        What a revision commits by itself cannot be done again, and CREATE INDEX CONCURRENTLY, which holds up nobody,
        would leave an invalid index.
        """
        self.run(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")

    @override
    def describe_tables(self, statement: str) -> str:
        raise NotImplementedError("a failed migration is rolled back")

    @override
    def ensure_role(self, role: RuntimeRole, password: str | None) -> None:
        exists = bool(self.row("SELECT 1 FROM pg_roles WHERE rolname = %s", role.db_role))
        verifier = self._scram_verifier(role.db_role, password) if password else None
        self.run(*role_statements(role, self.schema, exists=exists, verifier=verifier, has_owner=bool(self._owner)))
        # RDS lets members of `rds_iam` log in by token only.
        member = f"SELECT EXISTS ({IAM_MEMBER}) FROM pg_roles r WHERE r.rolname = %s"  # noqa: S608
        if role.auth == "password" and self.row(member, role.db_role) == (True,):
            self.run(f"REVOKE rds_iam FROM {quoted(role.db_role)}")
        self.run(CLOSE_DATABASE)

    @override
    def grant_tables(self, role: RuntimeRole) -> None:
        """Do nothing: the creator's default privileges have reached the role."""

    @override
    def prepare_database(self) -> None:
        """Do nothing: text is compared byte by byte."""

    @override
    def drop_all(self) -> None:
        self.run(*DROP_ALL)

    @override
    def forget_reset(self) -> None:
        """Do nothing: a reset is one transaction."""

    @override
    def joined(self, statement: str, others: Sequence[Query]) -> str:
        return join_statements(self.connection, statement, others)

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


def role_statements(
    role: RuntimeRole, database: str, *, exists: bool, verifier: str | None, has_owner: bool = False
) -> list[str]:
    """Return statements, for one transaction inside `database`, that leave the role with its rights and no others.

    `verifier` is the password, or what the server stores of it; None leaves the one that is set. `has_owner` says that
    a table of the database says whose it is.
    """
    owner = ", migration_owner" if has_owner else ""
    name, within = quoted(role.db_role), quoted(database)
    return [
        f"{'ALTER' if exists else 'CREATE'} ROLE {name} LOGIN NOCREATEDB NOCREATEROLE",
        *([f"ALTER ROLE {name} PASSWORD {literal(verifier)}"] if verifier else []),
        *([f"GRANT rds_iam TO {name}"] if role.auth == "iam" else []),
        f"ALTER ROLE {name} RESET search_path",
        f"ALTER ROLE {name} IN DATABASE {within} RESET search_path",
        f"ALTER DATABASE {within} RESET search_path",
        f"REVOKE ALL ON DATABASE {within} FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {within} TO {name}",
        f"REVOKE ALL ON SCHEMA public FROM {name}",
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}",
        f"GRANT {RIGHTS} ON ALL TABLES IN SCHEMA public TO {name}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version, migration_checksums{owner} FROM {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {RIGHTS} ON TABLES TO {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {name}",
    ]
