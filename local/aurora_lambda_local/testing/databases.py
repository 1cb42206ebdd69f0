"""Databases of a service's tests: a real server of an engine, with all revisions applied."""

import asyncio
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, insert, select, text

from aurora_lambda_local.databases.dsql.server import DsqlServer
from aurora_lambda_local.databases.dsql.tokens import Identity
from aurora_lambda_local.databases.registry import database_server
from aurora_lambda_local.testing.client import Client
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import DATABASE_ROUTES, database_settings
from aurora_lambda_runtime.database.current import set_database
from aurora_lambda_runtime.database.invocation import at_end
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.handler.dispatcher import Dispatcher
from aurora_lambda_runtime.handler.loading import load_application
from aurora_lambda_runtime.migrations.runner import run

# The servers outlive no test run: they need not wait for the disk.
PARAMETERS = {
    "fsync": "off",
    "innodb_flush_log_at_trx_commit": "0",
    "innodb_flush_method": "nosync",
    "innodb_doublewrite": "OFF",
}
MASTER, PASSWORD, SCHEMA = "master", "master", "test"
AWS_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example-key",
    "AWS_SESSION_TOKEN": "example-token",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
ROLE = "arn:aws:iam::123456789012:role/tests"


@dataclass(frozen=True)
class MigratedDatabase:
    """A database with the application's tables.

    `application` is on the connection that the application has, `database` on another one. `rows` are those that
    revisions inserted, by table.
    """

    client: Client
    application: Database
    database: Database
    metadata: MetaData
    rows: Mapping[str, list[dict[str, Any]]]

    def restore(self) -> None:
        """Leave in the tables nothing but what the revisions inserted.

        An application commits what it does, in statements and transactions of its own: none around them could be
        rolled back.
        """
        # A session that a test left open may hold locks, also of a function of a stream or a queue.
        for end in (self.application.end_invocation, *at_end):
            end()
        set_database(self.application)
        self.database.transaction(self._restore)

    def _restore(self, connection: Connection) -> None:
        mysql = connection.dialect.name == "mysql"
        if mysql:
            # It checks a row at a time, and refuses those that refer to others of their own table.
            connection.execute(text("SET foreign_key_checks = 0"))
        for table in reversed(self.metadata.sorted_tables):
            connection.execute(table.delete())
        for table in self.metadata.sorted_tables:
            if rows := self.rows[table.name]:
                connection.execute(insert(table), rows)
        if mysql:
            connection.execute(text("SET foreign_key_checks = 1"))


@contextmanager
def database_url(engine: str, folder: Path) -> Generator[str]:
    """Start a server of an engine, and yield the URL of a database on it that does not exist yet.

    Raises:
        ServerUnavailableError: no such server is installed; the message says what to install.
    """
    if engine == "dsql":
        dsql = DsqlServer(folder)
        dsql.identities[AWS_ENVIRONMENT["AWS_ACCESS_KEY_ID"]] = Identity(ROLE, AWS_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])
        dsql.start()
        try:
            yield f"dsql://admin@{dsql.host}:{dsql.port}/{SCHEMA}?sslrootcert={dsql.ca_file}"
        finally:
            dsql.stop()
        return
    server = database_server(engine, folder, PARAMETERS)
    server.start()
    try:
        server.set_master(MASTER, PASSWORD)
        yield f"{engine}://{MASTER}:{PASSWORD}@127.0.0.1:{server.port}/{SCHEMA}"
    finally:
        server.stop()


@contextmanager
def migrated_database(application: ApplicationPackage) -> Generator[MigratedDatabase]:
    """Apply an application's revisions to the database that the environment names, and yield it.

    Raises:
        MigrationError: a revision fails, or the tables of the code are not those that the revisions make.
    """
    for command in ("deploy", "check"):
        run({"command": command}, os.environ, application)
    metadata = application.metadata()
    with asyncio.Runner() as runner:
        loaded = load_application(application, {**os.environ, DATABASE_ROUTES: "true"})
        dispatcher = Dispatcher(Connector(database_settings(os.environ)), loaded)
        # On a connection of its own: the application's pool has one, which an invocation may hold.
        connector = Connector(dispatcher.connector.settings)
        database = Database.on(connector)
        client = Client(dispatcher, runner.get_loop())
        try:
            yield MigratedDatabase(client, dispatcher.database, database, metadata, _rows(database, metadata))
        finally:
            database.transactions.dispose()
            dispatcher.database.transactions.dispose()


def _rows(database: Database, metadata: MetaData) -> Mapping[str, list[dict[str, Any]]]:
    def read(connection: Connection) -> Mapping[str, list[dict[str, Any]]]:
        tables = metadata.sorted_tables
        return {table.name: [dict(row) for row in connection.execute(select(table)).mappings()] for table in tables}

    return database.transaction(read)
