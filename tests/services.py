"""What tests do about services this machine may lack, and about things they watch from outside."""

import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Never

import pytest

from aurora_lambda_local.databases.registry import DatabaseServer, ServerUnavailableError, database_server
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.processes import wait_until
from aurora_lambda_local.runtimes.docker_engine import DockerEngine

# Starts processes of tests, by one server, which imports what each would import anew in more time than it then works.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "aurora_lambda_runtime.migrations.commands",
        "aurora_lambda_runtime.migrations.operations.dsql",
        "aurora_lambda_runtime.migrations.servers.dsql",
        "aurora_lambda_runtime.database.dialects.dsql",
        "aurora_lambda_runtime.database.dialects.mysql",
        "tests.conftest",
    ]
)
REQUIRED = "AURORA_LAMBDA_REQUIRE_SERVICES"


def missing(reason: str) -> Never:
    """Skip the test, or fail it where services are promised: a skip there would be a hole nobody sees."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason} ({REQUIRED}=1)")
    pytest.skip(reason)


def require(there: object, reason: str) -> None:
    """Go on only if the service is there."""
    if not there:
        missing(reason)


# A folder with Oracle's mysqld, where the system's server is MariaDB: .ci/mysql makes one.
MYSQL = os.environ.get("AURORA_LAMBDA_MYSQL", "")
SERVERS = ("postgres", "mysql", *(("mariadb",) if MYSQL else ()))


def new_server(name: str, data: Path, parameters: Mapping[str, str]) -> DatabaseServer:
    """Return a server, not yet started; `mysql` is Oracle's where there is one. Skips the test where there is none."""
    with pytest.MonkeyPatch.context() as patch:
        if MYSQL and name == "mysql":
            patch.setattr("aurora_lambda_local.databases.mysql.SEARCH_PATH", MYSQL)
        try:
            return database_server("mysql" if name == "mariadb" else name, data, parameters)
        except ServerUnavailableError as error:
            missing(str(error))


BASE_IMAGE = "AURORA_LAMBDA_BASE_IMAGE"


def base_image() -> str:
    """Return the base image to build on; skips the test where there is no Docker engine, or no such image in it."""
    name = os.environ.get(BASE_IMAGE, "aurora-lambda-base:bookworm")
    try:
        DockerEngine.find().inspect(name)
    except LocalError as error:
        missing(f"{error}; make a base image with: .ci/base-image {name}")
    return name


# What a wait costs only where it is in vain, and a busy machine may need.
PATIENCE_SECONDS = 240


def eventually(condition: Callable[[], bool], interval: float = 0.01) -> bool:
    """Return True as soon as `condition` holds, asked every `interval` seconds; False after `PATIENCE_SECONDS`."""
    return wait_until(condition, PATIENCE_SECONDS, interval)


class CountingProxy:
    """A TCP proxy that counts round trips: each time the client speaks after the server has spoken, or first."""

    def __init__(self, port: int, listener: socket.socket | None = None) -> None:
        self._target = port
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self.round_trips = 0
        self.connections = 0
        self.ended_connections = 0
        self._server_spoke_last = True
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self) -> int:
        """Return the round trips since this was last asked."""
        count, self.round_trips = self.round_trips, 0
        return count

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self._target))
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        with closing(source), closing(target):
            while data := _received(source):
                if from_client and self._server_spoke_last:
                    self.round_trips += 1
                self._server_spoke_last = not from_client
                if not _sent(target, data):
                    break
            # The other thread waits in recv on one of these: only a shutdown tells the peer, and wakes that thread.
            for side in (source, target):
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            self.ended_connections += not from_client


def _sent(target: socket.socket, data: bytes) -> bool:
    try:
        target.sendall(data)
    except OSError:
        return False
    return True


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""


@contextmanager
def silent_server() -> Generator[int]:
    """Yield the port of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
