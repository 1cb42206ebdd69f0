"""What a table with its stream asks AWS for, made or taken as it is."""

from typing import Any

import pulumi
import pytest

from aurora_lambda import StreamTable, StreamTableArgs
from tests.components.recording import REGION, Recording, record
from tests.components.tokens import TABLE

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
TAGS = {"project": "demo", "Name": "items"}


def table(lookups: dict[str, Any] | None = None, **args: Any) -> Recording:
    """Record a `StreamTable` of `test-table` with these arguments, and export what it says."""
    required: StreamTableArgs = {"table_name": "test-table"}

    def program() -> None:
        made = StreamTable("items", {**required, "tags": {"project": "demo"}, **args})
        pulumi.export("stream", made.stream_arn)
        pulumi.export("key", made.kms_key_arn)

    return record(program, lookups=lookups)


def test_a_table_is_made_with_its_stream_and_can_be_restored() -> None:
    """Changes would not reach the function, or a mistake in the application would lose the table."""
    recording = table()
    assert recording.inputs(TABLE, "items") == {
        "name": "aurora-lambda-dev-test-table",
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "id",
        "attributes": [{"name": "id", "type": "S"}],
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
        "pointInTimeRecovery": {"enabled": True},
        "serverSideEncryption": {"enabled": False},
        "deletionProtectionEnabled": False,
        "tags": TAGS,
    }
    assert recording.resource(TABLE, "items").protect is False


def test_the_keys_the_view_and_the_protection_of_a_table_can_be_chosen() -> None:
    """The application's table would not be the one it needs."""
    recording = table(
        partition_key="customer",
        sort_key="placed",
        sort_key_type="N",
        stream_view_type="KEYS_ONLY",
        point_in_time_recovery=False,
        deletion_protection=True,
    )
    made = recording.resource(TABLE, "items")
    assert (made.inputs["hashKey"], made.inputs["rangeKey"]) == ("customer", "placed")
    assert made.inputs["attributes"] == [{"name": "customer", "type": "S"}, {"name": "placed", "type": "N"}]
    assert made.inputs["streamViewType"] == "KEYS_ONLY"
    assert made.inputs["pointInTimeRecovery"] == {"enabled": False}
    assert (made.inputs["deletionProtectionEnabled"], made.protect) == (True, True)


@pytest.mark.parametrize(("prefix", "name"), [("", "test-table"), ("shop.", "shop.test-table")])
def test_the_prefix_of_a_tables_name_can_be_changed_or_left_out(prefix: str, name: str) -> None:
    """A table could not be called as others expect it."""
    assert table(name_prefix=prefix).inputs(TABLE, "items")["name"] == name


def lookup(**answer: object) -> dict[str, Any]:
    return {"aws:dynamodb/getTable:getTable": answer}


def test_an_existing_table_is_read_as_it_is() -> None:
    """A team's own table would be made anew, or taken away with the stack."""
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/test-table/stream/2026-01-01T00:00:00.000"
    recording = table(lookup(streamEnabled=True, streamArn=arn, name="test-table"), existing_table=True, name_prefix="")
    assert recording.of_type(TABLE) == []
    assert recording.outputs == {"stream": arn, "key": ""}


def test_an_existing_tables_own_key_is_known() -> None:
    """The function would be granted the stack's key, and refused every record of a table with another one."""
    answer = lookup(
        streamEnabled=True, streamArn="arn", name="t", serverSideEncryption={"enabled": True, "kmsKeyArn": KEY}
    )
    assert table(answer, existing_table=True).outputs["key"] == KEY


def test_a_key_of_ones_own_encrypts_the_table() -> None:
    """Personal data would be encrypted by another key than the company's rules say."""
    recording = table(kms_key_arn=KEY)
    assert recording.inputs(TABLE, "items")["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}
    assert recording.outputs["key"] == KEY


def test_a_key_that_is_taken_away_leaves_the_table() -> None:
    """The table would stay under it, and who deletes the key that nothing names any more would lose all items.

    Source: the provider's aws_dynamodb_table, whose encryption is computed where it is left out: it stays.
    """
    assert table().inputs(TABLE, "items")["serverSideEncryption"] == {"enabled": False}


def test_a_table_that_a_stream_made_before_is_taken_over() -> None:
    """The first deployment with this version would make the table again, which AWS refuses, and delete the old one."""
    old = "urn:pulumi:dev::aurora-lambda::aurora-lambda:index:TableStream$aws:dynamodb/table:Table::"
    assert table(former_streams=["a", "b"]).resource(TABLE, "items").aliases == (f"{old}a", f"{old}b")


def test_an_existing_table_without_a_stream_is_refused_with_the_command_to_run() -> None:
    """A mapping to a stream that is no more would be made, and no record would ever arrive."""
    message = (
        "^StreamTable 'items': the table aurora-lambda-dev-test-table has no stream. Type: aws dynamodb update-table "
        "--table-name aurora-lambda-dev-test-table --stream-specification "
        "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES$"
    )
    with pytest.raises(ValueError, match=message):
        table(lookup(streamEnabled=False, streamArn="", name="t"), existing_table=True)


def test_a_table_with_one_attribute_for_both_keys_is_refused() -> None:
    """AWS would refuse it half way through a deployment; of a table that exists the keys do not count."""
    with pytest.raises(ValueError, match=r"^StreamTable 'items': sort_key is 'id', as partition_key is; give another$"):
        table(sort_key="id")
    answer = lookup(streamEnabled=True, streamArn="arn", name="t")
    assert table(answer, existing_table=True, sort_key="id").outputs["stream"] == "arn"


def test_a_table_name_that_is_too_long_with_its_prefix_is_refused() -> None:
    """AWS would refuse it half way through a deployment."""
    assert len(table(table_name="t" * 237).inputs(TABLE, "items")["name"]) == 255
    with pytest.raises(ValueError, match=r"has 256 characters, and DynamoDB takes 255; give a shorter name_prefix$"):
        table(table_name="t" * 238)
