"""What the runner asks of a server directly, on the driver's own connection: locks, databases, roles, versions.

Everything here is plain SQL, so that a deployment with nothing to do loads neither Alembic nor SQLAlchemy.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from typing_extensions import override

from lambda_images.database.connector import Connector
from lambda_images.database.contract import RuntimeRole
from lambda_images.database.errors import DatabaseMissingError
from lambda_images.migrations import access
from lambda_images.migrations.errors import MigrationBusyError, MigrationError

LOCK = "aurora-lambda.migrations"
NO_SUCH_TABLE = 1146


class Server(ABC):
    """One engine's way of saying each of these things; `raw` is a driver connection."""

    transactional_ddl: ClassVar[bool]
    # The database to connect to while ours is absent.
    maintenance: ClassVar[str]

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.schema = connector.settings.schema

    def open(self, create: bool) -> Any:
        """A connection to the database, which is made first if it is absent and `create` is true.

        Raises:
            MigrationError: the database is absent.
        """
        try:
            return self.connector.open()
        except DatabaseMissingError:
            if not create:
                raise MigrationError(f"there is no database {self.schema!r}: run `aurora-lambda migrate`") from None
        raw = self.connector.open(self.maintenance)
        try:
            self._create_database(raw)
        finally:
            raw.close()
        return self.connector.open()

    def lock(self, raw: Any) -> None:
        """Keep other runners out until `raw` is closed.

        Raises:
            MigrationBusyError: one is at work.
        """
        if not self._try_lock(raw):
            raise MigrationBusyError(
                f"busy: another migration runner is at work on the database {self.schema!r};"
                " nothing was done, try again when it has finished"
            )

    @abstractmethod
    def version(self, raw: Any, role: RuntimeRole | None) -> tuple[str | None, bool]:
        """The revision the database is at, and whether `role` is there as it has to be; one SELECT."""

    @abstractmethod
    def ensure_role(self, raw: Any, role: RuntimeRole, password: str | None) -> None:
        """Make or mend the role; a password is set when one is given."""

    def set_database_defaults(self, raw: Any) -> None:
        """Give the database the defaults that tables made in it rely on."""
        del raw

    def transaction(self, raw: Any) -> int | None:
        """The number of the transaction `raw` is in, where one goes around all revisions of a run."""
        del raw

    def committed(self, raw: Any, transaction: int | None) -> bool:
        """Whether what a failed run did in `transaction` has stayed."""
        del raw, transaction
        return not self.transactional_ddl

    @abstractmethod
    def _try_lock(self, raw: Any) -> bool: ...

    @abstractmethod
    def _create_database(self, raw: Any) -> None: ...

    def empty(self, raw: Any) -> None:
        """Drop everything in the database."""
        self.run(raw, access.drop_all_statements(self.connector.settings.engine, self.schema))

    def run(self, raw: Any, statements: Sequence[str]) -> None:
        """MigrationRun statements that hold all their values."""
        for statement in statements:
            with raw.cursor() as cursor:
                cursor.execute(statement)

    def row(self, raw: Any, statement: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...]:
        """The first row of a query; empty when there is none."""
        with raw.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone() or ()


