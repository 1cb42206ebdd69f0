"""Warm work: how long an insert takes, and how many round trips to the database each thing takes."""

import json
import socket
import statistics
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from local.docker_engine import DockerEngine
from tests.bench.containers import MOUNT, PLAIN, PYTHON, Program, Served, serve
from tests.bench.database import MASTER, Database
from tests.bench.samples import ROUNDS, Samples, in_turn
from tests.bench.starts import programs

CALLS = 100
GET = b'{"command":"get","limit":1}'
LOCALHOST = "127.0.0.1"


def database_layer(engine: DockerEngine, image: str, database: Database) -> dict[str, Samples]:
    """Milliseconds of one insert, in one process, by psycopg and by the handler's engine."""
    environment = {"DATABASE_URL": database.url(), "PYTHONPATH": "/var/task"}
    program = Program("warm", image, environment, [PYTHON, f"{MOUNT}/warm.py", str(ROUNDS)])
    printed = json.loads(program.output(engine).splitlines()[-1])
    return {name: Samples(tuple(values)) for name, values in printed.items()}


def invocations(engine: DockerEngine, image: str, database: Database) -> dict[str, Samples]:
    """Milliseconds of a whole `create`, from handing the event over to having the answer."""
    served = {name: serve(engine, program) for name, program in programs(image, database).items()}

    def measure(each: Served) -> Callable[[], float]:
        def once() -> float:
            times = []
            for _ in range(CALLS):
                began = time.perf_counter()
                each.invoke()
                times.append(time.perf_counter() - began)
            return statistics.median(times) * 1000

        return once

    try:
        return in_turn({name: measure(each) for name, each in served.items()})
    finally:
        for each in served.values():
            each.stop()


def round_trips(engine: DockerEngine, image: str, database: Database) -> dict[str, tuple[int, int, int]]:
    """For each program: the first insert with its connection, a later insert, a select. By password, without TLS."""
    counted = {}
    with counting_proxy(database.port) as proxy:
        url = Database(proxy.port).url(MASTER)
        psycopg = {"DATABASE_URL": f"{url}?sslmode=disable", "PYTHONPATH": MOUNT}
        clients = {
            "raw": Program("raw", image, psycopg, [*PLAIN, "raw_psycopg.lambda_handler"]),
            "plain": Program("plain", image, psycopg, [*PLAIN, "plain_sqlalchemy.lambda_handler"]),
            "ours": Program("ours", image, {"DATABASE_URL": url}),
        }
        for name, program in clients.items():
            proxy.trips = 0
            served = serve(engine, program)
            first = proxy.trips
            served.invoke()
            second = proxy.trips
            served.invoke(GET)
            counted[name] = (first, second - first, proxy.trips - second)
            served.stop()
    return counted


@dataclass
class Proxy:
    """Passes bytes on to a server; a round trip begins when a client speaks after the server did."""

    port: int
    trips: int = 0
    _client_spoke: dict[int, bool] = field(default_factory=dict)

    def passes(self, source: socket.socket, target: socket.socket, key: int, *, client: bool) -> None:
        """Pass on what `source` says until it falls silent for good."""
        while data := _received(source):
            if client and not self._client_spoke.get(key):
                self.trips += 1
            self._client_spoke[key] = client
            target.sendall(data)
        target.close()


@contextmanager
def counting_proxy(port: int) -> Generator[Proxy]:
    """A proxy to `port`, on a port of its own."""
    with socket.create_server((LOCALHOST, 0)) as listener:
        proxy = Proxy(listener.getsockname()[1])

        def accept() -> None:
            for key in range(1_000_000):
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                server = socket.create_connection((LOCALHOST, port))
                for source, target, is_client in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=proxy.passes, args=(source, target, key), kwargs={"client": is_client}, daemon=True
                    ).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(1 << 16)
    except OSError:
        return b""
