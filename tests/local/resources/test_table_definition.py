"""The requests that make a table what the program says."""

from typing import Any

import pytest

from aurora_lambda_local.resources.table_definition import table_requests

ON_DEMAND: dict[str, Any] = {
    "billingMode": "PAY_PER_REQUEST",
    "hashKey": "id",
    "attributes": [{"name": "id", "type": "S"}],
}
INDEX = {"name": "by-day", "hashKey": "day", "rangeKey": "id", "projectionType": "INCLUDE", "nonKeyAttributes": ["v"]}
STREAM = {"streamEnabled": True, "streamViewType": "KEYS_ONLY"}
KEYS = [{"AttributeName": "id", "KeyType": "HASH"}]
ATTRIBUTES = [{"AttributeName": "id", "AttributeType": "S"}]
GLOBAL_INDEX = {
    "IndexName": "by-day",
    "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]},
}


def test_a_table_is_created_with_all_that_the_program_gives_it() -> None:
    """Queries by an index, or streams, would work on AWS alone."""
    inputs = {**ON_DEMAND, **STREAM, "globalSecondaryIndexes": [INDEX], "ttl": {"attributeName": "at", "enabled": True}}
    assert list(table_requests(inputs, None)) == [
        (
            "CreateTable",
            {
                "AttributeDefinitions": ATTRIBUTES,
                "KeySchema": KEYS,
                "BillingMode": "PAY_PER_REQUEST",
                "GlobalSecondaryIndexes": [GLOBAL_INDEX],
                "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
            },
        ),
        ("UpdateTimeToLive", {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "at"}}),
    ]


def test_a_provisioned_table_and_its_indexes_have_their_throughput() -> None:
    """CreateTable refuses them without."""
    index = {"name": "by-v", "rangeKey": "v", "projectionType": "ALL"}
    inputs = {
        "hashKey": "id",
        "attributes": ON_DEMAND["attributes"],
        "readCapacity": 2,
        "writeCapacity": 3.0,
        "localSecondaryIndexes": [index],
        "globalSecondaryIndexes": [{**INDEX, "readCapacity": 4, "writeCapacity": 5}],
    }
    ((_, creation),) = table_requests(inputs, None)
    assert creation["BillingMode"] == "PROVISIONED"
    assert creation["ProvisionedThroughput"] == {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}
    (given,) = creation["GlobalSecondaryIndexes"]
    assert given["ProvisionedThroughput"] == {"ReadCapacityUnits": 4, "WriteCapacityUnits": 5}
    assert creation["LocalSecondaryIndexes"] == [
        {
            "IndexName": "by-v",
            "KeySchema": [*KEYS, {"AttributeName": "v", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ]


ON = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
OFF = {"StreamEnabled": False}


@pytest.mark.parametrize(
    ("inputs", "existing", "requests"),
    [
        ({}, {}, []),
        (STREAM, {"StreamSpecification": ON}, []),
        (STREAM, {}, [("UpdateTable", {"StreamSpecification": ON})]),
        ({}, {"StreamSpecification": ON}, [("UpdateTable", {"StreamSpecification": OFF})]),
        (
            {**STREAM, "streamViewType": "NEW_IMAGE"},
            {"StreamSpecification": ON},
            [
                ("UpdateTable", {"StreamSpecification": OFF}),
                ("UpdateTable", {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}),
            ],
        ),
        (
            {"globalSecondaryIndexes": [INDEX]},
            {"GlobalSecondaryIndexes": [{"IndexName": "old"}]},
            [
                (
                    "UpdateTable",
                    {
                        "AttributeDefinitions": ATTRIBUTES,
                        "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "old"}}],
                    },
                ),
                (
                    "UpdateTable",
                    {"AttributeDefinitions": ATTRIBUTES, "GlobalSecondaryIndexUpdates": [{"Create": GLOBAL_INDEX}]},
                ),
            ],
        ),
    ],
    ids=["nothing", "same stream", "stream on", "stream off", "other view", "other indexes"],
)
def test_an_existing_table_is_changed_and_keeps_its_items(
    inputs: dict[str, Any], existing: dict[str, Any], requests: list[tuple[str, Any]]
) -> None:
    """Each `up` would lose what is in the table."""
    assert list(table_requests({**ON_DEMAND, **inputs}, {"KeySchema": KEYS, **existing})) == requests


def test_a_table_with_other_keys_is_another_table() -> None:
    """DynamoDB cannot change a table's keys: the provider replaces it, and so does this."""
    existing = {"KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}]}
    assert [action for action, _ in table_requests(ON_DEMAND, existing)] == ["DeleteTable", "CreateTable"]
