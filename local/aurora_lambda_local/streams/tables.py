"""Tables and streams inside moto: write what a request changed in them to the store, and restore them from it."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamRecord, Table
from moto.dynamodb.models.utilities import dynamo_json_dump
from moto.dynamodbstreams.models import dynamodbstreams_backends

from aurora_lambda_local.streams.records import Record
from aurora_lambda_local.streams.requests import DELETE_TABLE
from aurora_lambda_local.streams.store import StreamStore, TableKey


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


def set_stream_label(store: StreamStore, key: TableKey, label: str) -> None:
    """Set the label that ends the ARN of a table's stream; nothing may have been written to the stream yet."""
    if table := _table(key):
        table.latest_stream_label = label
        store.set_stream(key, _stream_arn(table))


def _backend(region: str) -> DynamoDBBackend:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][region]


def _table(key: TableKey) -> Table | None:
    return _backend(key.region).tables.get(key.name)


def _stream_arn(table: Table) -> str:
    return f"{table.table_arn}/stream/{table.latest_stream_label}" if table.stream_shard else ""


def stream_length(key: TableKey) -> int:
    """Return how many records a table's stream has had since it was brought back."""
    table = _table(key)
    return len(table.stream_shard.items) if table and table.stream_shard else 0


def keep_definition(store: StreamStore, key: TableKey, action: str, body: str) -> None:
    """Keep a request that made, changed or deleted a table."""
    table = _table(key)
    if action == DELETE_TABLE or table is None:
        store.delete_table(key)
        return
    store.add_request(key, action, body)
    if not (table.stream_specification or {}).get("StreamEnabled"):
        # moto leaves the shard of a stream that was switched off, and fails at the next write.
        table.stream_shard = table.latest_stream_label = None
    arn = _stream_arn(table)
    if arn != store.stream(key):
        _number_from_now(table)
        store.set_stream(key, arn)


def _number_from_now(table: Table) -> None:
    """Give a new stream greater sequence numbers than any earlier stream of its table had."""
    if table.stream_shard:
        table.stream_shard.starting_sequence_number = int(time.time() * 1000) * 10**9


def keep_changes(store: StreamStore, key: TableKey, changed: Sequence[Mapping[str, Any]] | None, before: int) -> str:
    """Keep what a request changed: the items with the keys in `changed`, or all where it is None.

    `before` is the stream's length before the request.

    Returns:
        The ARN of the table's stream, if it has new records; else an empty string.
    """
    table = _table(key)
    if table is None:
        return ""
    if changed is None:
        store.delete_items(key)
        # By way of JSON, since moto keeps binary values as bytes.
        changed = [json.loads(dynamo_json_dump(each.to_json()["Attributes"])) for each in table.all_items()]
    for attributes in changed:
        item = _item(table, attributes)
        text = dynamo_json_dump(item.to_json()["Attributes"]) if item else None
        store.put_item(key, _key_text(table, attributes), text)
    new = _new_records(table, before)
    store.append(_stream_arn(table), [_event(table, record) for record in new])
    return _stream_arn(table) if new else ""


def _item(table: Table, attributes: Mapping[str, Any]) -> Item | None:
    return table.get_item(*_key_values(table, attributes))


def _key_values(table: Table, attributes: Mapping[str, Any]) -> tuple[DynamoType, DynamoType | None]:
    range_key = _key_value(attributes[table.range_key_attr]) if table.range_key_attr else None
    return _key_value(attributes[table.hash_key_attr]), range_key


def _key_value(attribute: Mapping[str, Any]) -> DynamoType:
    """Return a key's value as moto compares it: binary ones as bytes, which are base64 in JSON."""
    ((kind, value),) = attribute.items()
    return DynamoType({kind: base64.b64decode(value) if kind == "B" and isinstance(value, str) else value})


def _key_text(table: Table, attributes: Mapping[str, Any]) -> str:
    """Return the same text for the same key: to DynamoDB, 1 and 1.0 are one number."""
    values = [next(iter(attributes[name].items())) for name in table.table_key_attrs]
    return json.dumps([[kind, str(Decimal(value).normalize()) if kind == "N" else value] for kind, value in values])


def _new_records(table: Table, before: int) -> list[StreamRecord]:
    """Return what a request added to a table's stream, as DynamoDB would have it.

    moto writes a record for a change that changes nothing, and two for an UpdateItem that makes an item.
    """
    shard = table.stream_shard
    if shard is None or len(shard.items) == before:
        return []
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
    return kept


def _same_key(one: StreamRecord, other: StreamRecord) -> bool:
    return one.record["dynamodb"]["Keys"] == other.record["dynamodb"]["Keys"]


def _event(table: Table, record: StreamRecord) -> Record:
    event = json.loads(dynamo_json_dump(record.record))
    event["dynamodb"]["ApproximateCreationDateTime"] = int(event["dynamodb"]["ApproximateCreationDateTime"])
    return Record({**event, "eventSourceARN": _stream_arn(table)})


def restore(store: StreamStore, key: TableKey) -> None:
    """Put a table's items and stream records back, after its requests have been sent again."""
    table = _table(key)
    if table is None:
        return
    # Without a shard moto writes no records for the items below.
    table.stream_shard = None
    for item in store.items(key):
        attributes = json.loads(item)
        for name in table.table_key_attrs:
            value = _key_value(attributes[name])
            attributes[name] = {value.type: value.value}
        table.put_item(attributes)
    if arn := store.stream(key):
        table.set_stream_specification(table.stream_specification)
        table.latest_stream_label = arn.rpartition("/")[2]
        _number_from_now(table)
        _restore_records(table, store.read(arn, 0, -1))


def _restore_records(table: Table, records: Sequence[Record]) -> None:
    shard = table.stream_shard
    if shard is None or not records:
        return
    shard.starting_sequence_number = records[0].sequence_number
    for record in records:
        keys = record.event["dynamodb"]["Keys"]
        # moto builds a record of its own; its contents are then replaced.
        shard.add(None, cast("Item", Item(*_key_values(table, keys), keys)))
        created = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
        change = {**record.event["dynamodb"], "ApproximateCreationDateTime": created}
        shard.items[-1].record = {**record.event, "dynamodb": change}
        del shard.items[-1].record["eventSourceARN"]
