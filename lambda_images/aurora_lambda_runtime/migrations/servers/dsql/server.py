"""Aurora DSQL: the schema, the application's role, and the lock. Each statement commits by itself."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Self, cast

from psycopg.errors import DuplicateObject, InvalidSchemaName, UndefinedTable, UniqueViolation
from typing_extensions import override

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import RuntimeRole, is_shared
from aurora_lambda_runtime.database.drivers import DriverConnection
from aurora_lambda_runtime.database.drivers.dsql import DsqlConnection
from aurora_lambda_runtime.database.quoting import quoted
from aurora_lambda_runtime.migrations.servers.base import Query, Server, database_missing
from aurora_lambda_runtime.migrations.servers.dsql.access import (
    MAPPINGS,
    MISSING,
    access_parameters,
    access_statements,
    drop_role_statements,
)
from aurora_lambda_runtime.migrations.servers.dsql.cursors import MigrationCursor
from aurora_lambda_runtime.migrations.servers.dsql.lease import (
    CREATE_LEASE_TABLE,
    END_LEASE,
    READ_LEASE,
    TAKE_LEASE,
    Lease,
)
from aurora_lambda_runtime.migrations.servers.dsql.owner import COMMENT, LOGINS, claim_statements
from aurora_lambda_runtime.migrations.servers.joined_statements import join_statements

# What is left to do when a job is not waited for any longer, besides the runner's own reserve: to say so.
RESERVE_SECONDS = 3.0
# How often to look whether whoever holds the lease is still there.
POLL_SECONDS = 0.25
AT_HEAD = """
    SELECT version_num = %(head)s AND NOT EXISTS (SELECT FROM migration_progress) AND EXISTS (
        SELECT FROM migration_checksums WHERE revision = %(head)s AND checksum = %(checksum)s)"""
ROLE_IS_READY = f" AND NOT EXISTS ({MISSING})"
END_RESET = "UPDATE migration_lease SET dropping = false"
OWN_TABLES = """
    SELECT count(*) FROM pg_tables WHERE schemaname = %s
    AND tablename IN ('alembic_version', 'migration_checksums', 'migration_progress')
    AND (tablename <> 'migration_checksums' OR EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = format('%%I.%%I', schemaname, tablename)::regclass
        AND attname = 'message'))"""
# All that a statement which makes a table may change: whether it is there.
TABLES = """
    SELECT relkind::text, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname = %(schema)s AND position(lower(relname) IN %(statement)s) > 0 ORDER BY 1, 2"""
_MAKES_TABLE = re.compile(r"\s*CREATE\s+TABLE\b", re.IGNORECASE)
# What a statement may change, but for indexes that are not built and constraints that are not validated.
DEFINITIONS = """
    WITH space AS (SELECT oid, nspacl FROM pg_namespace WHERE nspname = %(schema)s),
    relation AS (
        SELECT c.* FROM space JOIN pg_class c ON c.relnamespace = space.oid
        WHERE position(lower(relname) IN %(statement)s) > 0)
    SELECT 'schema', '', nspacl::text FROM space
    UNION ALL SELECT 'default privileges', defaclobjtype::text, defaclacl::text
        FROM space JOIN pg_default_acl ON defaclnamespace = space.oid
    UNION ALL SELECT relkind::text, relname, relacl::text FROM relation WHERE relkind IN ('r', 'v', 'S')
    UNION ALL SELECT 'view', relname, pg_get_viewdef(oid) FROM relation WHERE relkind = 'v'
    UNION ALL SELECT 'column', relname || '.' || attname, concat_ws(' ', attnum, format_type(atttypid, atttypmod),
            attnotnull, attidentity, attgenerated, pg_get_expr(adbin, adrelid))
        FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind IN ('r', 'v')
    UNION ALL SELECT 'constraint', relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid)
        FROM relation JOIN pg_constraint ON conrelid = relation.oid
    UNION ALL SELECT 'index', relname, pg_get_indexdef(indexrelid)
        FROM relation JOIN pg_index ON indexrelid = relation.oid AND indisvalid
    UNION ALL SELECT 'comment', relname || '.' || objsubid, description
        FROM relation JOIN pg_description ON objoid = relation.oid
    UNION ALL SELECT 'function', proname, pg_get_functiondef(pg_proc.oid)
        FROM space JOIN pg_proc ON pronamespace = space.oid
    UNION ALL SELECT 'domain', typname, format_type(typbasetype, typtypmod)
        FROM space JOIN pg_type ON typnamespace = space.oid AND typtype = 'd'
    ORDER BY 1, 2, 3"""
OBJECTS = """
    WITH space AS (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
    SELECT CASE relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' ELSE 'SEQUENCE' END, quote_ident(relname)
        FROM space JOIN pg_class ON relnamespace = space.oid AND relkind IN ('r', 'v', 'S')
        AND relname NOT IN ('alembic_version', 'migration_checksums', 'migration_progress', 'migration_lease')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'i')
    UNION ALL SELECT 'FUNCTION', quote_ident(proname) || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')'
        FROM space JOIN pg_proc ON pronamespace = space.oid
    UNION ALL SELECT 'DOMAIN', quote_ident(typname)
        FROM space JOIN pg_type ON typnamespace = space.oid AND typtype = 'd'
    ORDER BY 1 DESC, 2"""


class DsqlServer(Server):
    """Aurora DSQL; our database is a schema."""

    def __init__(self, connector: Connector, connection: DriverConnection) -> None:
        super().__init__(connector, connection)
        self._dsql = cast(DsqlConnection, connection)
        self._dsql.cursor_factory = MigrationCursor
        self._dsql.deadline = connector.deadline - RESERVE_SECONDS
        self._lease = Lease(connector)

    @classmethod
    @override
    def open(cls, connector: Connector, *, create: bool) -> Self:
        server = cls(connector, connector.open())
        if not create and not server.row("SELECT 1 FROM pg_namespace WHERE nspname = %s", server.schema):
            server.close()
            raise database_missing(connector)
        return server

    @override
    def try_lock(self) -> bool:
        asked_at = time.monotonic()
        try:
            taken = self._take_lease()
        except (UndefinedTable, InvalidSchemaName):
            self.create_database()
            self._run_unless_done(CREATE_LEASE_TABLE)
            taken = self._take_lease()
        if not taken and self._outlives_holder():
            asked_at, taken = time.monotonic(), self._take_lease()
        if taken:
            self._lease.begin(asked_at)
            self._dsql.before_statement = self._lease.check
        return taken

    @override
    def claim(self, role: RuntimeRole | None) -> None:
        logins = self.rows(LOGINS, role.db_role if role else "", self.schema)
        comment = (self.row(COMMENT, self.schema) or ("",))[0] or ""
        self.run(*claim_statements(self.schema, self.connector.settings.owner, comment, role, logins))

    @override
    def unlock(self) -> None:
        self._lease.end()
        self.row(END_LEASE, self._lease.holder)

    @override
    def create_database(self) -> None:
        self._run_unless_done(f"CREATE SCHEMA IF NOT EXISTS {quoted(self.schema)}")

    @override
    def create_tables(self) -> None:
        """Make the runner's own tables; none is asked for that is there, as all sessions are disturbed by that too."""
        if self.row(OWN_TABLES, self.schema) != (3,):
            super().create_tables()

    @override
    def is_ready(self, head: str, checksum: str, role: RuntimeRole | None) -> bool:
        values = {"head": head, "checksum": checksum, **(self._access_parameters(role) if role else {})}
        query = f"{AT_HEAD}{ROLE_IS_READY if role else ''} FROM alembic_version"
        try:
            return self._dsql.execute(query.encode(), values).fetchone() == (True,)
        except UndefinedTable:
            return False

    def _access_parameters(self, role: RuntimeRole) -> Mapping[str, str | bool]:
        return access_parameters(role, self.schema, is_shared=is_shared(self.connector.settings.owner))

    @override
    def describe_tables(self, statement: str) -> str:
        named_in = statement.lower().replace('""', '"')
        query = TABLES if _MAKES_TABLE.match(statement) else DEFINITIONS
        return repr(self._dsql.execute(query, {"schema": self.schema, "statement": named_in}).fetchall())

    @override
    def ensure_role(self, role: RuntimeRole, password: str | None) -> None:
        missing = self._dsql.execute(MISSING, self._access_parameters(role)).fetchall()
        for statement in access_statements(role, self.schema, missing):
            self._run_unless_done(statement)

    @override
    def grant_tables(self, role: RuntimeRole) -> None:
        self.ensure_role(role, None)

    @override
    def prepare_database(self) -> None:
        """Finish a reset that was interrupted."""
        if self.row("SELECT 1 FROM migration_lease WHERE dropping"):
            self._drop_objects()

    @override
    def joined(self, statement: str, others: Sequence[Query]) -> str:
        return join_statements(self.connection, statement, others)

    @override
    def forget_reset(self) -> None:
        self.run(END_RESET)

    @override
    def drop_all(self) -> None:
        """Drop what is in the schema, but for the runner's own tables; each object by a transaction of its own."""
        self.create_tables()
        self.run(
            "BEGIN",
            "DELETE FROM alembic_version",
            "DELETE FROM migration_checksums",
            "DELETE FROM migration_progress",
            "UPDATE migration_lease SET dropping = true",
            "COMMIT",
        )
        self._drop_objects()

    @override
    def drop_application(self, role: RuntimeRole | None) -> None:
        self.drop_all()
        self._lease.end()
        for table in ("alembic_version", "migration_checksums", "migration_progress", "migration_lease"):
            self.run(f"DROP TABLE IF EXISTS {quoted(self.schema)}.{table}")
        self.run(f"DROP SCHEMA IF EXISTS {quoted(self.schema)}")
        if role is not None:
            for statement in drop_role_statements(role, self._dsql.execute(MAPPINGS, [role.db_role]).fetchall()):
                self.run(statement)

    def _drop_objects(self) -> None:
        for kind, name in self._dsql.execute(OBJECTS, {"schema": self.schema}).fetchall():
            self.run(f"DROP {kind} IF EXISTS {quoted(self.schema)}.{name} CASCADE")
        self.run(END_RESET)

    def _outlives_holder(self) -> bool:
        """Return whether the lease has run out unrenewed, as a killed runner's does; one at work renews it soon."""
        seen = self.row(READ_LEASE)
        while time.monotonic() < self._dsql.deadline:
            time.sleep(POLL_SECONDS)
            found = self.row(READ_LEASE)
            if found[:2] != seen[:2]:
                return False
            # Nobody has taken the first lease, or this one has run out.
            if not found or found[2]:
                return True
        return False

    def _take_lease(self) -> bool:
        return bool(self.row(TAKE_LEASE, self._lease.holder, self._lease.seconds))

    def _run_unless_done(self, statement: str) -> None:
        """Run a statement; that another runner has done it a moment ago is as good."""
        try:
            self.run(statement)
        except (DuplicateObject, UniqueViolation):
            return
