"""The copy of DynamoDB items in SQL, on real servers."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from application.streams.copy_items import process
from application.tables import stream_items
from aurora_lambda_local.testing.streams import MODIFIED, invoke, raw_record
from aurora_lambda_runtime.handler.streams import Item
from aurora_lambda_runtime.handler.streams.attributes import item_from_json
from aurora_lambda_runtime.handler.streams.sql import database as sql_database
from tests.conftest import Database
from tests.images.runs import rows
from tests.services import CountingProxy

SUCCESS: dict[str, Any] = {"batchItemFailures": []}
KEY: Item = {"id": "1"}


@pytest.fixture(autouse=True)
def empty(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database that the environment names, with no copies in it."""
    rows(migrated, "DELETE FROM stream_items")
    monkeypatch.setenv("DATABASE_URL", migrated.environment()["DATABASE_URL"])
    yield
    sql_database().transactions.dispose()


def stored() -> list[dict[str, Any]]:
    """Return every row, as SQL sees it."""
    with sql_database().statements.connect() as connection:
        return [dict(row) for row in connection.execute(select(stream_items)).mappings()]


def copies() -> dict[str, Item]:
    """Return the items that are copied and not deleted, by their key `id`."""
    found = [(item_from_json(row["item_key"]), row["body"]) for row in stored()]
    return {str(key["id"]): item_from_json(body) for key, body in found if body is not None}


def test_the_item_is_stored_as_it_is_after_the_change() -> None:
    """The record of the contract: what people look at first when they try a stream."""
    assert invoke(process, MODIFIED) == SUCCESS
    assert stored() == [
        {
            "table_name": "test-table",
            "key_hash": hashlib.sha256(b'{"id":{"S":"1"}}').hexdigest(),
            "item_key": '{"id":{"S":"1"}}',
            "body": '{"id":{"S":"1"},"name":{"S":"Tung Nguyen"}}',
            "stream_position": "2019-02-15T23:01:06.871000/0000000000000000261800000000059086429283",
            "changed_at": datetime(2019, 2, 15, 23, 16, 39, tzinfo=UTC),
        }
    ]


def test_an_older_change_never_replaces_a_newer_one() -> None:
    """A batch may come late; and 9 is before 10, other than in a dictionary."""
    invoke(process, raw_record(KEY, {"n": 10}, sequence_number=10))
    invoke(process, raw_record(KEY, {"n": 9}, sequence_number=9))
    assert copies() == {"1": {"id": "1", "n": 10}}
    invoke(process, raw_record(KEY, {"n": 100}, sequence_number=10**30))
    assert copies() == {"1": {"id": "1", "n": 100}}


def test_a_deleted_item_leaves_a_row_that_older_changes_do_not_fill() -> None:
    """A late record would bring back what a user had deleted."""
    invoke(process, raw_record(KEY, {"n": 1}, sequence_number=1))
    invoke(process, raw_record(KEY, old={"n": 2}, sequence_number=3))
    invoke(process, raw_record(KEY, {"n": 2}, sequence_number=2))
    assert [(row["item_key"], row["body"]) for row in stored()] == [('{"id":{"S":"1"}}', None)]
    invoke(process, raw_record(KEY, {"n": 4}, sequence_number=4))
    assert copies() == {"1": {"id": "1", "n": 4}}


def test_a_table_that_was_made_again_replaces_the_items_of_the_old_one() -> None:
    """The numbers of its stream begin anew, below the old ones."""
    invoke(process, raw_record(KEY, {"n": 1}, sequence_number=10**30, enabled_at="2026-11-20T10:00:00"))
    invoke(process, raw_record(KEY, {"n": 2}, sequence_number=1, enabled_at="2026-11-21T10:00:00"))
    assert copies() == {"1": {"id": "1", "n": 2}}


def test_items_of_different_tables_are_different_items() -> None:
    """Two tables may feed one function."""
    invoke(process, *(raw_record(KEY, {"of": name}, table=name) for name in ("orders", "Orders", "users")))
    assert sorted(row["table_name"] for row in stored()) == ["Orders", "orders", "users"]


def test_a_batch_is_one_message_to_the_server(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message to the server for each record would make the stream slower than the table."""
    proxy = CountingProxy(migrated.port)
    through = replace(migrated, port=proxy.port)
    monkeypatch.setenv("DATABASE_URL", through.environment()["DATABASE_URL"])
    batch = [raw_record({"id": str(n)}, {"n": n}, sequence_number=n) for n in range(100)]
    invoke(process, *batch[:1])
    proxy.taken()
    assert invoke(process, *batch) == SUCCESS
    assert proxy.taken() == 1
    assert len(copies()) == 100
    sql_database().transactions.dispose()
    proxy.close()


@pytest.mark.parametrize("poison", [1, 60, 100])
def test_the_record_that_cannot_be_stored_is_returned_and_those_before_it_are_stored(poison: int) -> None:
    """The batch is one statement, and yet one bad record costs no other."""
    too_long = "t" * 256
    batch = [
        raw_record({"id": str(n)}, {"n": n}, sequence_number=n, table=too_long if n == poison else "test-table")
        for n in range(1, 101)
    ]
    assert invoke(process, *batch) == {"batchItemFailures": [{"itemIdentifier": str(poison)}]}
    assert copies() == {str(n): {"id": str(n), "n": n} for n in range(1, poison)}


def test_records_without_new_images_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A stream of keys alone cannot be copied, and nothing must look as if it were."""
    record = raw_record(KEY, {"n": 1})
    del record["dynamodb"]["NewImage"]
    record["dynamodb"]["StreamViewType"] = "KEYS_ONLY"
    assert invoke(process, record) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert stored() == []
    assert caplog.records[0].exc_text is not None
    assert caplog.records[0].exc_text.splitlines()[-1] == (
        "ValueError: the stream of table test-table has the view type KEYS_ONLY, without the items' new images: "
        "enable it with NEW_AND_OLD_IMAGES"
    )


@pytest.mark.parametrize("big", ["\N{GRINNING FACE}" * 100 * 1024, "\0'\"\\\n" * 1024, b"\xff\0" * 200 * 1024])
def test_the_largest_item_is_stored_whole(big: str | bytes) -> None:
    """DynamoDB takes 400 KB, and every character."""
    assert invoke(process, raw_record(KEY, {"big": big})) == SUCCESS
    assert copies() == {"1": {"id": "1", "big": big}}


@pytest.mark.parametrize("seed", range(2))
def test_however_the_changes_are_delivered_the_copy_equals_the_table(seed: int) -> None:
    """Batches come twice, late, in parts and in any order: each change counts once."""
    chance = random.Random(seed)
    table: dict[str, dict[str, object]] = {}
    records = []
    for number in range(1, 1001):
        key, old = str(chance.randrange(40)), None
        old = table.pop(key, None)
        if old is None or chance.random() < 0.8:
            table[key] = {"id": key, "n": number, "tags": {f"{number}", "x"}}
        records.append(raw_record({"id": key}, table.get(key), old, sequence_number=number))
    deliveries = [records[start : start + chance.randrange(1, 60)] for start in range(0, 1000, 20)]
    deliveries += chance.sample(deliveries, 20) + [records[at : at + 20] for at in range(0, 1000, 20)]
    chance.shuffle(deliveries)
    for batch in deliveries:
        assert invoke(process, *batch) == SUCCESS
    assert copies() == table
