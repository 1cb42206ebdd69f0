"""Warm work: how long an insert takes, and how many round trips to the database each thing takes."""

import json
import statistics
import time
from collections.abc import Callable
from contextlib import closing

from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from tests.bench.containers import MOUNT, PLAIN, PYTHON, Program, Served, serve
from tests.bench.database import MASTER, Database
from tests.bench.samples import ROUNDS, Samples, in_turn
from tests.bench.starts import programs, stored
from tests.services import CountingProxy

CALLS = 100
GET = b'{"command":"list","limit":1}'


def database_layer(engine: DockerEngine, image: str, database: Database) -> dict[str, Samples]:
    """Milliseconds of one insert, in one process, by psycopg and by the handler's engine."""
    environment = {"DATABASE_URL": database.url(), "PYTHONPATH": "/var/task"}
    program = Program("warm", image, environment, [PYTHON, f"{MOUNT}/warm.py", str(ROUNDS)])
    printed = json.loads(program.output(engine).splitlines()[-1])
    return {name: Samples(tuple(values)) for name, values in printed.items()}


def invocations(engine: DockerEngine, image: str, database: Database) -> dict[str, Samples]:
    """Milliseconds of a whole insert, from handing the event over to having the answer."""
    served = {name: serve(engine, program) for name, program in programs(image, database).items()}

    def measure(name: str, each: Served) -> Callable[[], float]:
        def once() -> float:
            before = database.rows()
            times = []
            for _ in range(CALLS):
                began = time.perf_counter()
                each.invoke()
                times.append(time.perf_counter() - began)
            stored(name, database.rows() - before, CALLS)
            return statistics.median(times) * 1000

        return once

    try:
        return in_turn({name: measure(name, each) for name, each in served.items()})
    finally:
        for each in served.values():
            each.stop()


def round_trips(engine: DockerEngine, image: str, database: Database) -> dict[str, tuple[int, int, int]]:
    """For each program: the first insert with its connection, a later insert, a select. By password, without TLS."""
    counted = {}
    with closing(CountingProxy(database.port)) as proxy:
        url = Database(proxy.port).url(MASTER)
        psycopg = {"DATABASE_URL": f"{url}?sslmode=disable", "PYTHONPATH": MOUNT}
        clients = {
            "raw": Program("raw", image, psycopg, [*PLAIN, "raw_psycopg.lambda_handler"]),
            "plain": Program("plain", image, psycopg, [*PLAIN, "plain_sqlalchemy.lambda_handler"]),
            "ours": Program("ours", image, {"DATABASE_URL": url}),
        }
        for name, program in clients.items():
            served = serve(engine, program)
            first = proxy.taken()
            served.invoke()
            second = proxy.taken()
            served.invoke(GET)
            counted[name] = (first, second, proxy.taken())
            served.stop()
    return counted
