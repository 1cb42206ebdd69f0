"""What the stream of a table asks AWS for, and what becomes of records that cannot be processed."""

import json
from typing import Any

import pulumi
import pytest

from aurora_lambda import FunctionRole, ImageFunction, TableStream, TableStreamArgs
from tests.components.recording import REGION, Recording, record
from tests.components.tokens import (
    ALARM,
    BUCKET,
    BUCKET_ENCRYPTION,
    BUCKET_LIFECYCLE,
    BUCKET_POLICY,
    FUNCTION,
    MAPPING,
    PUBLIC_ACCESS_BLOCK,
    QUEUE,
    ROLE_POLICY,
    TABLE,
    VPC,
)

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
TAGS = {"project": "demo", "Name": "copy"}


def stream(lookups: dict[str, Any] | None = None, **args: Any) -> Recording:
    """Record a `TableStream` of `test-table` with these arguments beside the required ones."""
    required: TableStreamArgs = {"table_name": "test-table", "function_name": "f", "role_name": "r"}
    return record(lambda: TableStream("copy", {**required, "tags": {"project": "demo"}, **args}), lookups=lookups)


def test_a_table_is_made_with_its_stream_and_can_be_restored() -> None:
    """Else changes would not reach the function, or a mistake in the application would lose the table."""
    recording = stream()
    assert recording.inputs(TABLE, "copy") == {
        "name": "aurora-lambda-dev-test-table",
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "id",
        "attributes": [{"name": "id", "type": "S"}],
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
        "pointInTimeRecovery": {"enabled": True},
        "deletionProtectionEnabled": False,
        "tags": TAGS,
    }
    assert recording.resource(TABLE, "copy").protect is False


def test_a_failing_record_holds_up_nothing_for_long_and_is_kept() -> None:
    """Else one record would block its shard for a day and be lost then."""
    recording = stream()
    assert recording.inputs(MAPPING, "copy") == {
        "eventSourceArn": recording.output(TABLE, "copy", "streamArn"),
        "functionName": "f",
        "startingPosition": "TRIM_HORIZON",
        "batchSize": 100,
        "maximumBatchingWindowInSeconds": 0,
        "parallelizationFactor": 1,
        "maximumRetryAttempts": 5,
        "maximumRecordAgeInSeconds": 21_600,
        "bisectBatchOnFunctionError": True,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "tumblingWindowInSeconds": 0,
        "destinationConfig": {"onFailure": {"destinationArn": recording.output(BUCKET, "copy-failures", "arn")}},
        "metricsConfig": {"metrics": ["EventCount"]},
        "enabled": True,
        "tags": TAGS,
    }


