"""The PostgreSQL server that everything is measured against, deployed as a stack's is."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from aurora_lambda_local.databases.postgres import PostgresServer
from aurora_lambda_runtime.database.contract import DatabaseSettings, RuntimeRole
from aurora_lambda_runtime.migrations.runner import run
from tests.sample_application import package

NAME = "main-db"
MASTER = "master"
PASSWORD = "measured"
RUNTIME = "app_runtime"
# Signing a token needs some, no matter which: the server trusts members of rds_iam, as RDS trusts a good token.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_SESSION_TOKEN": "example-" * 100,
    "AWS_REGION": "eu-central-1",
}


@dataclass(frozen=True)
class Database:
    """A running server with the sample application's schema in it."""

    port: int

    def url(self, user: str = RUNTIME, database: str = "app") -> str:
        """How a driver reaches it; the runtime role needs no password, the master has one."""
        return f"postgres://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def handler_environment(self) -> dict[str, str]:
        """Return what a stack gives its handler: no password, a token is signed."""
        return {**self._settings("app", RUNTIME).to_environment(), **CREDENTIALS, "AWS_LAMBDA_LOG_FORMAT": "JSON"}

    def runner_environment(self, schema: str = "app") -> dict[str, str]:
        """Return what the migration runner needs, except that the master's password comes from no secret."""
        role = RuntimeRole(RUNTIME, "iam").to_environment("database-url")
        return {"DATABASE_URL": self.url(MASTER, schema), **role, **CREDENTIALS}

    def rows(self) -> int:
        """How many notes are stored, as a connection of its own sees it."""
        with psycopg.connect(self.url(MASTER)) as connection:
            found = connection.execute("SELECT count(*) FROM notes").fetchone()
        assert found is not None
        return found[0]

    def create(self, name: str) -> None:
        """Make an empty database."""
        with psycopg.connect(self.url(MASTER, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def drop(self, name: str) -> None:
        """Remove a database."""
        with psycopg.connect(self.url(MASTER, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _settings(self, schema: str, role: str) -> DatabaseSettings:
        return DatabaseSettings(NAME, "postgres", "127.0.0.1", schema, role, self.port)


@contextmanager
def database(directory: Path) -> Generator[Database]:
    """Run a server on a free port, its data below `directory`, with every revision applied."""
    server = PostgresServer(directory, {})
    server.start()
    try:
        server.set_master(MASTER, PASSWORD)
        measured = Database(server.port)
        run({"command": "deploy"}, measured.runner_environment(), package())
        yield measured
    finally:
        server.stop()
