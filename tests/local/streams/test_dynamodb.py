"""DynamoDB's tables and streams here, and that nothing is lost at a stop, and little at a kill."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.streams.dynamodb import DurableDynamoDb
from aurora_lambda_local.streams.records import Record
from aurora_lambda_local.streams.store import StreamStore
from tests.local.streams.conftest import LABEL, REGION, make_table
from tests.services import eventually

Client = Callable[[str], Any]
Restart = Callable[[], StreamStore]
ITEM: dict[str, Any] = {
    "id": {"S": "1"},
    "number": {"N": "12345678901234567890.123456789"},
    "binary": {"B": b"\x00\xff"},
    "nested": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}, {"S": ""}]}}},
    "set": {"BS": [b"\x01", b"\x02"]},
}


def names(records: list[Record]) -> list[tuple[str, str]]:
    """What was done to which key."""
    return [(each.event["eventName"], each.event["dynamodb"]["Keys"]["id"]["S"]) for each in records]


def test_a_record_is_lambdas(dynamodb: DurableDynamoDb, store: StreamStore, client: Client) -> None:
    """A function would be given another event here than on AWS."""
    arn = make_table(dynamodb)
    client("dynamodb").put_item(TableName="items", Item={"id": {"S": "1"}, "data": {"B": b"\x00\xff"}})
    event = dict(store.read(arn, 0, 10)[0].event)
    change = dict(event.pop("dynamodb"))
    assert len(event.pop("eventID")) == 32
    assert event == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "eventSourceARN": arn,
    }
    assert isinstance(change.pop("ApproximateCreationDateTime"), int)
    assert change.pop("SizeBytes") > 0
    assert len(change.pop("SequenceNumber")) == 22
    assert change == {
        "Keys": {"id": {"S": "1"}},
        "NewImage": {"id": {"S": "1"}, "data": {"B": "AP8="}},
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }


def test_every_way_of_writing_is_kept(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """What was written would be gone after a stop, depending on the request it came by."""
    arn = make_table(dynamodb)
    table = client("dynamodb")
    table.put_item(TableName="items", Item={"id": {"S": "put"}})
    table.update_item(TableName="items", Key={"id": {"S": "update"}}, **_set("a"))
    table.batch_write_item(
        RequestItems={
            "items": [
                {"PutRequest": {"Item": {"id": {"S": "batch"}}}},
                {"DeleteRequest": {"Key": {"id": {"S": "put"}}}},
            ]
        }
    )
    table.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "items", "Item": {"id": {"S": "transaction"}}}},
            {"Update": {"TableName": arn.partition("/stream")[0], "Key": {"id": {"S": "batch"}}, **_set("b")}},
        ]
    )
    table.execute_statement(Statement="INSERT INTO items VALUE {'id': 'statement'}")
    table.delete_item(TableName="items", Key={"id": {"S": "update"}})
    expected = [
        ("INSERT", "put"),
        ("INSERT", "update"),
        ("INSERT", "batch"),
        ("REMOVE", "put"),
        ("INSERT", "transaction"),
        ("MODIFY", "batch"),
        ("INSERT", "statement"),
        ("REMOVE", "update"),
    ]
    assert names(store.read(arn, 0, 100)) == expected
    before = table.scan(TableName="items")["Items"]
    assert sorted(each["id"]["S"] for each in before) == ["batch", "statement", "transaction"]
    assert names(restart().read(arn, 0, 100)) == expected
    assert table.scan(TableName="items")["Items"] == before


def _set(value: str) -> dict[str, Any]:
    return {"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"S": value}}}


def test_an_item_comes_back_as_it_was(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """Binary data, long numbers and nesting would be damaged by a restart."""
    make_table(dynamodb)
    client("dynamodb").put_item(TableName="items", Item=ITEM)
    restart()
    assert client("dynamodb").get_item(TableName="items", Key={"id": {"S": "1"}})["Item"] == ITEM


def test_a_stream_goes_on_after_a_restart(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """A mapping would read a record twice or never, and a reader with its own client find another stream."""
    arn = make_table(dynamodb)
    table = client("dynamodb")
    table.put_item(TableName="items", Item={"id": {"S": "1"}})
    (first,) = store.read(arn, 0, 10)
    again = restart()
    table.put_item(TableName="items", Item={"id": {"S": "2"}})
    assert [each.sequence_number for each in again.read(arn, 0, 10)] == [
        first.sequence_number,
        first.sequence_number + 1,
    ]
    streams = client("dynamodbstreams")
    assert table.describe_table(TableName="items")["Table"]["LatestStreamArn"] == arn
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=str(first.sequence_number)
    )["ShardIterator"]
    found = streams.get_records(ShardIterator=iterator)["Records"]
    assert [each["dynamodb"]["NewImage"]["id"]["S"] for each in found] == ["1", "2"]
    assert found[0]["dynamodb"]["ApproximateCreationDateTime"].timestamp() == first.created


@pytest.mark.slow
def test_a_killed_process_loses_but_the_last_seconds(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, tmp_path: Path
) -> None:
    """A day's work would be gone with the process that held it."""
    arn = make_table(dynamodb)
    client("dynamodb").put_item(TableName="items", Item=ITEM)
    saved = StreamStore(tmp_path / "streams.sqlite")
    # As another process finds it: nothing has been closed.
    assert eventually(lambda: [table["items"] for table in saved.tables().values()] != [[]])
    assert names(saved.read(arn, 0, 10)) == [("INSERT", "1")]
    saved.close()


