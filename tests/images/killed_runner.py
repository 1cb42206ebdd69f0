"""A migration runner in a process of its own that is killed at one of its messages to the server."""

import multiprocessing
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

from sqlalchemy import MetaData, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from lambda_images.database.contract import database_settings
from lambda_images.database.error_codes import is_conflict
from lambda_images.database.sqlalchemy_engine import engine_on
from lambda_images.migrations.runner import run
from tests.conftest import Database
from tests.images.runs import connect

Moment = Literal["before", "during", "after"]
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["lambda_images.migrations.commands", "psycopg", "pymysql", "tests.conftest"])


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
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._clients_turn = True
                for pump in (self._from_client, self._from_server):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _from_client(self, client: socket.socket, server: socket.socket) -> None:
        with closing(server), suppress(OSError):
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
            server.shutdown(socket.SHUT_RDWR)

    def _from_server(self, client: socket.socket, server: socket.socket) -> None:
        with closing(client), suppress(OSError):
            while data := server.recv(1 << 20):
                self._clients_turn = True
                client.sendall(data)
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
    return proxy.messages, error


def _run(event: Any, environment: dict[str, str], versions: Path, result: Connection) -> None:
    os.environ.update(environment)
    try:
        run(event, environment, versions=versions)
        result.send("")
    except Exception as error:
        result.send(str(error))


def contents(database: Database) -> list[object]:
    """Return the definition and the rows of each table, but for those of the runner's own progress and lock."""
    while True:
        try:
            return _contents(database)
        except DBAPIError as error:
            # On DSQL a reader loses to whoever changes a table meanwhile, of another database too.
            if not is_conflict(error):
                raise


def _contents(database: Database) -> list[object]:
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
