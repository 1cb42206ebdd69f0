"""`python -m tests.bench`, which `make bench` runs."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from tests.bench import builds, deployments, dsql, frameworks, peers, pollers, queries, starts, streams
from tests.bench.builds import CHECKOUT, Builder, with_sample_application
from tests.bench.database import Database, database
from tests.bench.report import MINUTES, Row, count, exact, ratio, write

MEGABYTE = 1_000_000
PEERS = os.environ.get("PEERS") == "1"
BASE = os.environ.get("AURORA_LAMBDA_BASE_IMAGE", "aurora-lambda-base:bookworm")
REMARKS = """\
## Where the time goes
Importing the handler, package by package; the connection is opened meanwhile:

{imports}

Applying two hundred revisions:

{deployment}
"""


def main() -> None:
    """Build, measure, write docs/performance.md."""
    if os.geteuid() != 0:
        sys.exit("make bench reads the engine's own files: run it as root")
    engine = DockerEngine.find()
    print(f"measuring takes about {MINUTES} minutes", flush=True)
    subprocess.run([CHECKOUT / ".ci" / "base-image", BASE], check=True)
    # First: where its packages cannot be had, nothing has been measured in vain.
    node = peers.build(engine) if PEERS else ""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        builder = with_sample_application(Builder(engine, BASE), Path(scratch, "checkout"))
        images = {target: builder.build(target) for target in ("handler", "migrations")}
        with database(Path(scratch, "database")) as measured:
            rows = [
                *start_rows(engine, images["handler"], measured),
                *(peer_rows(engine, node, images["handler"], measured) if PEERS else []),
                *framework_rows(builder, measured, Path(scratch, "services")),
                *query_rows(engine, images["handler"], measured),
                *deployment_rows(engine, images["migrations"], measured),
                *dsql_rows(engine, images["handler"], measured, Path(scratch, "dsql")),
                *stream_rows(Path(scratch)),
                *poller_rows(Path(scratch, "pollers"), measured),
                *build_rows(builder, images),
            ]
            remarks = REMARKS.format(
                imports=starts.profile(engine, images["handler"]),
                deployment=deployments.profile(engine, images["migrations"], measured),
            )
    page = write(rows, remarks)
    for row in rows:
        print(f"{row.measure}: {row.value} ({row.target}{'' if row.met else ', NOT MET'})")
    print(f"wrote {page.relative_to(CHECKOUT)}")


def start_rows(engine: DockerEngine, image: str, measured: Database) -> Sequence[Row]:
    """Cold starts."""
    warm = starts.cold_starts(engine, image, measured, evicted=False)
    evicted = starts.cold_starts(engine, image, measured, evicted=True)
    opened = {name: starts.files_opened(engine, each) for name, each in starts.programs(image, measured).items()}
    others = f"{opened['plain']} (raw psycopg {opened['raw']})"
    return [
        ratio("cold start to first row", warm["ours"], warm["raw"], 1.6, plain=warm["plain"]),
        ratio("cold start / raw psycopg out of the same bundle", warm["ours"], warm["bundled"], None),
        ratio("cold start, files evicted", evicted["ours"], evicted["raw"], 1.7, plain=evicted["plain"]),
        count("files opened at start", opened["ours"], 150, str(opened["ours"]), others),
    ]


def peer_rows(engine: DockerEngine, node: str, image: str, measured: Database) -> Sequence[Row]:
    """Cold starts of others."""
    took = peers.cold_starts(engine, node, image, measured)
    return [ratio(f"peer: {name}, cold start to first row", took[name], took["raw"], None) for name in peers.HANDLERS]


def framework_rows(builder: Builder, measured: Database, directory: Path) -> Sequence[Row]:
    """Cold starts of what may answer a function URL."""
    took = frameworks.cold_starts(builder, measured, directory)
    return [
        ratio(f"cold start of a route: {name} / own router", took[web], took["none"], None)
        for web, name in frameworks.NAMES.items()
        if web != "none"
    ]


def query_rows(engine: DockerEngine, image: str, measured: Database) -> Sequence[Row]:
    """Warm work."""
    layer = queries.database_layer(engine, image, measured)
    whole = queries.invocations(engine, image, measured)
    trips = queries.round_trips(engine, image, measured)
    return [
        ratio("warm insert, database layer", layer["ours"], layer["raw"], 1.6),
        ratio("warm insert, whole invocation", whole["ours"], whole["raw"], None, plain=whole["plain"]),
        exact("round trips: first insert, insert, select", trips["ours"], (4, 1, 1), trips["plain"]),
    ]


def deployment_rows(engine: DockerEngine, image: str, measured: Database) -> Sequence[Row]:
    """Migrations."""
    took = deployments.deployments(engine, image, measured, peers=PEERS)
    rows = [
        ratio("`deploy`, nothing pending, 200 revisions / version check", took["nothing"], took["check"], 1.5),
        ratio("`deploy`, 200 revisions from empty / the same DDL", took["all"], took["ddl"], 2.0),
    ]
    if PEERS:
        rows += [
            ratio("peer: Alembic, nothing pending / version check", took["alembic_nothing"], took["check"], None),
            ratio("peer: Alembic, 200 revisions / the same DDL", took["alembic_all"], took["ddl"], None),
        ]
    return rows


def dsql_rows(engine: DockerEngine, image: str, measured: Database, directory: Path) -> Sequence[Row]:
    """Return the rows about Aurora DSQL, which here is its stand-in."""
    with dsql.cluster(directory) as cluster:
        started = dsql.cold_starts(engine, image, cluster, measured)
        trips = dsql.round_trips(engine, image, cluster)
        deployed = dsql.deployments(cluster)
        requests, retries = dsql.conflicts(cluster)
    return [
        ratio("DSQL: cold start to first row / on PostgreSQL", started["dsql"], started["postgres"], None),
        exact("DSQL: round trips: insert, select, transaction of both", trips, (1, 1, 4)),
        ratio(
            "DSQL: `deploy`, nothing pending / version check", deployed["nothing"], deployed["check"], None, unit="s"
        ),
        ratio("DSQL: `deploy`, 200 revisions / the same DDL", deployed["all"], deployed["ddl"], None, unit="s"),
        ratio("DSQL: requests a second, 20 % conflicts / none", requests["some"], requests["none"], None, unit="/s"),
        Row("DSQL: retries a request, 20 % conflicts", f"{retries:.2f}", "reported", met=True),
    ]


def stream_rows(directory: Path) -> Sequence[Row]:
    """Return records of DynamoDB streams into SQL."""
    servers = {"postgres": "PostgreSQL", "mysql": "MariaDB"}
    took = {engine: streams.batches(engine, directory / f"streams-{engine}") for engine in servers}
    return [
        ratio(
            f"100 stream records into {name}, a batch / one at a time",
            took[engine]["batch"],
            took[engine]["single"],
            0.1,
        )
        for engine, name in servers.items()
    ]


def poller_rows(directory: Path, measured: Database) -> Sequence[Row]:
    """Return the rows about event source mappings on this machine."""
    directory.mkdir()
    took = pollers.deliveries(directory, measured)
    seconds, memory = pollers.registrations(directory)
    many = f"{pollers.MANY} streams"
    return [
        ratio("local: `put_item` until its row is in SQL / is answered", took["stored"], took["answered"], None),
        ratio(f"local: `up` with {many} / with one", seconds["many"], seconds["one"], 3, unit="s"),
        Row(f"local: memory of the supervisor, {many} more than with one", f"{memory:.1f} MB", "reported", met=True),
    ]


def build_rows(builder: Builder, images: dict[str, str]) -> Sequence[Row]:
    """Return the rows about the images and their builds."""
    added = {target: builder.added(image) for target, image in images.items()}
    text = {target: f"{each.bytes / MEGABYTE:.1f} MB in {each.files} files" for target, each in added.items()}
    took = builds.build_times(builder, "handler", "lambda_images/application/commands.py")
    return [
        count("handler image, added to its base", added["handler"].bytes / MEGABYTE, 50, text["handler"]),
        Row("migrations image, added to its base", text["migrations"], "reported", met=True),
        ratio("rebuild after an edit to code / full build", took["rebuilt"], took["full"], 0.1, unit="s"),
    ]


if __name__ == "__main__":
    main()
