"""Tables and streams inside moto: what the store keeps of them, and how they come back."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamRecord, Table
from moto.dynamodb.models.utilities import dynamo_json_dump
from moto.dynamodbstreams.models import dynamodbstreams_backends

from aurora_lambda_local.streams.records import Record
from aurora_lambda_local.streams.store import TableKey


def names(region: str) -> list[str]:
    """Return the names of a region's tables."""
    return list(_backend(region).tables)


def describe(key: TableKey) -> dict[str, Any] | None:
    """Return a table's description as DescribeTable has it; None when there is no such table."""
    table = _table(key)
    return json.loads(dynamo_json_dump(table.describe("Table")))["Table"] if table else None


def forget_all() -> None:
    """Remove all tables and streams from moto; what was kept of them stays."""
    for backends in (dynamodb_backends, dynamodbstreams_backends):
        for backend in list(backends[DEFAULT_ACCOUNT_ID].values()):
            backend.reset()


def stream_arn(key: TableKey) -> str:
    """Return the ARN of a table's stream; empty when it has none."""
    table = _table(key)
    return f"{table.table_arn}/stream/{table.latest_stream_label}" if table and table.stream_shard else ""


def set_stream_label(key: TableKey, label: str) -> None:
    """Set the label that ends the ARN of a table's stream; nothing may have been written to the stream yet."""
    if table := _table(key):
        table.latest_stream_label = label


def prepare_stream(key: TableKey) -> None:
    """Give a new stream greater sequence numbers than any earlier one had, and remove what is left of an old one."""
    table = _backend(key.region).tables[key.name]
    if not (table.stream_specification or {}).get("StreamEnabled"):
        # moto leaves the shard of a stream that was switched off, and fails at the next write.
        table.stream_shard = table.latest_stream_label = None
    elif table.stream_shard and not table.stream_shard.items:
        table.stream_shard.starting_sequence_number = int(time.time() * 1000) * 10**9


def document(key: TableKey, requests: Sequence[tuple[str, str]]) -> str:
    """Return a table as JSON: the requests that made it what it is, its stream and its items."""
    items = [each.to_json()["Attributes"] for each in _backend(key.region).tables[key.name].all_items()]
    return dynamo_json_dump({"requests": requests, "stream": stream_arn(key), "items": items})


def restore(key: TableKey, kept: Mapping[str, Any], records: Sequence[Record]) -> None:
    """Put a table's items and stream records back, after its requests have been sent again."""
    table = _backend(key.region).tables[key.name]
    # Without a shard moto writes no records for the items below.
    table.stream_shard = None
    for attributes in kept["items"]:
        for name in table.table_key_attrs:
            value = _key_value(attributes[name])
            attributes[name] = {value.type: value.value}
        table.put_item(attributes)
    if kept["stream"]:
        table.set_stream_specification(table.stream_specification)
        table.latest_stream_label = kept["stream"].rpartition("/")[2]
        prepare_stream(key)
        _restore_records(table, records)


def new_records(key: TableKey, last: int) -> list[Record]:
    """Return the records of a table's stream after a sequence number, as DynamoDB would have them.

    moto writes a record for a change that changes nothing, and two for an UpdateItem that makes an item.
    """
    table = _table(key)
    shard = table.stream_shard if table else None
    if table is None or shard is None:
        return []
    before = max(last + 1 - shard.starting_sequence_number, 0)
    kept: list[StreamRecord] = []
    for record in shard.items[before:]:
        change = record.record["dynamodb"]
        if record.record["eventName"] == "MODIFY" and change.get("OldImage") == change.get("NewImage", ()):
            continue
        if (
            kept
            and record.record["eventName"] == kept[-1].record["eventName"] == "INSERT"
            and _same_key(record, kept[-1])
        ):
            kept.pop()
        kept.append(record)
    for number, record in enumerate(kept, before + shard.starting_sequence_number):
        record.record["awsRegion"] = table.region_name
        record.record["eventVersion"] = "1.1"
        record.record["dynamodb"]["SequenceNumber"] = str(number)
    shard.items[before:] = kept
    return [_event(stream_arn(key), record) for record in kept]


def _backend(region: str) -> DynamoDBBackend:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][region]


def _table(key: TableKey) -> Table | None:
    return _backend(key.region).tables.get(key.name)


def _key_value(attribute: Mapping[str, Any]) -> DynamoType:
    """Return a key's value as moto compares it: binary ones as bytes, which are base64 in JSON."""
    ((kind, value),) = attribute.items()
    return DynamoType({kind: base64.b64decode(value) if kind == "B" else value})


def _same_key(one: StreamRecord, other: StreamRecord) -> bool:
    return one.record["dynamodb"]["Keys"] == other.record["dynamodb"]["Keys"]


def _event(arn: str, record: StreamRecord) -> Record:
    event = json.loads(dynamo_json_dump(record.record))
    event["dynamodb"]["ApproximateCreationDateTime"] = int(event["dynamodb"]["ApproximateCreationDateTime"])
    return Record({**event, "eventSourceARN": arn})


def _restore_records(table: Table, records: Sequence[Record]) -> None:
    shard = table.stream_shard
    if shard is None or not records:
        return
    shard.starting_sequence_number = records[0].sequence_number
    for record in records:
        keys = record.event["dynamodb"]["Keys"]
        range_key = _key_value(keys[table.range_key_attr]) if table.range_key_attr else None
        # moto builds a record of its own; its contents are then replaced.
        shard.add(None, cast("Item", Item(_key_value(keys[table.hash_key_attr]), range_key, keys)))
        created = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
        change = {**record.event["dynamodb"], "ApproximateCreationDateTime": created}
        shard.items[-1].record = {**record.event, "dynamodb": change}
        del shard.items[-1].record["eventSourceARN"]
