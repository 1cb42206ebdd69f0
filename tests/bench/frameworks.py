"""Cold starts of services as `aurora-lambda new` writes them: from the first moment to a request's first row."""

import json
from email.message import Message
from functools import partial
from pathlib import Path

from aurora_lambda_local.cli.new_service import create_service
from aurora_lambda_local.cli.package_sources import write_locks
from aurora_lambda_local.lambda_service.url_payload import url_event
from aurora_lambda_local.platform.http_server import Request
from tests.bench.builds import Builder
from tests.bench.containers import Program
from tests.bench.database import Database
from tests.bench.samples import Samples, in_turn
from tests.bench.starts import cold_start

NAMES = {"none": "own router", "fastapi": "FastAPI and the ORM", "flask": "Flask and the ORM"}


def cold_starts(builder: Builder, database: Database, directory: Path) -> dict[str, Samples]:
    """Milliseconds of each kind of service; all have the sample application's table of notes."""
    directory.mkdir()
    headers = Message()
    headers["Content-Type"] = "application/json"
    event = json.dumps(url_event(Request("POST", "/notes", "", headers, b'{"text": "first"}'), "bench")).encode()
    services = [_service(builder, database, directory / f"shop-{web}", web) for web in NAMES]
    return in_turn(
        {each.name: partial(cold_start, builder.engine, each, database.rows, event=event) for each in services}
    )


def _service(builder: Builder, database: Database, folder: Path, web: str) -> Program:
    """Return a new service in its image."""
    create_service(str(folder), "postgres", web)
    write_locks(folder)
    image = Builder(builder.engine, builder.base, folder).build("handler")
    return Program(web, image, database.handler_environment())
