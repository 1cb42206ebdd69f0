"""The requests that create or change a DynamoDB table as its Pulumi inputs say.

Source: Amazon DynamoDB API reference, CreateTable, UpdateTable, UpdateTimeToLive.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aurora_lambda_local.resources.resource_schemas import Inputs

# An action and its parameters, but for the table's name.
TableRequest = tuple[str, Mapping[str, Any]]


def table_requests(inputs: Inputs, existing: Mapping[str, Any] | None) -> Iterator[TableRequest]:
    """Yield the requests that make a table what its inputs say; `existing` is its description, where it exists."""
    if existing is not None and has_other_keys(inputs, existing):
        yield "DeleteTable", {}
        existing = None
    if existing is None:
        yield "CreateTable", _creation(inputs)
    else:
        yield from _index_changes(inputs, existing)
        yield from _stream_changes(inputs, existing)
    if ttl := inputs.get("ttl"):
        enabled = bool(ttl.get("enabled"))
        specification = {"Enabled": enabled, "AttributeName": ttl.get("attributeName") or "ttl"}
        yield "UpdateTimeToLive", {"TimeToLiveSpecification": specification}


def has_other_keys(inputs: Inputs, existing: Mapping[str, Any]) -> bool:
    """Return whether a table has to be made anew, which its keys alone demand."""
    return existing["KeySchema"] != _key_schema(inputs)


def _creation(inputs: Inputs) -> dict[str, Any]:
    on_demand = inputs.get("billingMode") == "PAY_PER_REQUEST"
    optional = {
        "ProvisionedThroughput": None if on_demand else _throughput(inputs),
        "GlobalSecondaryIndexes": [_global_index(each, inputs) for each in inputs.get("globalSecondaryIndexes") or ()],
        "LocalSecondaryIndexes": [
            _index(each, str(inputs["hashKey"])) for each in inputs.get("localSecondaryIndexes") or ()
        ],
        "StreamSpecification": _stream(inputs),
    }
    return {
        "AttributeDefinitions": _attributes(inputs),
        "KeySchema": _key_schema(inputs),
        "BillingMode": "PAY_PER_REQUEST" if on_demand else "PROVISIONED",
    } | {name: value for name, value in optional.items() if value}


def _attributes(inputs: Inputs) -> list[dict[str, str]]:
    return [{"AttributeName": each["name"], "AttributeType": each["type"]} for each in inputs.get("attributes") or ()]


def _key_schema(keys: Mapping[str, Any], hash_key: str = "") -> list[dict[str, str]]:
    schema = [{"AttributeName": str(keys.get("hashKey") or hash_key), "KeyType": "HASH"}]
    range_key = keys.get("rangeKey")
    return [*schema, {"AttributeName": str(range_key), "KeyType": "RANGE"}] if range_key else schema


def _throughput(inputs: Mapping[str, Any]) -> dict[str, int]:
    return {
        "ReadCapacityUnits": int(inputs.get("readCapacity") or 1),
        "WriteCapacityUnits": int(inputs.get("writeCapacity") or 1),
    }


def _index(index: Mapping[str, Any], hash_key: str = "") -> dict[str, Any]:
    names: Sequence[str] = index.get("nonKeyAttributes") or ()
    projection = {"ProjectionType": index["projectionType"]} | ({"NonKeyAttributes": list(names)} if names else {})
    return {"IndexName": index["name"], "KeySchema": _key_schema(index, hash_key), "Projection": projection}


def _global_index(index: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    on_demand = inputs.get("billingMode") == "PAY_PER_REQUEST"
    return _index(index) | ({} if on_demand else {"ProvisionedThroughput": _throughput(index)})


def _stream(inputs: Inputs) -> dict[str, Any] | None:
    if not inputs.get("streamEnabled"):
        return None
    return {"StreamEnabled": True, "StreamViewType": inputs.get("streamViewType") or "NEW_AND_OLD_IMAGES"}


def _index_changes(inputs: Inputs, existing: Mapping[str, Any]) -> Iterator[TableRequest]:
    indexes = {each["name"]: each for each in inputs.get("globalSecondaryIndexes") or ()}
    before = {each["IndexName"] for each in existing.get("GlobalSecondaryIndexes") or ()}
    updates = [{"Delete": {"IndexName": name}} for name in sorted(before - set(indexes))]
    updates += [{"Create": _global_index(each, inputs)} for name, each in indexes.items() if name not in before]
    for update in updates:
        yield "UpdateTable", {"AttributeDefinitions": _attributes(inputs), "GlobalSecondaryIndexUpdates": [update]}


def _stream_changes(inputs: Inputs, existing: Mapping[str, Any]) -> Iterator[TableRequest]:
    wanted, before = _stream(inputs), existing.get("StreamSpecification") or {}
    if wanted == before:
        return
    if before.get("StreamEnabled"):
        yield "UpdateTable", {"StreamSpecification": {"StreamEnabled": False}}
    if wanted:
        yield "UpdateTable", {"StreamSpecification": wanted}
