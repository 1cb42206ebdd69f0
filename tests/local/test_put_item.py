"""`aurora-lambda put-item`, on moto's DynamoDB."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from aurora_lambda_local.cli import put_item
from aurora_lambda_local.cli.main import main
from aurora_lambda_local.deployed import stack as deployed_stack

TABLES = ("shop-local-orders", "carts-1a2b3c4", "old.users")


@pytest.fixture
def dynamodb(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three tables of a stack that is up, named in the three ways in which tables are."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    streams = [{"name": "a", "table": "orders"}, {"name": "b", "table": "users", "tablePrefix": "old."}]
    (tmp_path / "Pulumi.local.yaml").write_text(f"config:\n  shop:streams: {json.dumps(streams)}\n")
    monkeypatch.chdir(tmp_path)
    report = {"running": True, "stack": "local", "outputs": {}, "lambdaEndpoint": "x", "awsEndpoint": aws}
    monkeypatch.setattr(deployed_stack, "status", lambda: report | {"region": "eu-west-1"})
    monkeypatch.setattr(deployed_stack, "use_local_environment", lambda: None)
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    client = boto3.client("dynamodb", endpoint_url=aws, region_name="eu-west-1", **keys)
    for table in TABLES:
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    yield client
    for table in TABLES:
        client.delete_table(TableName=table)
    client.close()


@pytest.mark.parametrize(
    ("typed", "table"),
    [
        ("orders", "shop-local-orders"),
        ("shop-local-orders", "shop-local-orders"),
        ("carts", "carts-1a2b3c4"),
        ("users", "old.users"),
    ],
)
def test_a_table_goes_by_the_name_that_one_knows(
    dynamodb: Any, capsys: pytest.CaptureFixture[str], typed: str, table: str
) -> None:
    """Whoever tries a stream would first have to look up what its table is called."""
    assert main(["put-item", typed, '{"id": "1"}']) == 0
    assert capsys.readouterr().out == f"put into {table}\n"
    assert dynamodb.scan(TableName=table)["Items"] == [{"id": {"S": "1"}}]


@pytest.mark.parametrize(
    ("text", "item"),
    [
        (
            '{"id": "1", "n": 1.5, "big": 12345678901234567890, "no": null, "all": [true, {"S": "x"}]}',
            {
                "id": {"S": "1"},
                "n": {"N": "1.5"},
                "big": {"N": "12345678901234567890"},
                "no": {"NULL": True},
                "all": {"L": [{"BOOL": True}, {"M": {"S": {"S": "x"}}}]},
            },
        ),
        (
            '{"id": {"S": "1"}, "set": {"SS": ["a"]}, "b": {"B": "AAE="}, "m": {"M": {"B": {"N": "1"}}},'
            ' "bs": {"BS": ["AA=="]}}',
            {
                "id": {"S": "1"},
                "set": {"SS": ["a"]},
                "b": {"B": b"\x00\x01"},
                "m": {"M": {"B": {"N": "1"}}},
                "bs": {"BS": [b"\x00"]},
            },
        ),
        ('{"id": "1", "m": {"S": "x"}}', {"id": {"S": "1"}, "m": {"M": {"S": {"S": "x"}}}}),
    ],
)
def test_an_item_is_plain_json_or_has_dynamodbs_types(dynamodb: Any, text: str, item: dict[str, Any]) -> None:
    """Numbers would be rounded, bytes be text, or an item copied from AWS's own output be put wrapped in maps."""
    assert main(["put-item", "orders", text]) == 0
    assert dynamodb.scan(TableName="shop-local-orders")["Items"] == [item]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["ordres", '{"id": "1"}'],
            2,
            "stack 'local' has no table 'ordres'; it has carts-1a2b3c4, old.users, shop-local-orders",
        ),
        (
            ["orders", "{id: 1}"],
            2,
            "the item is not JSON that DynamoDB takes (Expecting property name enclosed in double quotes: line 1 column"
            ' 2 (char 1)); for example: \'{"id": "1", "name": "Ann"}\'',
        ),
        (
            ["orders", "[1]"],
            2,
            'an item is a JSON object with its key, not \'[1]\'; for example: \'{"id": "1", "name": "Ann"}\'',
        ),
        (
            ["orders", "{}"],
            2,
            'an item is a JSON object with its key, not \'{}\'; for example: \'{"id": "1", "name": "Ann"}\'',
        ),
        (
            ["orders", '{"id": "1", "n": NaN}'],
            2,
            "the item is not JSON that DynamoDB takes (there is no number NaN); for example:"
            ' \'{"id": "1", "name": "Ann"}\'',
        ),
        (
            ["orders", '{"name": "Ann"}'],
            1,
            "table shop-local-orders refuses the item: One or more parameter values were invalid: "
            "Missing the key id in the item",
        ),
    ],
)
def test_what_cannot_be_put_is_told_with_what_to_type(
    dynamodb: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    """A misspelt table or a missing key would look like a stream that delivers nothing."""
    assert main(["put-item", *arguments]) == code
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_stack_without_tables_says_how_to_have_one(
    dynamodb: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of tables that are there would be empty, and no help."""
    stack = replace(put_item.select_stack(None), region="eu-west-2")
    monkeypatch.setattr(put_item, "select_stack", lambda name: stack)
    assert main(["put-item", "orders", '{"id": "1"}']) == 2
    message = "stack 'local' has no tables; type: aurora-lambda new-stream NAME orders; aurora-lambda up"
    assert capsys.readouterr().err == f"error: {message}\n"
