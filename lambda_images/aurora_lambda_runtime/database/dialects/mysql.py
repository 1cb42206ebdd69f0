"""MySQL and MariaDB: the session's settings are those that the driver sets when it connects."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import pymysql
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS
from sqlalchemy import REAL, Column, LargeBinary, Table, func
from sqlalchemy.dialects.mysql import DATETIME, FLOAT, MEDIUMTEXT, Insert, insert
from sqlalchemy.dialects.mysql.base import MySQLDDLCompiler, MySQLIdentifierPreparer, MySQLTypeCompiler
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor, IsolationLevel, ReflectedIndex
from sqlalchemy.pool import PoolProxiedConnection
from typing_extensions import override

from aurora_lambda_runtime.database.drivers.mysql import SQL_MODE
from aurora_lambda_runtime.database.engines.mysql import MYSQL

# MariaDB has a UUID type, MySQL has none.
NATIVE_UUID = False
UUID = "CHAR(32)"
# Without a time zone; to the microsecond.
UTC_TIMESTAMP = DATETIME(fsp=6)
# A TEXT holds 64 KB.
LONG_TEXT = MEDIUMTEXT()
# Bytes in each; a FLOAT's bits.
BLOBS = {"TINYBLOB": 2**8 - 1, "BLOB": 2**16 - 1, "MEDIUMBLOB": 2**24 - 1}
FLOAT_BITS = 24
# What MySQL takes for a default without parentheses.
NO_EXPRESSION = re.compile(
    r"['\"]|(?:\d+|null|true|false|current_timestamp|(?:now|current_timestamp)\(\d+\))$|.* on +update ", re.IGNORECASE
)

# What PyMySQL calls an OperationalError: no value, and a CHECK of MySQL and of MariaDB; a value of the wrong kind.
REFUSED_VALUES: Mapping[int, type[pymysql.DatabaseError]] = {
    **dict.fromkeys((1364, 3819, 4025), pymysql.IntegrityError),
    **dict.fromkeys((1292, 1365, 1690, 3140), pymysql.DataError),
}


def _driver_connection(connection: Connection) -> pymysql.Connection:
    return cast(pymysql.Connection, connection.connection.driver_connection)


@contextmanager
def _refused_values() -> Generator[None]:
    try:
        yield
    except pymysql.OperationalError as error:
        kind = REFUSED_VALUES.get(error.args[0])
        if kind is None:
            raise
        raise kind(*error.args) from None


def _unescaped(expression: str) -> str:
    """Return an expression as a temporary table has it; another one's has its texts escaped once more."""
    return re.sub(r"\\(.)", r"\1", expression) if re.search(r"_utf8mb[34]\\'", expression) else expression


class LambdaIdentifierPreparer(MySQLIdentifierPreparer):
    """Quote names; SQLAlchemy's list lacks MySQL's newest words."""

    reserved_words = MySQLIdentifierPreparer.reserved_words | {"external", "library", "tablesample"}


class LambdaTypeCompiler(MySQLTypeCompiler):
    """Render types by the names under which the server stores them: by others `check` takes them for other types."""

    @override
    def visit_REAL(self, type_: REAL, **kw: Any) -> str:
        return "DOUBLE"

    @override
    def visit_FLOAT(self, type_: FLOAT, **kw: Any) -> str:
        return "DOUBLE" if (type_.precision or 0) > FLOAT_BITS else super().visit_FLOAT(type_, **kw)

    @override
    def visit_large_binary(self, type_: LargeBinary, **kw: Any) -> str:
        length = type_.length or BLOBS["BLOB"]
        return next((name for name, longest in BLOBS.items() if length <= longest), "LONGBLOB")


class LambdaDDLCompiler(MySQLDDLCompiler):
    """Render defaults that MySQL takes; MariaDB takes more."""

    @override
    def get_column_default_string(self, column: Column[Any]) -> str | None:
        """Return a default, in parentheses if it is an expression, as each of a TEXT, JSON or BLOB has to be.

        Source: https://dev.mysql.com/doc/refman/8.4/en/data-type-defaults.html
        """
        default = super().get_column_default_string(column)
        if not default or default.startswith("("):
            return default
        type_ = column.type.compile(self.dialect)
        if type_ == UUID and len(default) == len("'00000000-0000-0000-0000-000000000000'"):
            default = default.replace("-", "")
        large = re.match(r"JSON|\w*TEXT|\w*BLOB", type_)
        to_seconds = type_.endswith(f"({UTC_TIMESTAMP.fsp})") and default.upper() == "CURRENT_TIMESTAMP"
        return f"({default})" if large or to_seconds or not NO_EXPRESSION.match(default) else default


