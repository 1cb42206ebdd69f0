"""What others take for the same, for `make bench PEERS=1`: handlers in Node, and Alembic as it comes."""

import subprocess
from functools import partial
from pathlib import Path

from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from tests.bench.builds import CHECKOUT
from tests.bench.containers import Program
from tests.bench.database import Database
from tests.bench.samples import Samples, in_turn
from tests.bench.starts import cold_start, programs

TESTS = Path(__file__).parent.parent
# Prisma wants a newer Node than the images' base has.
BASE, RELEASE = "aurora-lambda-base:trixie", "trixie"
HANDLERS = {"node-postgres": "node_postgres.handler", "Prisma": "prisma.handler"}


def build(engine: DockerEngine) -> str:
    """Build the image of the handlers in Node, and return its id."""
    subprocess.run([CHECKOUT / ".ci" / "base-image", BASE, RELEASE], check=True)
    return engine.build(TESTS, TESTS / "bench/node/Dockerfile", "node", {"BASE_IMAGE": BASE})


def cold_starts(engine: DockerEngine, node: str, image: str, database: Database) -> dict[str, Samples]:
    """Milliseconds of each handler in the image `node`, and of raw psycopg in the handler's."""
    url = {"DATABASE_URL": database.url()}
    handlers = {
        name: Program(name, node, url, ["node", "/var/task/bundled/runtime.mjs", handler], mounts={})
        for name, handler in HANDLERS.items()
    }
    measured = {**handlers, "raw": programs(image, database)["raw"]}
    return in_turn({name: partial(cold_start, engine, each, database.rows) for name, each in measured.items()})
