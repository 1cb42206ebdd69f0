"""PostgreSQL: the server reports at login all that the dialect needs to know."""

from typing import Any, cast

import psycopg
from psycopg.errors import InFailedSqlTransaction
from psycopg.pq import TransactionStatus
from sqlalchemy import Column, DateTime, Table, Text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.dialects.postgresql.base import PGIdentifierPreparer
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor, IsolationLevel
from sqlalchemy.pool import PoolProxiedConnection
from typing_extensions import override

from aurora_lambda_runtime.database.engines.postgres import POSTGRES

NATIVE_UUID = True
UTC_TIMESTAMP = DateTime(timezone=True)
LONG_TEXT = Text()
IDLE = TransactionStatus.IDLE
NOT_COMMITTED = (
    "nothing was committed: a statement of this transaction failed, and its error was caught within."
    " What may fail goes into a transaction of its own, or into `with connection.begin_nested():`"
)
FURTHER_RESERVED_WORDS = {"collation", "concurrently", "lateral", "system_user", "tablesample"}


def _driver_connection(connection: Connection) -> psycopg.Connection:
    return cast(psycopg.Connection, connection.connection.driver_connection)


class LambdaIdentifierPreparer(PGIdentifierPreparer):
    """Quote names, also those that SQLAlchemy's list of reserved words lacks."""

    reserved_words = PGIdentifierPreparer.reserved_words | FURTHER_RESERVED_WORDS


class LambdaDialect(PGDialect_psycopg):
    """psycopg's dialect, asking nothing at the first connection."""

    supports_statement_cache = True
    preparer = LambdaIdentifierPreparer

    def __init__(self, **options: Any) -> None:
        super().__init__(use_native_hstore=False, **options)

    @override
    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:
        version = _driver_connection(connection).info.server_version
        return divmod(version, 10000)

    @override
    def _get_default_schema_name(self, connection: Connection) -> str:
        return "public"

    @override
    def get_default_isolation_level(self, dbapi_conn: DBAPIConnection) -> IsolationLevel:
        return POSTGRES.isolation_level

    @override
    def _set_backslash_escapes(self, connection: Connection) -> None:
        status = _driver_connection(connection).info.parameter_status("standard_conforming_strings")
        self._backslash_escapes = status == "off"

    @override
    def set_isolation_level(self, dbapi_connection: DBAPIConnection, level: str) -> None:
        """Note how transactions begin, or that none do; the driver is always left in autocommit mode."""
        dbapi_connection.transactions = None if level == "AUTOCOMMIT" else level

    @override
    def detect_autocommit_setting(self, dbapi_connection: DBAPIConnection) -> bool:
        return dbapi_connection.transactions is None

    @override
    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        if dbapi_connection.transactions:
            dbapi_connection.execute(f"BEGIN ISOLATION LEVEL {dbapi_connection.transactions}")

    @override
    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Let the driver prepare, when it has seen it five times, only what returns no rows.

        A prepared query fails once a migration has changed the type of what it returns, for as long as the
        connection lives: "cached plan must not change result type".
        """
        writes = context is not None and (context.isinsert or context.isupdate or context.isdelete)
        returns = not writes or context.compiled.effective_returning
        options = {} if isinstance(cursor, psycopg.ServerCursor) else {"prepare": False if returns else None}
        cursor.execute(statement, parameters, **options)

    @override
    def do_commit(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Commit; after a statement that failed the server would roll back, and answer as if it had committed."""
        if dbapi_connection.pgconn.transaction_status == TransactionStatus.INERROR:
            raise InFailedSqlTransaction(NOT_COMMITTED)
        if dbapi_connection.pgconn.transaction_status != IDLE:
            dbapi_connection.commit()

    @override
    def do_rollback(self, dbapi_connection: PoolProxiedConnection) -> None:
        if dbapi_connection.pgconn.transaction_status != IDLE:
            dbapi_connection.rollback()

    @override
    def is_disconnect(
        self,
        e: Any,
        connection: PoolProxiedConnection | DBAPIConnection | None,
        cursor: DBAPICursor | None,
    ) -> bool:
        return getattr(e, "sqlstate", None) in POSTGRES.errors.read_only or super().is_disconnect(e, connection, cursor)

    def upsert_newer(self, table: Table, version: Column) -> Insert:
        """Return an upsert by primary key that leaves a row alone whose `version` is the same or greater."""
        statement = insert(table)
        return statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={column.name: statement.excluded[column.name] for column in table.c if not column.primary_key},
            where=version < statement.excluded[version.name],
        )