class LambdaDialect(MySQLDialect_pymysql):
    """PyMySQL's dialect, asking nothing at the first connection and committing only what was begun."""

    supports_statement_cache = True
    ddl_compiler = LambdaDDLCompiler
    type_compiler_cls = LambdaTypeCompiler
    preparer = LambdaIdentifierPreparer

    @override
    def on_connect(self) -> Any:
        return None

    @override
    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:
        return self._parse_server_version(_driver_connection(connection).server_version)

    @override
    def _get_default_schema_name(self, connection: Connection) -> str:
        name = _driver_connection(connection).db
        return name.decode() if isinstance(name, bytes) else str(name)

    @override
    def get_default_isolation_level(self, dbapi_conn: DBAPIConnection) -> IsolationLevel:
        return MYSQL.isolation_level

    @override
    def _detect_sql_mode(self, connection: Connection) -> None:
        self._sql_mode = SQL_MODE

    @override
    def _detect_casing(self, connection: Connection) -> int:
        self._casing = 0
        return self._casing

    @override
    def get_indexes(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedIndex]:
        """Return the indexes, also those of expressions, which MySQL has and MariaDB has not."""
        indexes = super().get_indexes(connection, table_name, schema, **kw)
        shown = f"SHOW INDEX FROM {self.identifier_preparer.quote(table_name)}"
        parts = () if self.is_mariadb else connection.exec_driver_sql(shown).mappings().all()
        for index in indexes:
            mine = [each for each in parts if each["Key_name"] == index["name"]]
            if any(each["Expression"] for each in mine):
                index["column_names"] = [each["Column_name"] for each in mine]
                index["expressions"] = [each["Column_name"] or _unescaped(each["Expression"]) for each in mine]
        return indexes

    @override
    def set_isolation_level(self, dbapi_connection: DBAPIConnection, level: str) -> None:
        """Note how transactions begin, or that none do; the server is always left to commit those outside BEGIN."""
        dbapi_connection.transactions = None if level == "AUTOCOMMIT" else level

    @override
    def detect_autocommit_setting(self, dbapi_conn: DBAPIConnection) -> bool:
        return dbapi_conn.transactions is None

    @override
    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        level = dbapi_connection.transactions
        if level not in (None, MYSQL.isolation_level):
            # Of the next transaction alone.
            dbapi_connection.query(f"SET TRANSACTION ISOLATION LEVEL {level}")
        if level:
            dbapi_connection.begin()

    @override
    def do_execute(self, cursor: DBAPICursor, statement: str, parameters: Any, context: Any = None) -> None:
        with _refused_values():
            super().do_execute(cursor, statement, parameters, context)

    @override
    def do_executemany(self, cursor: DBAPICursor, statement: str, parameters: Any, context: Any = None) -> None:
        with _refused_values():
            super().do_executemany(cursor, statement, parameters, context)

    @override
    def do_commit(self, dbapi_connection: PoolProxiedConnection) -> None:
        if dbapi_connection.server_status & SERVER_STATUS_IN_TRANS:
            dbapi_connection.commit()

    @override
    def do_rollback(self, dbapi_connection: PoolProxiedConnection) -> None:
        if dbapi_connection.server_status & SERVER_STATUS_IN_TRANS:
            dbapi_connection.rollback()

    @override
    def is_disconnect(
        self,
        e: Any,
        connection: PoolProxiedConnection | DBAPIConnection | None,
        cursor: DBAPICursor | None,
    ) -> bool:
        return bool(e.args and e.args[0] in MYSQL.errors.read_only) or super().is_disconnect(e, connection, cursor)

    def upsert_newer(self, table: Table, version: Column) -> Insert:
        """Return an upsert by primary key that leaves a row alone whose `version` is the same or greater."""
        statement = insert(table)
        newer = statement.inserted[version.name] > version
        # Assignments take effect from left to right: the version, which all are decided by, comes last.
        columns = [column for column in table.c if not column.primary_key and column is not version]
        return statement.on_duplicate_key_update(
            [(column.name, func.if_(newer, statement.inserted[column.name], column)) for column in [*columns, version]]
        )
