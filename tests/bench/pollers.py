"""Event source mappings on this machine: from a write to its row in SQL, and what many of them cost."""

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pulumi_aws as aws
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from sqlalchemy import select

from aurora_lambda.image import LambdaImage
from aurora_lambda_local.commands import down
from aurora_lambda_local.lambda_service.function import InvocationResult
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.progress import Progress
from aurora_lambda_local.streams.dynamodb import DurableDynamoDb
from aurora_lambda_local.streams.mapping import parse_mapping
from aurora_lambda_local.streams.poller import Poller
from aurora_lambda_local.streams.store import StreamStore
from aurora_lambda_runtime.handler.streams.sql import database
from tests.bench.copies import in_batches, items
from tests.bench.database import MASTER, Database
from tests.bench.samples import Samples
from tests.bench.starts import stored
from tests.images.client import Context
from tests.local import project
from tests.local.running import supervisor

REGION = "eu-west-1"
WRITES = 200
ROUNDS = 5
MANY = 50
KEYS = [{"AttributeName": "id", "KeyType": "HASH"}]
ATTRIBUTES = [{"AttributeName": "id", "AttributeType": "S"}]
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def deliveries(directory: Path, measured: Database) -> dict[str, Samples]:
    """Return the milliseconds of writes to a table, until they are `answered` and until their row is `stored`."""
    dynamodb, store = (
        DurableDynamoDb(DomainDispatcherApplication(create_backend_app)),
        StreamStore(directory / "streams"),
    )
    dynamodb.open(store)
    create = partial(dynamodb.request, REGION, "CreateTable", BillingMode="PAY_PER_REQUEST")
    table = create(TableName="items", KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, StreamSpecification=STREAM)
    done = threading.Event()

    def invoke(payload: bytes) -> InvocationResult:
        answer = in_batches(json.loads(payload), Context())
        done.set()
        return InvocationResult("", json.dumps(answer).encode(), failed=False, log_tail=b"")

    inputs = {"eventSourceArn": table["TableDescription"]["LatestStreamArn"], "functionName": "copy"}
    poller = Poller(parse_mapping("mapping", "items", inputs), dynamodb, store, invoke)
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(io.StringIO()):
        monkeypatch.setenv("DATABASE_URL", measured.url(MASTER))
        items.create(database().statements)
        poller.start()
        try:
            pairs = [_write(dynamodb, done, number) for number in range(WRITES)]
            stored("the function", _copies(), WRITES)
        finally:
            poller.close()
            dynamodb.close()
            store.close()
    return {
        name: Samples(values) for name, values in zip(("answered", "stored"), zip(*pairs, strict=True), strict=True)
    }


def _write(dynamodb: DurableDynamoDb, done: threading.Event, number: int) -> tuple[float, float]:
    done.clear()
    started = time.perf_counter()
    dynamodb.request(REGION, "PutItem", TableName="items", Item={"id": {"S": str(number)}})
    answered = time.perf_counter()
    done.wait()
    return (answered - started) * 1000, (time.perf_counter() - started) * 1000


def _copies() -> int:
    return database().statement(lambda connection: len(connection.execute(select(items)).all()))


def registrations(directory: Path) -> tuple[dict[str, Samples], float]:
    """Return the seconds that an `up` takes with `one` stream and with `many`, and the MB that the others add."""
    environments = directory / "environments"
    environments.mkdir()
    counts = {"one": 1, "many": MANY}
    folders = {name: project.write(directory / name, environments) for name in counts}
    # Installs the packages.
    _up(folders["one"], 1)
    rounds = [{name: _up(folder, counts[name]) for name, folder in folders.items()} for _ in range(ROUNDS)]
    seconds = {name: Samples(tuple(each[name][0] for each in rounds)) for name in counts}
    memory = {name: Samples(tuple(each[name][1] for each in rounds)).median for name in counts}
    return seconds, memory["many"] - memory["one"]


def _up(checkout: Path, count: int) -> tuple[float, float]:
    """Return the seconds that the stack takes to come up, and the MB of its supervisor; nothing of it is left."""
    program: Callable[[], None] = partial(_program, count)
    started = time.perf_counter()
    up("local", checkout=checkout, program=program, progress=Progress(lambda _: None))
    seconds, memory = time.perf_counter() - started, supervisor(checkout).memory_info().rss / 1_000_000
    down(checkout)
    (checkout / ".local").mkdir()
    (checkout / ".local" / "environments").symlink_to(checkout.parent / "environments")
    return seconds, memory


def _program(count: int) -> None:
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    role = "arn:aws:iam::123456789012:role/copy"
    function = aws.lambda_.Function("copy", package_type="Image", image_uri=image.image_uri, role=role)
    for number in range(count):
        table = aws.dynamodb.Table(
            f"items-{number}",
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attributes=[{"name": "id", "type": "S"}],
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
        )
        aws.lambda_.EventSourceMapping(
            f"items-{number}",
            event_source_arn=table.stream_arn,
            function_name=function.arn,
            starting_position="TRIM_HORIZON",
        )
