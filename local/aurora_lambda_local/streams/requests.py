"""Requests to DynamoDB that change something.

Source: Amazon DynamoDB API reference.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

DELETE_TABLE = "DeleteTable"
BATCH_WRITE = "BatchWriteItem"
# Requests that make a table or change what it is, not what it holds.
DEFINING = (
    "CreateTable",
    "UpdateTable",
    DELETE_TABLE,
    "UpdateTimeToLive",
    "UpdateContinuousBackups",
    "TagResource",
    "UntagResource",
)
# PartiQL statements are not parsed here: any table may be changed.
_STATEMENTS = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")

_WRITES = ("PutItem", "UpdateItem", "DeleteItem", BATCH_WRITE, "TransactWriteItems")

Key = Mapping[str, Any]


def table_name(body: str) -> str:
    """Return the name of the table that a request is about, given by name or ARN."""
    request = json.loads(body)
    return str(request.get("TableName") or request.get("ResourceArn") or "").rpartition("/")[2]


def changed_keys(action: str, body: str) -> Mapping[str, Sequence[Key]] | None:
    """Return, by table, attributes with the keys of the items that a request may change; None for any of any table."""
    if action in _STATEMENTS:
        return None
    changes: defaultdict[str, list[Key]] = defaultdict(list)
    for table, key in _changes(action, json.loads(body) if action in _WRITES else {}):
        changes[table.rpartition("/")[2]].append(key)
    return changes


def _changes(action: str, request: Mapping[str, Any]) -> Iterator[tuple[str, Key]]:
    if action in ("PutItem", "UpdateItem", "DeleteItem"):
        yield _change(request)
    for table, writes in request.get("RequestItems", {}).items():
        for write in writes:
            yield table, write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]
    for write in request.get("TransactItems", ()):
        for kind in ("Put", "Update", "Delete"):
            if kind in write:
                yield _change(write[kind])


def _change(write: Mapping[str, Any]) -> tuple[str, Key]:
    return write["TableName"], write["Item"] if "Item" in write else write["Key"]
