"""A migration runner in a process of its own that is killed at one of its messages to the server."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from psycopg.errors import UndefinedTable
from sqlalchemy import MetaData, select
from sqlalchemy.schema import CreateIndex, CreateTable

from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.sqlalchemy_engine import engine_on
from tests.conftest import Database
from tests.images.runs import connect, rows, run
from tests.services import PROCESSES

Moment = Literal["before", "during", "after"]

SCHEMA = """
    WITH space AS (SELECT current_schema()::regnamespace AS oid, current_schema() AS name, %s::text AS role),
    relation AS (SELECT c.oid, c.relname FROM space JOIN pg_class c ON c.relnamespace = space.oid)
    SELECT 'column', table_name || '.' || column_name,
            concat_ws(' ', data_type, character_maximum_length, is_nullable, is_identity, column_default)
        FROM space JOIN information_schema.columns ON table_schema = space.name
    UNION ALL SELECT 'index', indisvalid::text, pg_get_indexdef(indexrelid, 0, true)
        FROM relation JOIN pg_index ON indexrelid = oid
    UNION ALL SELECT 'constraint', relname, conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
        FROM relation JOIN pg_constraint ON conrelid = relation.oid
    UNION ALL SELECT 'privilege', table_name, privilege_type
        FROM space JOIN information_schema.role_table_grants
        ON table_schema = space.name AND grantee = space.role"""
LOGINS = " UNION ALL SELECT 'login', arn, '' FROM space JOIN sys.iam_pg_role_mappings ON pg_role_name = space.role"


@dataclass(frozen=True)
class Kill:
    """When to kill: before a message is sent on, when half of it is, or when all of it is and before the answer."""

    message: int
    moment: Moment


class KillingProxy:
    """A TCP proxy that counts what the client sends in turn with the server, and calls `kill` at one of them."""

    def __init__(self, port: int, kill_at: Kill | None, kill: Callable[[], None]) -> None:
        self.messages = 0
        self._target, self._kill_at, self._kill = port, kill_at, kill
        self._clients_turn = False
        self._answering: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def wait(self) -> None:
        """Wait until the server is done with all that it was sent, and has ended its connections."""
        for thread in self._answering:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._clients_turn = True
                threading.Thread(target=self._from_client, args=(client, server), daemon=True).start()
                self._answering.append(threading.Thread(target=self._from_server, args=(client, server), daemon=True))
                self._answering[-1].start()

    def _from_client(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 20):
                self.messages += self._clients_turn
                due = self._clients_turn and self._kill_at and self._kill_at.message == self.messages
                self._clients_turn = False
                if due and self._kill_at:
                    sent = {"before": 0, "during": len(data) // 2, "after": len(data)}[self._kill_at.moment]
                    server.sendall(data[:sent])
                    self._kill()
                    break
                server.sendall(data)
        # Also where the client was killed with answers unread, which is an error here.
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _from_server(self, client: socket.socket, server: socket.socket) -> None:
        with closing(client), closing(server):
            while data := _received(server):
                self._clients_turn = True
                with suppress(OSError):
                    client.sendall(data)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


def run_in_process(
    event: Mapping[str, Any], database: Database, environment: Mapping[str, str], versions: Path, kill: Kill | None
) -> tuple[int, str]:
    """Run a command in a process, killed at `kill`; return how many messages there were, and its error if any."""
    started = threading.Event()
    ours, theirs = PROCESSES.Pipe()

    def end() -> None:
        started.wait()
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()

    proxy = KillingProxy(database.port, kill, end)
    through = replace(database, port=proxy.port)
    process = PROCESSES.Process(
        target=_run, args=(dict(event), {**environment, **through.environment()}, versions, theirs)
    )
    process.start()
    started.set()
    theirs.close()
    with closing(proxy), closing(ours):
        try:
            error = ours.recv()
        except EOFError:
            error = "killed"
        process.join()
        if error == "killed" and database.engine == "dsql":
            # The lease is there for ten seconds more, in which DSQL finishes what it was sent.
            proxy.wait()
            _end_lease(database)
    return proxy.messages, error


def _received(server: socket.socket) -> bytes:
    try:
        return server.recv(1 << 20)
    except OSError:
        return b""


def _end_lease(database: Database) -> None:
    with suppress(UndefinedTable):
        rows(database, "UPDATE migration_lease SET expires_at = '-infinity'")


def _run(event: Any, environment: dict[str, str], versions: Path, result: Connection) -> None:
    os.environ.update(environment)
    try:
        run(event, environment, versions=versions)
        result.send("")
    except Exception as error:
        result.send(str(error))


def contents(database: Database) -> list[object]:
    """Return the definition and the rows of each table, but for those of the runner's own progress and lock."""
    connection = connect(database)
    engine = engine_on(connection, database_settings(database.environment()).spec)
    with closing(connection), engine.connect() as reader:
        metadata = MetaData()
        metadata.reflect(reader)
        found: list[object] = []
        for table in sorted(metadata.tables.values(), key=lambda table: table.name):
            if table.name in {"migration_progress", "migration_lease"}:
                continue
            indexes = sorted(str(CreateIndex(index).compile(engine)) for index in table.indexes)
            rows = sorted(tuple(row) for row in reader.execute(select(table)))
            found.append((str(CreateTable(table).compile(engine)), indexes, rows))
    return found


def postgres_contents(database: Database, role: str) -> list[object]:
    """Return what `contents` does on PostgreSQL and DSQL, and the rights of a role, in a tenth of the time."""
    schema = SCHEMA + (LOGINS if database.engine == "dsql" else "")
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(f"{schema} ORDER BY 1, 2, 3", [role])
        found = cursor.fetchall()
        tables = sorted({name.partition(".")[0] for kind, name, _ in found if kind == "column"})
        kept = [name for name in tables if name not in {"migration_progress", "migration_lease"}]
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}', to_jsonb(t)::text FROM {name} t" for name in kept))
        return [*found, *sorted(cursor.fetchall())]
