"""A DynamoDB on loopback whose tables outlive it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from aurora_lambda_local.streams.dynamodb import DurableDynamoDb
from aurora_lambda_local.streams.store import StreamStore

REGION = "eu-west-1"
LABEL = "2026-01-01T00:00:00.000"
# Reads each service's description once.
SESSION = boto3.session.Session()


@pytest.fixture
def dynamodb() -> Iterator[DurableDynamoDb]:
    """DynamoDB, with no store yet; nothing of it is left behind."""
    durable = DurableDynamoDb(DomainDispatcherApplication(create_backend_app))
    yield durable
    durable.close()


@pytest.fixture
def store(dynamodb: DurableDynamoDb, tmp_path: Path) -> Iterator[StreamStore]:
    """The store that `dynamodb` keeps everything in."""
    opened = StreamStore(tmp_path / "streams.sqlite")
    dynamodb.open(opened)
    yield opened
    dynamodb.close()
    opened.close()


@pytest.fixture
def restart(dynamodb: DurableDynamoDb, tmp_path: Path) -> Iterator[Callable[[], StreamStore]]:
    """Stop, and go on with what is on the disk."""
    opened: list[StreamStore] = []

    def again() -> StreamStore:
        dynamodb.close()
        opened.append(StreamStore(tmp_path / "streams.sqlite"))
        dynamodb.open(opened[-1])
        return opened[-1]

    yield again
    dynamodb.close()
    for each in opened:
        each.close()


@pytest.fixture
def client(dynamodb: DurableDynamoDb) -> Iterator[Callable[[str], Any]]:
    """Makes boto3 clients of this DynamoDB, over HTTP."""
    server = make_server("127.0.0.1", 0, dynamodb, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def make(service: str) -> Any:
        return SESSION.client(
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    yield make
    server.shutdown()
    thread.join()
    server.server_close()


def make_table(dynamodb: DurableDynamoDb, name: str = "items", view: str = "NEW_AND_OLD_IMAGES") -> str:
    """Make a table with a stream, keyed by the string `id`; the stream's ARN."""
    dynamodb.request(
        REGION,
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )
    dynamodb.set_stream_label(REGION, name, LABEL)
    return f"arn:aws:dynamodb:{REGION}:123456789012:table/{name}/stream/{LABEL}"