def test_records_that_are_given_up_lie_in_a_private_encrypted_bucket_for_a_month() -> None:
    """Else personal data of the table could be read by others, or would be kept for ever."""
    recording = stream()
    name = "copy-failures"
    bucket, arn = recording.output(BUCKET, name, "bucket"), recording.output(BUCKET, name, "arn")
    assert recording.inputs(BUCKET, name) == {"forceDestroy": True, "tags": {**TAGS, "Name": name}}
    assert recording.inputs(PUBLIC_ACCESS_BLOCK, name) == {
        "bucket": bucket,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert recording.inputs(BUCKET_ENCRYPTION, name) == {
        "bucket": bucket,
        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}, "bucketKeyEnabled": True}],
    }
    assert recording.inputs(BUCKET_LIFECYCLE, name) == {
        "bucket": bucket,
        "rules": [{"id": "expire", "status": "Enabled", "filter": {}, "expiration": {"days": 30}}],
    }
    assert json.loads(recording.inputs(BUCKET_POLICY, name)["policy"])["Statement"] == [
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["s3:*"],
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def test_the_function_may_read_this_stream_and_deliver_to_this_bucket_before_it_is_mapped() -> None:
    """Else Lambda would refuse the mapping, or the function could read the streams of others."""
    recording = stream()
    bucket = recording.output(BUCKET, "copy-failures", "arn")
    policy = recording.resource(ROLE_POLICY, "copy")
    assert policy.inputs["role"] == "r"
    assert json.loads(policy.inputs["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            "Resource": [recording.output(TABLE, "copy", "streamArn")],
        },
        {"Effect": "Allow", "Action": ["dynamodb:ListStreams"], "Resource": ["*"]},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket]},
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": [f"{bucket}/*"]},
    ]
    assert policy.urn in recording.resource(MAPPING, "copy").dependencies


def test_alarms_tell_of_a_stream_that_falls_behind_and_of_records_given_up_or_lost() -> None:
    """Else nobody would know before the stream drops what it has not delivered."""
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    recording = stream(alarm_topic_arn=topic)
    common = {
        "namespace": "AWS/Lambda",
        "comparisonOperator": "GreaterThanThreshold",
        "period": 60,
        "evaluationPeriods": 1,
        "treatMissingData": "notBreaching",
        "alarmActions": [topic],
    }
    assert recording.inputs(ALARM, "copy-age") == {
        **common,
        "metricName": "IteratorAge",
        "statistic": "Maximum",
        "threshold": 900_000,
        "dimensions": {"FunctionName": "f"},
        "tags": {**TAGS, "Name": "copy-age"},
    }
    counts = {"copy-lost": "DroppedEventCount", "copy-given-up": "OnFailureDestinationDeliveredEventCount"}
    for name, metric in counts.items():
        assert recording.inputs(ALARM, name) == {
            **common,
            "metricName": metric,
            "statistic": "Sum",
            "threshold": 0,
            "dimensions": {"EventSourceMappingUUID": recording.output(MAPPING, "copy", "uuid")},
            "tags": {**TAGS, "Name": name},
        }
    assert "alarmActions" not in stream().inputs(ALARM, "copy-age")
    assert stream(on_failure="nowhere").of_type(ALARM) == ["copy-age", "copy-lost"]


def test_a_queue_is_told_of_records_that_are_given_up() -> None:
    """Else who works off queues could not be told of failures."""
    recording = stream(on_failure="queue")
    assert recording.inputs(QUEUE, "copy-failures") == {
        "messageRetentionSeconds": 14 * 86_400,
        "sqsManagedSseEnabled": True,
        "tags": {**TAGS, "Name": "copy-failures"},
    }
    arn = recording.output(QUEUE, "copy-failures", "arn")
    assert recording.inputs(MAPPING, "copy")["destinationConfig"] == {"onFailure": {"destinationArn": arn}}
    statements = json.loads(recording.inputs(ROLE_POLICY, "copy")["policy"])["Statement"]
    assert statements[2:] == [{"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [arn]}]


def test_without_a_destination_nothing_is_made_for_one() -> None:
    """Else AWS would be asked for a destination that is not there."""
    recording = stream(on_failure="nowhere")
    assert recording.of_type(BUCKET) == recording.of_type(QUEUE) == []
    assert "destinationConfig" not in recording.inputs(MAPPING, "copy")


def test_a_key_of_ones_own_encrypts_the_table_and_what_is_given_up() -> None:
    """Else personal data would be encrypted by another key, or the function could not read its stream."""
    recording = stream(kms_key_arn=KEY, filters=[{"eventName": ["INSERT"]}])
    assert recording.inputs(TABLE, "copy")["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}
    rule = recording.inputs(BUCKET_ENCRYPTION, "copy-failures")["rules"][0]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert recording.inputs(MAPPING, "copy")["kmsKeyArn"] == KEY
    statements = json.loads(recording.inputs(ROLE_POLICY, "copy")["policy"])["Statement"]
    assert statements[-1] == {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": [KEY]}
    queue = stream(kms_key_arn=KEY, on_failure="queue").inputs(QUEUE, "copy-failures")
    assert queue["kmsMasterKeyId"] == KEY
    assert "sqsManagedSseEnabled" not in queue


def test_every_property_of_a_mapping_can_be_set() -> None:
    """Else a stream that needs it could not use this component."""
    recording = stream(
        starting_position="LATEST",
        batch_size=10_000,
        maximum_batching_window_in_seconds=300,
        maximum_retry_attempts=-1,
        maximum_record_age_in_seconds=-1,
        bisect_batch_on_function_error=False,
        report_batch_item_failures=False,
        tumbling_window_in_seconds=900,
        filters=[{"eventName": ["INSERT"]}, {"dynamodb": {"Keys": {"id": {"S": ["1"]}}}}],
        enabled=False,
    )
    mapping = recording.inputs(MAPPING, "copy")
    assert mapping["filterCriteria"] == {
        "filters": [
            {"pattern": '{"eventName": ["INSERT"]}'},
            {"pattern": '{"dynamodb": {"Keys": {"id": {"S": ["1"]}}}}'},
        ]
    }
    expected = {
        "startingPosition": "LATEST",
        "batchSize": 10_000,
        "maximumBatchingWindowInSeconds": 300,
        "maximumRetryAttempts": -1,
        "maximumRecordAgeInSeconds": -1,
        "bisectBatchOnFunctionError": False,
        "functionResponseTypes": [],
        "tumblingWindowInSeconds": 900,
        "enabled": False,
    }
    assert {key: mapping[key] for key in expected} == expected
    assert stream(parallelization_factor=10).inputs(MAPPING, "copy")["parallelizationFactor"] == 10


def test_the_keys_the_view_and_the_protection_of_a_table_can_be_chosen() -> None:
    """Else the application's table would not be the one it needs."""
    recording = stream(
        partition_key="customer",
        sort_key="placed",
        sort_key_type="N",
        stream_view_type="KEYS_ONLY",
        point_in_time_recovery=False,
        deletion_protection=True,
    )
    table = recording.resource(TABLE, "copy")
    assert (table.inputs["hashKey"], table.inputs["rangeKey"]) == ("customer", "placed")
    assert table.inputs["attributes"] == [{"name": "customer", "type": "S"}, {"name": "placed", "type": "N"}]
    assert table.inputs["streamViewType"] == "KEYS_ONLY"
    assert table.inputs["pointInTimeRecovery"] == {"enabled": False}
    assert (table.inputs["deletionProtectionEnabled"], table.protect) == (True, True)


@pytest.mark.parametrize(("prefix", "name"), [("", "test-table"), ("shop.", "shop.test-table")])
def test_the_prefix_of_a_tables_name_can_be_changed_or_left_out(prefix: str, name: str) -> None:
    """Else a table could not be called as others expect it."""
    assert stream(name_prefix=prefix).inputs(TABLE, "copy")["name"] == name


def test_permissions_of_ones_own_replace_the_generated_ones() -> None:
    """Else a company whose policies are written elsewhere could not use this component."""
    own = {"Effect": "Allow", "Action": ["dynamodb:*"], "Resource": ["*"]}
    policy = stream(policy_statements=[pulumi.Output.from_input([own])]).inputs(ROLE_POLICY, "copy")
    assert json.loads(policy["policy"])["Statement"] == [own]


def lookup(**answer: object) -> dict[str, Any]:
    return {"aws:dynamodb/getTable:getTable": answer}


def test_an_existing_table_is_read_as_it_is() -> None:
    """Else a team's own table would be made anew, or taken away with the stack."""
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/test-table/stream/2026-01-01T00:00:00.000"
    recording = stream(
        lookup(streamEnabled=True, streamArn=arn, name="test-table"), existing_table=True, name_prefix=""
    )
    assert recording.of_type(TABLE) == []
    assert recording.inputs(MAPPING, "copy")["eventSourceArn"] == arn


def test_a_stream_that_is_known_is_read_without_a_table_of_its_own() -> None:
    """Else two functions could not read the table that one component makes."""
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/test-table/stream/2026-01-01T00:00:00.000"
    recording = stream(stream_arn=arn)
    assert recording.of_type(TABLE) == []
    assert recording.inputs(MAPPING, "copy")["eventSourceArn"] == arn


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"stream_arn": f"arn:aws:dynamodb:{REGION}:123456789012:table/t/stream/2026", "existing_table": True},
            "stream_arn and existing_table say the same; give one of the two",
        ),
        (
            {"tumbling_window_in_seconds": 9, "parallelization_factor": 2},
            "parallelization_factor is 2; it takes 1 beside tumbling_window_in_seconds, since a shard has one window at"
            " a time",
        ),
    ],
)
def test_arguments_that_contradict_each_other_are_refused_in_words(args: dict[str, Any], message: str) -> None:
    """Else one would be ignored, or AWS would refuse it half way through a deployment."""
    with pytest.raises(ValueError, match=f"^TableStream 'copy': {message}$"):
        stream(**args)


def test_an_existing_table_without_a_stream_is_refused_with_the_command_to_run() -> None:
    """Else a mapping to a stream that is no more would be made, and no record would ever arrive."""
    message = (
        "^TableStream 'copy': the table aurora-lambda-dev-test-table has no stream. Type: aws dynamodb update-table "
        "--table-name aurora-lambda-dev-test-table --stream-specification "
        "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES$"
    )
    with pytest.raises(ValueError, match=message):
        stream(lookup(streamEnabled=False, streamArn="", name="t"), existing_table=True)


def test_a_table_name_that_is_too_long_with_its_prefix_is_refused() -> None:
    """Else AWS would refuse it half way through a deployment."""
    assert len(stream(table_name="t" * 237).inputs(TABLE, "copy")["name"]) == 255
    with pytest.raises(ValueError, match=r"has 256 characters, and DynamoDB takes 255; give a shorter name_prefix$"):
        stream(table_name="t" * 238)


def test_three_tables_feed_two_functions_and_no_database_is_needed() -> None:
    """Else streams could not be used without an SQL database, or a function would be there once a table."""

    def program() -> None:
        functions = {}
        for name in ("one", "two"):
            role = FunctionRole(name, {})
            function = ImageFunction(name, {"image_uri": "i@sha256:0", "role_name": role.name, "role_arn": role.arn})
            functions[name] = (role, function)
        for table, name in (("a-table", "one"), ("b-table", "one"), ("c-table", "two")):
            role, function = functions[name]
            TableStream(table, {"table_name": table, "function_name": function.function_name, "role_name": role.name})

    recording = record(program)
    assert recording.of_type(FUNCTION) == ["one", "two"]
    mapped = [recording.inputs(MAPPING, f"{letter}-table")["functionName"] for letter in "abc"]
    names = [recording.output(FUNCTION, name, "name") for name in ("one", "one", "two")]
    assert mapped == names
    assert recording.of_type(VPC) == []
