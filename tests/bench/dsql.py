"""Aurora DSQL's stand-in, measured beside PostgreSQL, beside plain DDL, and with conflicts beside none."""

import itertools
import json
import logging
import statistics
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from typing_extensions import override

from aurora_lambda_local.databases.dsql.tokens import Identity
from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from aurora_lambda_runtime.database.contract import DatabaseSettings
from aurora_lambda_runtime.handler.dispatcher import Application
from tests.bench import database as postgres
from tests.bench.containers import Program, serve
from tests.bench.deployments import REVISIONS, write_revisions
from tests.bench.queries import GET
from tests.bench.samples import Samples, in_turn, seconds
from tests.bench.starts import cold_start, programs, stored
from tests.conftest import AWS_ENVIRONMENT, IAM_ROLE_ARN, Database, set_aws_environment
from tests.dsql_faults import Faults, FaultyServer
from tests.images import runs
from tests.images.client import Client
from tests.sample_application import VERSIONS
from tests.sample_application.commands import COMMANDS
from tests.sample_application.routes import ROUTES, TABLES
from tests.services import CountingProxy

CONFLICT_RATE = 0.2
REQUESTS = 100
# Two hundred revisions take the stand-in several seconds.
ROUNDS = 5
NOTHING = 10


@dataclass(frozen=True)
class Cluster:
    """A running stand-in with the sample application's schema in it."""

    server: FaultyServer

    def schema(self, name: str = "app") -> Database:
        """Return the application's schema, or another one that it may make."""
        return Database("dsql", self.server.port, name, str(self.server.ca_file))

    def environment(self, schema: str = "app") -> dict[str, str]:
        """Return what the migration runner is told; a role is of one schema."""
        role = postgres.RUNTIME if schema == "app" else f"{schema}_runtime"
        return runs.role_environment(self.schema(schema), role, "")

    def handler(self, image: str, port: int = 0) -> Program:
        """Return the image's own handler; `port` leads it to the server by another way."""
        ca, port = self.server.ca_file, port or self.server.port
        settings = DatabaseSettings(postgres.NAME, "dsql", "localhost", "app", postgres.RUNTIME, port, ca=str(ca))
        environment = {**settings.to_environment(), **AWS_ENVIRONMENT, "AWS_LAMBDA_LOG_FORMAT": "JSON"}
        return Program("dsql", image, environment, mounts={ca: str(ca)})

    def rows(self) -> int:
        """How many notes are stored, as a connection of its own sees it."""
        return runs.rows(self.schema(), "SELECT count(*) FROM notes")[0][0]


@contextmanager
def cluster(directory: Path) -> Generator[Cluster]:
    """Run a cluster on a free port, its data below `directory`, with every revision applied."""
    server = FaultyServer(directory, Faults(job_seconds=0))
    secret = AWS_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]
    server.identities[AWS_ENVIRONMENT["AWS_ACCESS_KEY_ID"]] = Identity(IAM_ROLE_ARN, secret)
    server.start()
    try:
        with pytest.MonkeyPatch.context() as monkeypatch, server.any_number_of_schemas():
            set_aws_environment(monkeypatch)
            runs.run({}, Cluster(server).environment(), versions=VERSIONS)
            yield Cluster(server)
    finally:
        server.stop()


def cold_starts(
    engine: DockerEngine, image: str, on_dsql: Cluster, on_postgres: postgres.Database
) -> dict[str, Samples]:
    """Milliseconds of the image's handler on `dsql` and on `postgres`."""
    handler = programs(image, on_postgres)["ours"]
    return in_turn(
        {
            "dsql": partial(cold_start, engine, on_dsql.handler(image), on_dsql.rows),
            "postgres": partial(cold_start, engine, handler, on_postgres.rows),
        }
    )


def round_trips(engine: DockerEngine, image: str, on_dsql: Cluster) -> tuple[int, int, int]:
    """Return those of an insert, of a select, and of a transaction of a select and an insert, on a warm connection."""
    with closing(CountingProxy(on_dsql.server.port)) as proxy:
        served = serve(engine, on_dsql.handler(image, proxy.port))
        try:
            note = json.loads(served.invoke().payload)["id"]
            proxy.taken()
            served.invoke()
            insert = proxy.taken()
            served.invoke(GET)
            select = proxy.taken()
            http = {"method": "POST", "path": f"/notes/{note}/comments"}
            event = {"rawPath": http["path"], "requestContext": {"http": http}, "body": '{"text": "first"}'}
            served.invoke(json.dumps(event).encode())
            return insert, select, proxy.taken()
        finally:
            served.stop()


def deployments(on_dsql: Cluster) -> dict[str, Samples]:
    """Seconds of two hundred revisions, `all`, and of the same `ddl`; of finding `nothing` to do, and of a `check`."""
    numbers = itertools.count(1)
    with tempfile.TemporaryDirectory() as scratch:
        versions = Path(scratch)
        write_revisions(versions)

        def deploy(schema: str) -> None:
            runs.run({}, on_dsql.environment(schema), versions=versions)

        def on_empty(call: Callable[[str], None]) -> float:
            schema = f"revisions_{next(numbers)}"
            took = seconds(partial(call, schema))
            stored(schema, len(runs.table_names(on_dsql.schema(schema)) - {"alembic_version"}), REVISIONS)
            return took

        deploy("revisions")
        check = partial(runs.rows, on_dsql.schema("revisions"), "SELECT version_num FROM alembic_version")
        return in_turn(
            {
                "check": partial(_median, check),
                "nothing": partial(_median, partial(deploy, "revisions")),
                "ddl": partial(on_empty, partial(_create_tables, on_dsql)),
                "all": partial(on_empty, deploy),
            },
            ROUNDS,
        )


def _create_tables(on_dsql: Cluster, schema: str) -> None:
    """Do what the revisions do."""
    with closing(runs.connect(on_dsql.schema(schema))) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {schema}")
        for number in range(1, REVISIONS + 1):
            cursor.execute(f"CREATE TABLE t_{number:04d} (id INTEGER, name VARCHAR(100))")


def _median(call: Callable[[], object]) -> float:
    return statistics.median(seconds(call) for _ in range(NOTHING))


class Retries(logging.Handler):
    """Counts the retries of requests, each of which the handler logs."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def conflicts(on_dsql: Cluster) -> tuple[dict[str, Samples], float]:
    """Return the requests a second with `none` and with `some` commits refused, and then the retries a request."""
    log, retries = logging.getLogger("aurora_lambda_runtime"), Retries()
    client = Client(
        Application(COMMANDS, ROUTES, TABLES, database_routes=True), on_dsql.schema().environment(postgres.RUNTIME)
    )

    def requests(rate: float) -> float:
        on_dsql.server.faults = replace(on_dsql.server.faults, conflict_rate=rate)
        before = on_dsql.rows()
        took = seconds(lambda: [client.http("POST", "/notes", {"text": "tea"}) for _ in range(REQUESTS)])
        stored("the handler", on_dsql.rows() - before, REQUESTS)
        return REQUESTS / took

    log.addHandler(retries)
    try:
        measured = in_turn({"none": partial(requests, 0.0), "some": partial(requests, CONFLICT_RATE)})
    finally:
        log.removeHandler(retries)
        client.close()
        on_dsql.server.faults = replace(on_dsql.server.faults, conflict_rate=0.0)
    return measured, retries.count / (len(measured["some"].values) + 1) / REQUESTS