def test_after_a_kill_no_record_is_taken_for_an_earlier_one(
    dynamodb: DurableDynamoDb,
    store: StreamStore,
    client: Client,
    restart: Restart,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mapping passes by what looks older than what it has seen: the first changes after a kill."""
    arn = make_table(dynamodb)
    monkeypatch.setattr(dynamodb, "save", lambda: None)
    client("dynamodb").put_item(TableName="items", Item={"id": {"S": "1"}})
    (earlier,) = store.read(arn, 0, 10)
    again = restart()
    client("dynamodb").put_item(TableName="items", Item={"id": {"S": "1"}})
    (later,) = again.read(arn, earlier.sequence_number, 10)
    assert (later.event["eventName"], later.sequence_number) == ("INSERT", earlier.sequence_number + 1)


def test_a_change_that_changes_nothing_is_no_record(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client
) -> None:
    """Developer guide, "Change data capture for DynamoDB Streams": a function would be called for nothing."""
    arn = make_table(dynamodb)
    for _ in range(2):
        client("dynamodb").put_item(TableName="items", Item=ITEM)
    assert names(store.read(arn, 0, 10)) == [("INSERT", "1")]


def test_a_refused_request_leaves_nothing(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """Half a transaction would be delivered, or come back after a restart."""
    arn = make_table(dynamodb)
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        client("dynamodb").transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "items", "Item": {"id": {"S": "1"}}}},
                {
                    "ConditionCheck": {
                        "TableName": "items",
                        "Key": {"id": {"S": "2"}},
                        "ConditionExpression": "attribute_exists(id)",
                    }
                },
            ]
        )
    assert restart().read(arn, 0, 10) == []
    assert client("dynamodb").scan(TableName="items")["Count"] == 0


def test_tables_that_the_program_does_not_know_come_back_too(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """A table made by hand, to be adopted, would have to be made again after each restart."""
    table = client("dynamodb")
    table.create_table(
        TableName="mine",
        KeySchema=[{"AttributeName": "n", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "n", "AttributeType": "N"},
            {"AttributeName": "s", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in ("1", "1.0"):
        table.put_item(TableName="mine", Item={"n": {"N": number}, "s": {"S": "x"}})
    table.update_time_to_live(TableName="mine", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    restart()
    assert table.scan(TableName="mine")["Items"] == [{"n": {"N": "1.0"}, "s": {"S": "x"}}]
    ttl = table.describe_time_to_live(TableName="mine")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_a_stream_can_be_switched_off_and_on(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """Writes would fail while it is off; and later records would look older than what a mapping has seen."""
    earlier = make_table(dynamodb)
    table = client("dynamodb")
    table.put_item(TableName="items", Item={"id": {"S": "1"}})
    last = store.last_position(earlier)
    table.update_table(TableName="items", StreamSpecification={"StreamEnabled": False})
    table.put_item(TableName="items", Item={"id": {"S": "2"}})
    table.update_table(TableName="items", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    table.put_item(TableName="items", Item={"id": {"S": "3"}})
    arn = table.describe_table(TableName="items")["Table"]["LatestStreamArn"]
    for each in (store, restart()):
        (record,) = each.read(arn, 0, 10)
        assert record.event["dynamodb"]["Keys"] == {"id": {"S": "3"}}
        assert record.sequence_number > last
        assert each.read(earlier, 0, 10) == []


def test_a_deleted_table_is_gone(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """It would come back with its old items."""
    arn = make_table(dynamodb)
    client("dynamodb").put_item(TableName="items", Item=ITEM)
    client("dynamodb").delete_table(TableName="items")
    assert restart().read(arn, 0, 10) == []
    assert dynamodb.describe(REGION, "items") is None
    make_table(dynamodb)
    assert client("dynamodb").scan(TableName="items")["Count"] == 0


def test_readers_are_woken_by_a_write_to_their_stream_alone(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client
) -> None:
    """Records would wait for the next time somebody looks; or every write would wake every mapping."""
    woken, asleep = threading.Event(), threading.Event()
    dynamodb.notify(make_table(dynamodb, "one"), woken)
    dynamodb.notify(make_table(dynamodb, "two"), asleep)
    client("dynamodb").put_item(TableName="one", Item={"id": {"S": "1"}})
    assert (woken.is_set(), asleep.is_set()) == (True, False)


def test_an_impossible_table_is_refused_in_words(dynamodb: DurableDynamoDb, store: StreamStore) -> None:
    """The person who wrote the program has only this message to go by."""
    make_table(dynamodb)
    with pytest.raises(LocalError) as refused:
        make_table(dynamodb)
    assert str(refused.value) == "DynamoDB refuses CreateTable: Table already exists: items"
    assert LABEL in str(dynamodb.describe(REGION, "items"))


def test_a_damaged_file_is_reported_with_what_to_type(tmp_path: Path) -> None:
    """No `up` would work any more, and nobody know why."""
    path = tmp_path / "a folder" / "streams.sqlite"
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(LocalError) as refused:
        StreamStore(path)
    assert str(refused.value) == f"{path} cannot be read (file is not a database); to go on with no tables: rm '{path}'"


def test_nothing_is_acknowledged_that_could_not_be_kept(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """While a stack comes back up its address answers already: what was written then was gone a moment later."""
    arn = make_table(dynamodb)
    table = client("dynamodb")
    dynamodb.close()
    with pytest.raises(ClientError) as refusal:
        table.put_item(TableName="items", Item={"id": {"S": "early"}})
    assert refusal.value.response["Error"]["Code"] == "ServiceUnavailable"
    again = restart()
    table.put_item(TableName="items", Item={"id": {"S": "kept"}})
    assert names(again.read(arn, 0, 10)) == [("INSERT", "kept")]


def test_a_full_disk_is_what_the_client_is_told(dynamodb: DurableDynamoDb, store: StreamStore) -> None:
    """Somebody who puts an item would read a page of HTML."""
    make_table(dynamodb)
    store._connection.execute("pragma max_page_count = 1")
    with pytest.raises(LocalError) as refused:
        dynamodb.request(REGION, "PutItem", TableName="items", Item={"id": {"S": "a"}, "text": {"S": "b" * 10_000}})
    assert str(refused.value) == "DynamoDB refuses PutItem: this cannot be kept: database or disk is full"
    store._connection.execute("pragma max_page_count = 10000")


def test_a_binary_key_does_not_break_statements_on_other_tables(
    dynamodb: DurableDynamoDb, store: StreamStore, client: Client, restart: Restart
) -> None:
    """One item in one table would make every PartiQL statement on this machine fail."""
    make_table(dynamodb)
    table = client("dynamodb")
    table.create_table(
        TableName="binary",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "B"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.put_item(TableName="binary", Item={"key": {"B": b"\x00\xff"}})
    table.execute_statement(Statement="INSERT INTO items VALUE {'id': 'statement'}")
    again = restart()
    assert [item["id"] for item in table.scan(TableName="items")["Items"]] == [{"S": "statement"}]
    assert [item["key"] for item in table.scan(TableName="binary")["Items"]] == [{"B": b"\x00\xff"}]
    again.close()
