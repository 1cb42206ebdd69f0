"""What the stream of a table asks AWS for, and what becomes of records that cannot be processed."""

import json
from typing import Any

import pulumi
import pytest

from aurora_lambda import FunctionRole, ImageFunction, StreamTable, TableStream, TableStreamArgs
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
    VPC,
)

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
TABLE_KEY = "arn:aws:kms:eu-west-1:123456789012:key/7f7f"
STREAM = f"arn:aws:dynamodb:{REGION}:123456789012:table/t/stream/2026-01-01T00:00:00.000"
TAGS = {"project": "demo", "Name": "copy"}


def stream(**args: Any) -> Recording:
    """Record a `TableStream` with these arguments beside the required ones."""
    required: TableStreamArgs = {"stream_arn": STREAM, "function_name": "f", "role": "arn:aws:iam::123456789012:role/r"}
    return record(lambda: TableStream("copy", {**required, "tags": {"project": "demo"}, **args}))


def test_a_failing_record_holds_up_nothing_for_long_and_is_kept() -> None:
    """One record would block its shard for a day and be lost then."""
    recording = stream()
    assert recording.inputs(MAPPING, "copy") == {
        "eventSourceArn": STREAM,
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


def test_a_stream_that_feeds_an_alias_is_watched_by_the_functions_name() -> None:
    """Lambda counts by the function's name: an alarm on the alias's ARN would never ring."""
    live = f"arn:aws:lambda:{REGION}:123456789012:function:f:live"
    recording = stream(function_name=live)
    assert recording.inputs(MAPPING, "copy")["functionName"] == live
    assert recording.inputs(ALARM, "copy-age")["dimensions"] == {"FunctionName": "f"}


def test_records_that_are_given_up_lie_in_a_private_encrypted_bucket_for_a_month() -> None:
    """Personal data of the table could be read by others, or would be kept for ever."""
    recording = stream()
    name = "copy-failures"
    bucket, arn = recording.output(BUCKET, name, "bucket"), recording.output(BUCKET, name, "arn")
    assert recording.inputs(BUCKET, name) == {"forceDestroy": False, "tags": {**TAGS, "Name": name}}
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
    """Lambda would refuse the mapping, or the function could read the streams of others."""
    recording = stream()
    bucket = recording.output(BUCKET, "copy-failures", "arn")
    policy = recording.resource(ROLE_POLICY, "copy")
    assert policy.inputs["role"] == "r"
    assert json.loads(policy.inputs["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            "Resource": [STREAM],
        },
        {"Effect": "Allow", "Action": ["dynamodb:ListStreams"], "Resource": ["*"]},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket]},
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": [f"{bucket}/*"]},
    ]
    assert policy.urn in recording.resource(MAPPING, "copy").dependencies


def test_alarms_tell_of_a_stream_that_falls_behind_and_of_records_given_up_or_lost() -> None:
    """Nobody would know before the stream drops what it has not delivered."""
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    recording = stream(alarm_topic_arn=topic)
    common = {
        "namespace": "AWS/Lambda",
        "comparisonOperator": "GreaterThanThreshold",
        "period": 60,
        "evaluationPeriods": 1,
        "datapointsToAlarm": 1,
        "treatMissingData": "notBreaching",
        "alarmActions": [topic],
        "okActions": [topic],
    }
    assert recording.inputs(ALARM, "copy-age") == {
        **common,
        "alarmDescription": "copy-age: records wait too long",
        "metricName": "IteratorAge",
        "statistic": "Maximum",
        "threshold": 900_000,
        "dimensions": {"FunctionName": "f"},
        "tags": {**TAGS, "Name": "copy-age"},
    }
    counts = {
        "copy-lost": ("DroppedEventCount", "records are lost"),
        "copy-given-up": ("OnFailureDestinationDeliveredEventCount", "records are given up and kept"),
    }
    for name, (metric, meaning) in counts.items():
        assert recording.inputs(ALARM, name) == {
            **common,
            "alarmDescription": f"{name}: {meaning}",
            "metricName": metric,
            "statistic": "Sum",
            "threshold": 0,
            "dimensions": {"EventSourceMappingUUID": recording.output(MAPPING, "copy", "uuid")},
            "tags": {**TAGS, "Name": name},
        }
    assert "alarmActions" not in stream().inputs(ALARM, "copy-age")
    assert stream(on_failure="nowhere").of_type(ALARM) == ["copy-age", "copy-lost"]


def test_a_queue_is_told_of_records_that_are_given_up() -> None:
    """Who works off queues could not be told of failures."""
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
    """AWS would be asked for a destination that is not there."""
    recording = stream(on_failure="nowhere")
    assert recording.of_type(BUCKET) == recording.of_type(QUEUE) == []
    assert "destinationConfig" not in recording.inputs(MAPPING, "copy")


def test_a_key_of_ones_own_encrypts_what_is_given_up_and_not_the_filters() -> None:
    """Personal data would be encrypted by another key, or Lambda refused the mapping for want of a right to the key."""
    recording = stream(kms_key_arn=KEY, filters=[{"eventName": ["INSERT"]}])
    rule = recording.inputs(BUCKET_ENCRYPTION, "copy-failures")["rules"][0]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert "kmsKeyArn" not in recording.inputs(MAPPING, "copy")
    queue = stream(kms_key_arn=KEY, on_failure="queue").inputs(QUEUE, "copy-failures")
    assert queue["kmsMasterKeyId"] == KEY
    assert "sqsManagedSseEnabled" not in queue


@pytest.mark.parametrize(
    ("on_failure", "uses"),
    [
        ("bucket", [("s3", ["kms:GenerateDataKey"])]),
        ("queue", [("sqs", ["kms:Decrypt", "kms:GenerateDataKey"])]),
        ("nowhere", []),
    ],
)
def test_keys_are_used_through_the_services_that_need_them_alone(on_failure: str, uses: list[Any]) -> None:
    """A hole in the function could decrypt whatever else the company encrypts by its key."""
    recording = stream(kms_key_arn=KEY, table_kms_key_arn=TABLE_KEY, on_failure=on_failure)
    statements = json.loads(recording.inputs(ROLE_POLICY, "copy")["policy"])["Statement"]
    assert [each for each in statements if each["Action"][0].startswith("kms:")] == [
        {
            "Effect": "Allow",
            "Action": actions,
            "Resource": [key],
            "Condition": {"StringEquals": {"kms:ViaService": f"{service}.eu-west-1.amazonaws.com"}},
        }
        for key, service, actions in [
            (TABLE_KEY, "dynamodb", ["kms:Decrypt"]),
            *((KEY, service, actions) for service, actions in uses),
        ]
    ]


BUCKET_PARTS = (BUCKET, BUCKET_ENCRYPTION, BUCKET_LIFECYCLE, BUCKET_POLICY, PUBLIC_ACCESS_BLOCK)


@pytest.mark.parametrize("force_destroy", [False, True])
@pytest.mark.parametrize(("on_failure", "types"), [("bucket", BUCKET_PARTS), ("queue", (QUEUE,))])
def test_given_up_records_go_only_when_the_configuration_says_so(
    *, force_destroy: bool, on_failure: str, types: tuple[str, ...]
) -> None:
    """The only copy of what could not be processed would go with the stack, or lie open in a bucket that stays."""
    recording = stream(on_failure=on_failure, force_destroy=force_destroy)
    kept = [recording.resource(type_, "copy-failures").retain_on_delete for type_ in types]
    assert kept == [not force_destroy] * len(types)
    if on_failure == "bucket":
        assert recording.inputs(BUCKET, "copy-failures")["forceDestroy"] is force_destroy


def test_a_mapping_is_deleted_before_its_replacement_and_replaced_without_its_destination() -> None:
    """AWS refuses a second mapping of a stream to a function; Lambda would go on writing to a bucket that is gone."""
    mapping = stream(on_failure="nowhere").resource(MAPPING, "copy")
    assert (mapping.delete_before_replace, mapping.replace_on_changes) == (True, ("destinationConfig",))
    policy = stream().resource(ROLE_POLICY, "copy")
    assert (policy.delete_before_replace, policy.replace_on_changes) == (False, ("policy",))


def test_filters_that_lambda_refuses_are_refused_before_anything_is_made() -> None:
    """The deployment would fail at the mapping, after everything before it."""
    message = r"^TableStream 'copy': filters\[0\] is {}; it must be an object of at least one field$"
    with pytest.raises(ValueError, match=message):
        stream(filters=[{}])


def test_statements_in_any_order_of_keys_give_one_policy() -> None:
    """A program in another language would replace unchanged policies at random, its mappings arriving unordered."""
    own = {"Effect": "Allow", "Action": ["dynamodb:*"], "Resource": ["*"], "Condition": {"a": {"b": "c", "d": "e"}}}
    turned = {**dict(reversed(own.items())), "Condition": {"a": {"d": "e", "b": "c"}}}
    texts = {stream(policy_statements=[each]).inputs(ROLE_POLICY, "copy")["policy"] for each in (own, turned)}
    assert len(texts) == 1
    filters = [{"a": [1], "b": [2]}, {"b": [2], "a": [1]}]
    assert len({str(stream(filters=[each]).inputs(MAPPING, "copy")["filterCriteria"]) for each in filters}) == 1


def test_every_property_of_a_mapping_can_be_set() -> None:
    """A stream that needs it could not use this component."""
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


def test_permissions_of_ones_own_replace_the_generated_ones() -> None:
    """A company whose policies are written elsewhere could not use this component."""
    own = {"Effect": "Allow", "Action": ["dynamodb:*"], "Resource": ["*"]}
    policy = stream(policy_statements=[pulumi.Output.from_input(own)]).inputs(ROLE_POLICY, "copy")
    assert json.loads(policy["policy"])["Statement"] == [own]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"tumbling_window_in_seconds": 9, "parallelization_factor": 2},
            "parallelization_factor is 2; must be 1 beside tumbling_window_in_seconds, since a shard has one window at"
            " a time",
        ),
    ],
)
def test_arguments_that_contradict_each_other_are_refused_in_words(args: dict[str, Any], message: str) -> None:
    """One would be ignored, or AWS would refuse it half way through a deployment."""
    with pytest.raises(ValueError, match=f"^TableStream 'copy': {message}$"):
        stream(**args)


def test_three_tables_feed_two_functions_and_no_database_is_needed() -> None:
    """Streams could not be used without an SQL database, or a function would be there once a table."""

    def program() -> None:
        functions = {}
        for name in ("one", "two"):
            role = FunctionRole(name, {})
            function = ImageFunction(name, {"image_uri": "i@sha256:0", "role": role})
            functions[name] = (role, function)
        for table, name in (("a-table", "one"), ("b-table", "one"), ("c-table", "two")):
            role, function = functions[name]
            stream_arn = StreamTable(table, {"table_name": table}).stream_arn
            TableStream(table, {"stream_arn": stream_arn, "function_name": function.function_name, "role": role})

    recording = record(program)
    assert recording.of_type(FUNCTION) == ["one", "two"]
    mapped = [recording.inputs(MAPPING, f"{letter}-table")["functionName"] for letter in "abc"]
    names = [recording.output(FUNCTION, name, "name") for name in ("one", "one", "two")]
    assert mapped == names
    assert recording.of_type(VPC) == []
