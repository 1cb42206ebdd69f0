"""The copy of DynamoDB items in a stack that is up: from a table, through its stream, into SQL."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import select

from application.tables import stream_items
from aurora_lambda_local.commands import database_url
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.sqlalchemy_engine import lambda_engine
from aurora_lambda_runtime.handler.streams.attributes import decode_item, item_from_json
from tests.e2e.checkout import Checkout
from tests.services import eventually

pytestmark = pytest.mark.slow

TABLE = "aurora-lambda-local-items"
CONFIG = """\
  aurora-lambda:streams:
    - name: copy
      table: items
      command: application.streams.poisoned.process
      maximumRetryAttempts: 1
"""
POISONED = '''\
"""Copies items, and fails on those that are poison."""

from application.streams import copy_items
from aurora_lambda_runtime.handler.streams import batch_handler


@batch_handler
def process(records):
    if POISON and any((record.new_image or {}).get("poison") for record in records):
        raise ValueError("poison")
    copy_items.process.__wrapped__(records)
'''
CHANGES, KEYS, BATCH = 4_000, 200, 25


@pytest.fixture(scope="module", params=["postgres", "mysql", "dsql"])
def checkout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A stack that is up, with a table whose stream feeds the shipped function."""
    checkout = Checkout.copied_to(tmp_path_factory.mktemp("streams") / "checkout")
    with (checkout.folder / "stacks" / "Pulumi.local.yaml").open("a") as file:
        file.write(CONFIG)
    write_function(checkout, poison=True)
    try:
        checkout.run("up", "-c", f"engine={request.param}")
        yield checkout
    finally:
        checkout.run("down")


def write_function(checkout: Checkout, *, poison: bool) -> None:
    """Write the function that fails on poison, or the one that does not."""
    module = Path(checkout.folder, "lambda_images/application/streams/poisoned.py")
    module.write_text(POISONED.replace("POISON and", "" if poison else "False and"))


def query(checkout: Checkout, *columns: sqlalchemy.Column) -> list[Any]:
    """Return columns of every row of `stream_items`."""
    settings = database_settings({"DATABASE_URL": database_url(checkout.folder)})
    engine = lambda_engine(Connector(settings))
    try:
        with engine.connect() as connection:
            return list(connection.execute(select(*columns)))
    finally:
        engine.dispose()


def copies(checkout: Checkout) -> dict[str, Any]:
    """Return the items that SQL has, by their key."""
    found = [item_from_json(body) for (body,) in query(checkout, stream_items.c.body) if body is not None]
    return {str(item["id"]): item for item in found}


def items(checkout: Checkout) -> dict[str, Any]:
    """Return the items that the table has, by their key."""
    pages = checkout.client("dynamodb", "awsEndpoint").get_paginator("scan").paginate(TableName=TABLE)
    found = [decode_item(item) for page in pages for item in page["Items"]]
    return {str(item["id"]): item for item in found}


def mapping(checkout: Checkout) -> Any:
    return json.loads(checkout.status_of("mappings"))["copy"]


def change(checkout: Checkout, chance: random.Random) -> dict[int, Any]:
    """Change items, one in a hundred to poison; return the poisonous items by the numbers of their changes."""
    dynamodb = checkout.client("dynamodb", "awsEndpoint")
    poison, items = set(chance.sample(range(CHANGES), CHANGES // 100)), {}
    for start in range(0, CHANGES, BATCH):
        keys = chance.sample(range(KEYS), BATCH)
        requests = {number: _request(key, number, number in poison, chance) for number, key in enumerate(keys, start)}
        dynamodb.batch_write_item(RequestItems={TABLE: list(requests.values())})
        items |= {number: requests[number]["PutRequest"]["Item"] for number in poison & requests.keys()}
    return items


def _request(key: int, number: int, poison: bool, chance: random.Random) -> dict[str, Any]:
    if not poison and chance.random() < 0.2:
        return {"DeleteRequest": {"Key": {"id": {"S": str(key)}}}}
    item = {"id": {"S": str(key)}, "number": {"N": str(number)}, **({"poison": {"BOOL": True}} if poison else {})}
    return {"PutRequest": {"Item": item}}


def environments(checkout: Checkout) -> list[int]:
    """Return the processes of the function's execution environments."""
    return [process for process, line in checkout.processes().items() if "poisoned.process" in line]


def kill_environments(checkout: Checkout, times: int) -> list[dict[str, str]]:
    """Kill the function's execution environments again and again; return each key's position at each of the times."""
    positions = []
    for _ in range(times):
        assert eventually(lambda: bool(environments(checkout)))
        for process in environments(checkout):
            os.kill(process, signal.SIGKILL)
        positions.append(dict(map(tuple, query(checkout, stream_items.c.item_key, stream_items.c.stream_position))))
        time.sleep(0.4)
    return positions


def given_up(checkout: Checkout) -> dict[int, Any]:
    """Return the items of the records that are in the failure store, by the numbers of their changes."""
    s3 = checkout.client("s3", "awsEndpoint")
    found = {}
    for bucket in s3.list_buckets()["Buckets"]:
        for entry in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            document = json.loads(s3.get_object(Bucket=bucket["Name"], Key=entry["Key"])["Body"].read())
            for record in json.loads(document["payload"])["Records"]:
                image = record["dynamodb"].get("NewImage", {})
                found |= {int(image["number"]["N"]): image} if "number" in image else {}
    return found


def test_sql_equals_the_table_whatever_fails_on_the_way(checkout: Checkout) -> None:
    """Nothing is lost: not by a record that fails, nor by environments that are killed, nor by a replay."""
    with ThreadPoolExecutor() as pool:
        killing = pool.submit(kill_environments, checkout, 10)
        poison = change(checkout, random.Random(1))
    for before, after in pairwise(killing.result()):
        assert [key for key in before if after[key] < before[key]] == []
    assert eventually(lambda: mapping(checkout)["oldestRecordAge"] is None, interval=1)
    assert poison.items() <= given_up(checkout).items()

    write_function(checkout, poison=False)
    checkout.run("up", "-c", f"engine={checkout.status_of('engine')}")
    checkout.run("replay", "copy")
    assert copies(checkout) == items(checkout)
    assert mapping(checkout)["failures"] == 0
