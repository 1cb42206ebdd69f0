"""The questions that every engine's server answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, Self

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import RuntimeRole
from aurora_lambda_runtime.database.drivers import DriverConnection, Row
from aurora_lambda_runtime.database.engines import EngineSpec
from aurora_lambda_runtime.database.errors import DatabaseMissingError, error_code, format_driver_error
from aurora_lambda_runtime.migrations.errors import MigrationBusyError, MigrationError
from aurora_lambda_runtime.migrations.servers.owner import check_owner, note_owner

# A statement and its values.
Query = tuple[str, *tuple[object, ...]]
LOCK = "aurora-lambda.migrations"
# How long a statement of DDL waits for its lock: readers that come after it wait as long.
LOCK_SECONDS = 3
# How long a session may think: as long as a function may run. One without a limit would keep its locks for hours when
# its runner is gone without a word.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
IDLE_SECONDS = 900
# As Alembic makes it.
CREATE_VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS alembic_version"
    " (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
# See `aurora_lambda_runtime.migrations.history.progress`.
CREATE_PROGRESS_TABLE = (
    "CREATE TABLE IF NOT EXISTS migration_progress (revision varchar(32) NOT NULL PRIMARY KEY,"
    " direction varchar(9) NOT NULL, done text NOT NULL, writes text NOT NULL, at_work varchar(32) NOT NULL,"
    " tables_before varchar(32) NOT NULL)"
)

# See `aurora_lambda_runtime.migrations.history.checksums`.
CREATE_CHECKSUMS_TABLE = (
    "CREATE TABLE IF NOT EXISTS migration_checksums"
    " (revision varchar(32) NOT NULL PRIMARY KEY, checksum varchar(64) NOT NULL, message varchar(200))"
)
# Databases from before messages were kept have the table without them.
ADD_MESSAGES = "ALTER TABLE migration_checksums ADD COLUMN message varchar(200)"
HAS_MESSAGES = (
    "SELECT count(*) FROM information_schema.columns WHERE table_schema = %s"
    " AND table_name = 'migration_checksums' AND column_name IN ('revision', 'message')"
)


class Server(ABC):
    """A server, and the connection to our database that the runner works on. Names are quoted in every statement."""

    record_checksum: ClassVar[str] = (
        "INSERT INTO migration_checksums (revision, checksum, message) VALUES (%s, %s, %s)"
        " ON CONFLICT (revision) DO UPDATE SET checksum = excluded.checksum, message = excluded.message"
    )

    session_settings: ClassVar[str] = ""
    """The statement by which a session that may think for long, and must not wait for long, differs from others."""
    blockers_query: ClassVar[str] = ""
    """A query of those whose transactions may hold a lock that was waited for: a name and a number of seconds."""

    other_databases_of_role: ClassVar[str] = ""
    """A query of the databases besides ours that a role uses, where a table in each says whose it is."""

    def __init__(self, connector: Connector, connection: DriverConnection) -> None:
        self.connector = connector
        self.connection = connection
        self.schema = connector.settings.schema
        self.spec = connector.settings.spec
        self._locked = False

    @classmethod
    def open(cls, connector: Connector, *, create: bool) -> Self:
        """Connect to the database; when it is absent and `create` is true, make it first.

        Raises:
            MigrationError: the database is absent.
        """
        try:
            return cls(connector, connector.open())
        except DatabaseMissingError:
            if not create:
                raise database_missing(connector) from None
        maintenance = cls(connector, connector.open(connector.settings.spec.maintenance_database))
        try:
            maintenance.create_database()
        finally:
            maintenance.close()
        return cls(connector, connector.open())

    def close(self) -> None:
        """Let go of the lock and close the connection.

        A server notices a closed connection a moment later, and would call the next runner the second.
        """
        # A connection that was lost cannot be closed either; what lost it is the error to tell.
        if self._locked:
            with suppress(Exception):
                self.unlock()
        with suppress(Exception):
            self.connection.close()

    def begin_work(self) -> None:
        """Set this session's limits."""
        if self.session_settings:
            self.run(self.session_settings)

    def limit_lock_waits(self) -> None:  # noqa: B027 - not all have such a limit
        """Limit how long the statements of this transaction wait for locks, where the session does not say so."""

    def blockers(self) -> str:
        """Return who may hold a lock that was waited for, as far as this user may know."""
        try:
            found = self.rows(self.blockers_query)
        except Exception as error:
            return f"unknown ({format_driver_error(error)})"
        return ", ".join(f"{name} for {seconds} s" for name, seconds in found) or "nobody who is still there"

    def lock(self) -> None:
        """Keep other runners out until the connection is closed.

        Raises:
            MigrationBusyError: another runner is at work.
        """
        self._locked = self.try_lock()
        if not self._locked:
            raise MigrationBusyError(
                f"busy: another migration runner is at work on the database {self.schema!r};"
                " nothing was done, try again when it has finished"
            )

    def claim(self, role: RuntimeRole | None) -> None:
        """Check whose the locked database is, on a cluster that several stacks use; `create_tables` notes it.

        Raises:
            MigrationError: the database, or the role that its application is to get, is another's.
        """
        if self._owner:
            check_owner(self, self._owner, role)

    @abstractmethod
    def try_lock(self) -> bool:
        """Take the lock if it is free, and return whether it was."""

    @abstractmethod
    def unlock(self) -> None:
        """Let go of the lock."""

    @abstractmethod
    def create_database(self) -> None:
        """Make our database if it is absent."""

    def create_tables(self) -> None:
        """Make the runner's own tables where they are absent."""
        self.run(CREATE_VERSION_TABLE, CREATE_CHECKSUMS_TABLE)
        if self.row(HAS_MESSAGES, self.table_schema) == (1,):
            self.run(ADD_MESSAGES)
        if not self.spec.transactional_ddl:
            self.run(CREATE_PROGRESS_TABLE)
        if self._owner:
            note_owner(self, self._owner)

    @property
    def _owner(self) -> str:
        """Whose the database is to be; empty on a cluster of one stack, and on engines that note it elsewhere."""
        return self.connector.settings.owner if self.other_databases_of_role else ""

    def version(self) -> str | None:
        """Return the revision the database is at."""
        found = self.own_rows("SELECT version_num FROM alembic_version")
        return found[0][0] if found else None

    def own_rows(self, query: str, *values: object) -> Sequence[Row]:
        """Return the rows of a query of the runner's own tables; none where these are absent."""
        try:
            return self.rows(query, *values)
        except Exception as error:
            if error_code(error) not in self.spec.errors.schema_missing:
                raise
            return ()

    @property
    def table_schema(self) -> str:
        """The schema of our tables, as information_schema has it."""
        return self.schema

    @abstractmethod
    def is_ready(self, head: str, checksum: str, role: RuntimeRole | None) -> bool:
        """Return whether the database is at `head`, no step was interrupted, and `role` is as it has to be.

        It is at `head` when the file that was applied has this `checksum`: another branch's may have the same number.

        One SELECT compares all that can be seen of the role; whether its password works is not among that.
        """

    @abstractmethod
    def describe_tables(self, statement: str) -> str:
        """Return the definitions of what `statement` names: they are others once it has run.

        Asked on engines without transactional DDL only.
        """

    @abstractmethod
    def ensure_role(self, role: RuntimeRole, password: str | None) -> None:
        """Make or fix the role; its password is set when one is given."""

    @abstractmethod
    def grant_tables(self, role: RuntimeRole) -> None:
        """Give the role its rights on the tables that the revisions have made."""

    @abstractmethod
    def drop_all(self) -> None:
        """Drop everything in the database, and keep the database."""

    @abstractmethod
    def forget_reset(self) -> None:
        """Forget that a reset was interrupted: the next deployment is not to finish it."""

    def drop_application(self, role: RuntimeRole | None) -> None:
        """Drop our database and the role; for clusters that other applications use too.

        Raises:
            MigrationError: on engines whose clusters are one application's.
        """
        raise MigrationError(
            f"a cluster of engine {self.spec.name} goes with its stack: there is nothing to drop in it"
        )

    @abstractmethod
    def prepare_database(self) -> None:
        """Make the locked database ready for revisions: its defaults, and what an interrupted reset left."""

    def joined(self, statement: str, others: Sequence[Query]) -> str | None:
        """Return one message that runs a statement and others in one transaction; None where a message holds one."""
        return None

    def transaction_id(self) -> int | None:
        """Return the number of the transaction around all revisions of a run; None on an engine that has none."""
        return None

    def is_committed(self, transaction_id: int | None) -> bool:
        """Return whether what a failed run did in that transaction has stayed; where there is none, all has."""
        return transaction_id is None

    def run(self, *statements: str) -> None:
        """Run statements that hold all their values."""
        for statement in statements:
            with self.connection.cursor() as cursor:
                cursor.execute(statement)

    def row(self, query: str, *values: object) -> Row:
        """Run one statement and return its first row; an empty one when there is none."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return (cursor.fetchone() or ()) if cursor.description else ()

    def rows(self, query: str, *values: object) -> Sequence[Row]:
        """Return the rows of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()


def database_missing(connector: Connector) -> MigrationError:
    """Return the error of a command that needs a database where there is none."""
    return MigrationError(f"there is no database {connector.settings.schema!r}: run `aurora-lambda migrate`")


def validate_role(role: RuntimeRole, spec: EngineSpec, master: str) -> None:
    """Raise a MigrationError when `role` is the master user, or has a name that the engine cannot store."""
    name, longest = role.db_role, spec.longest_role
    if name == master:
        raise MigrationError(f"the runtime role {name!r} is the master user: give the application a role of its own")
    if len(name.encode()) > longest or "\0" in name:
        raise MigrationError(f"{name!r} cannot be a role: a name has at most {longest} bytes, none of them NUL")