class Postgres(Server):
    """Aurora PostgreSQL, and PostgreSQL."""

    transactional_ddl = True
    maintenance = "postgres"

    @override
    def version(self, raw: Any, role: RuntimeRole | None) -> tuple[str | None, bool]:
        import psycopg  # noqa: PLC0415 - only this engine's driver is loaded

        statement = """
            SELECT version_num, (SELECT EXISTS (
                SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid AND g.rolname = 'rds_iam'
                WHERE m.member = r.oid)
                FROM pg_roles r WHERE r.rolname = %s AND r.rolcanlogin
                AND has_database_privilege(r.oid, current_database(), 'CONNECT')
                AND has_schema_privilege(r.oid, 'public', 'USAGE')
                AND has_table_privilege(r.oid, 'alembic_version', 'INSERT'))
            FROM alembic_version"""
        try:
            found = self.row(raw, statement, (role.db_role if role else "",))
        except psycopg.errors.UndefinedTable:
            return None, False
        if not found:
            return None, False
        return found[0], role is None or found[1] == (role.auth == "iam")

    @override
    def ensure_role(self, raw: Any, role: RuntimeRole, password: str | None) -> None:
        known = bool(self.row(raw, "SELECT 1 FROM pg_roles WHERE rolname = %s", (role.db_role,)))
        secret = self._verifier(raw, role.db_role, password) if password else None
        self.run(raw, access.postgres_role(role.db_role, self.schema, role.auth, known, secret))
        if role.auth == "password" and self._asks_for_token(raw, role.db_role):
            self.run(raw, [access.postgres_without_iam(role.db_role)])

    @override
    def transaction(self, raw: Any) -> int | None:
        return self.row(raw, "SELECT txid_current()")[0]

    @override
    def committed(self, raw: Any, transaction: int | None) -> bool:
        return self.row(raw, "SELECT txid_status(%s)", (transaction,)) == ("committed",)

    def _verifier(self, raw: Any, role: str, password: str) -> str:
        """What the server stores; it never sees the password, so no log of its can hold it."""
        return raw.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()

    def _asks_for_token(self, raw: Any, role: str) -> bool:
        member = """
            SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
            WHERE g.rolname = 'rds_iam' AND r.rolname = %s"""
        return bool(self.row(raw, member, (role,)))

    def _try_lock(self, raw: Any) -> bool:
        key = int.from_bytes(hashlib.sha256(LOCK.encode()).digest()[:8], signed=True)
        return self.row(raw, "SELECT pg_try_advisory_lock(%s)", (key,))[0]

    def _create_database(self, raw: Any) -> None:
        import psycopg  # noqa: PLC0415 - only this engine's driver is loaded

        try:
            self.run(raw, [access.postgres_database(self.schema)])
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return  # Another runner was quicker.


class Mysql(Server):
    """Aurora MySQL, MySQL and MariaDB."""

    transactional_ddl = False
    maintenance = ""

    @override
    def version(self, raw: Any, role: RuntimeRole | None) -> tuple[str | None, bool]:
        import pymysql  # noqa: PLC0415 - only this engine's driver is loaded

        statement = """
            SELECT version_num, (
                SELECT max(u.plugin = 'AWSAuthenticationPlugin') FROM mysql.user u JOIN mysql.db d USING (User, Host)
                WHERE u.User = %s AND u.Host = '%%' AND d.Db = %s AND d.Insert_priv = 'Y')
            FROM alembic_version"""
        pattern = access.mysql_pattern(self.schema)[1:-1].replace("``", "`")
        try:
            found = self.row(raw, statement, (role.db_role if role else "", pattern))
        except pymysql.err.ProgrammingError as error:
            if error.args[0] != NO_SUCH_TABLE:
                raise
            return None, False
        if not found:
            return None, False
        return found[0], role is None or (found[1] is not None and bool(found[1]) == (role.auth == "iam"))

    @override
    def ensure_role(self, raw: Any, role: RuntimeRole, password: str | None) -> None:
        self.run(raw, access.mysql_role(role.db_role, self.schema, role.auth, password))

    @override
    def set_database_defaults(self, raw: Any) -> None:
        self.run(raw, [access.mysql_text(self.schema)])

    def _try_lock(self, raw: Any) -> bool:
        name = f"{LOCK}.{hashlib.sha256(self.schema.encode()).hexdigest()[:24]}"
        return self.row(raw, "SELECT GET_LOCK(%s, 0)", (name,))[0] == 1

    def _create_database(self, raw: Any) -> None:
        self.run(raw, [access.mysql_database(self.schema)])


def server(connector: Connector) -> Server:
    """The server that `connector` reaches."""
    return (Postgres if connector.settings.engine == "postgres" else Mysql)(connector)
