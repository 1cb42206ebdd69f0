"""Stream functions: records into SQL, a batch at a time against one at a time, on this machine's own Python."""

import json
import subprocess
import sys
from pathlib import Path

from aurora_lambda_local.databases.registry import database_server
from tests.bench.builds import CHECKOUT
from tests.bench.containers import WORKLOADS
from tests.bench.database import MASTER, PASSWORD
from tests.bench.samples import ROUNDS, Samples
from tests.images.runs import run


def batches(engine: str, directory: Path, rounds: int = ROUNDS) -> dict[str, Samples]:
    """Return the milliseconds that a hundred records take on a server of `engine`, in a `batch` and `single`."""
    server = database_server(engine, directory, {})
    server.start()
    try:
        server.set_master(MASTER, PASSWORD)
        environment = {"DATABASE_URL": f"{engine}://{MASTER}:{PASSWORD}@127.0.0.1:{server.port}/streams"}
        run({}, environment)
        command = [sys.executable, str(WORKLOADS / "streams.py"), str(rounds)]
        path = {"PYTHONPATH": str(CHECKOUT)}
        done = subprocess.run(command, env=environment | path, capture_output=True, text=True, check=True)
    finally:
        server.stop()
    return {name: Samples(tuple(values)) for name, values in json.loads(done.stdout.splitlines()[-1]).items()}
