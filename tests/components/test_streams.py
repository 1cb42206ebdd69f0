"""The streams of a stack, from its configuration to what AWS is asked for."""

import json

import pytest

from tests.components.conftest import Stack
from tests.components.recording import statements
from tests.components.tokens import ALIAS, BUCKET, FUNCTION, IMAGE, INVOCATION, MAPPING, QUEUE, ROLE, ROLE_POLICY, TABLE

COPY = {"name": "copy-items", "table": "test-table"}
TABLE_NAME = "aurora-lambda-dev-test-table"


def test_a_stream_feeds_a_function_of_the_handlers_image_once_the_database_is_migrated(stack: Stack) -> None:
    """Records would reach code that does not fit the schema, or no code at all."""
    recording = stack(streams=json.dumps([COPY]))
    function = recording.inputs(FUNCTION, "copy-items")
    assert function["imageUri"] == recording.output(IMAGE, "handler", "repoDigest")
    assert function["imageConfig"] == {"commands": ["application.streams.copy_items.process"]}
    assert (function["memorySize"], function["timeout"], function["reservedConcurrentExecutions"]) == (256, 60, -1)
    handler = recording.inputs(FUNCTION, "handler")
    variables = {**function["environment"]["variables"], "AURORA_LAMBDA_DATABASE_ROUTES": "true"}
    assert (variables, function["vpcConfig"]) == (handler["environment"]["variables"], handler["vpcConfig"])
    invocation = recording.resource(INVOCATION, "migrations").urn
    assert invocation in recording.resource(FUNCTION, "copy-items").dependencies
    assert recording.inputs(MAPPING, "copy-items")["functionName"] == recording.output(ALIAS, "copy-items", "arn")
    assert recording.inputs(TABLE, TABLE_NAME)["name"] == "aurora-lambda-dev-test-table"


def test_the_stack_exports_what_people_write_to_and_read_from(stack: Stack) -> None:
    """The function's log could not be followed by its name, nor an item be put into the table."""
    recording = stack(streams=json.dumps([COPY]))
    exported = {key: value for key, value in recording.outputs.items() if key.startswith("copyItems")}
    assert recording.outputs["streamMappings"] == {"copy-items": recording.output(MAPPING, "copy-items", "uuid")}
    assert exported == {
        "copyItemsLambdaArn": recording.output(ALIAS, "copy-items", "arn"),
        "copyItemsLambdaName": recording.output(FUNCTION, "copy-items", "name"),
        "copyItemsTableName": "aurora-lambda-dev-test-table",
        "copyItemsFailureDestinationArn": recording.output(BUCKET, "copy-items-failures", "arn"),
    }


def test_a_function_without_the_database_is_in_no_vpc_and_waits_for_no_migration(stack: Stack) -> None:
    """It would start slower, and with rights that it does not need."""
    recording = stack(streams=json.dumps([{**COPY, "database": False}]))
    function = recording.inputs(FUNCTION, "copy-items")
    assert "environment" not in function
    assert "vpcConfig" not in function
    names = {entry.name for entry in recording.registrations if entry.type == ROLE_POLICY}
    runners = {"migrations", "migrations-code", "migrations-network"}
    assert names == {"copy-items", "handler", "handler-code", "handler-network", *runners}


def test_a_stack_without_a_database_is_its_streams_alone(stack: Stack) -> None:
    """Somebody who has no SQL would pay for a network and a cluster, and wait for them."""
    recording = stack(engine="none", streams=json.dumps([{**COPY, "database": False}]))
    made = sorted(
        (entry.type.rpartition(":")[2], entry.name)
        for entry in recording.registrations
        if not entry.type.startswith("aurora-lambda:")
    )
    assert made == [
        ("Alias", "copy-items"),
        ("Bucket", "copy-items-failures"),
        ("BucketLifecycleConfiguration", "copy-items-failures"),
        ("BucketPolicy", "copy-items-failures"),
        ("BucketPublicAccessBlock", "copy-items-failures"),
        ("BucketServerSideEncryptionConfiguration", "copy-items-failures"),
        ("EventSourceMapping", "copy-items"),
        ("Function", "copy-items"),
        ("Image", "handler"),
        ("LifecyclePolicy", "handler"),
        ("LogGroup", "copy-items"),
        ("MetricAlarm", "copy-items-age"),
        ("MetricAlarm", "copy-items-given-up"),
        ("MetricAlarm", "copy-items-lost"),
        ("Repository", "handler"),
        ("RepositoryPolicy", "handler"),
        ("Role", "copy-items"),
        ("RolePolicy", "copy-items"),
        ("RolePolicy", "copy-items"),
        ("Table", TABLE_NAME),
    ]
    function = recording.inputs(FUNCTION, "copy-items")
    assert "environment" not in function
    assert "vpcConfig" not in function
    assert {key: value for key, value in recording.outputs.items() if key != "liveData"} == {
        "engine": "none",
        "streamMappings": {"copy-items": recording.output(MAPPING, "copy-items", "uuid")},
        "copyItemsLambdaArn": recording.output(ALIAS, "copy-items", "arn"),
        "copyItemsLambdaName": recording.output(FUNCTION, "copy-items", "name"),
        "copyItemsTableName": "aurora-lambda-dev-test-table",
        "copyItemsFailureDestinationArn": recording.output(BUCKET, "copy-items-failures", "arn"),
    }


def test_streams_share_a_function(stack: Stack) -> None:
    """Three tables would take three functions, and each its own copy of the code's state."""
    other = {"name": "other", "table": "other-table", "function": "copy-items"}
    recording = stack(streams=json.dumps([COPY, other]))
    assert recording.of_type(FUNCTION) == ["copy-items", "handler", "migrations"]
    live = recording.output(ALIAS, "copy-items", "arn")
    assert [recording.inputs(MAPPING, each)["functionName"] for each in ("copy-items", "other")] == [live, live]
    role = recording.output(ROLE, "copy-items", "name")
    policies = [entry.inputs["role"] for entry in recording.registrations if entry.type == ROLE_POLICY]
    assert policies.count(role) == 5


def test_every_key_of_a_stream_reaches_aws(stack: Stack) -> None:
    """A setting would be taken and do nothing."""
    entry = {
        **COPY,
        "tablePrefix": "shop-",
        "partitionKey": "customer",
        "partitionKeyType": "N",
        "sortKey": "placed",
        "sortKeyType": "B",
        "streamViewType": "NEW_IMAGE",
        "pointInTimeRecovery": False,
        "deletionProtection": True,
        "command": "application.streams.other.process",
        "memory": 512,
        "timeout": 90,
        "concurrency": 3,
        "startingPosition": "LATEST",
        "batchSize": 7,
        "maximumBatchingWindowInSeconds": 8,
        "maximumRetryAttempts": 10,
        "maximumRecordAgeInSeconds": 110,
        "bisectBatchOnFunctionError": False,
        "reportBatchItemFailures": False,
        "tumblingWindowInSeconds": 12,
        "filters": [{"eventName": ["INSERT"]}],
        "enabled": False,
        "onFailure": "queue",
        "failureRetentionDays": 2,
        "alarmIteratorAgeSeconds": 13,
        "alarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms",
    }
    recording = stack(streams=json.dumps([entry]), handlerConcurrency="77")
    table, mapping = recording.inputs(TABLE, "shop-test-table"), recording.inputs(MAPPING, "copy-items")
    assert (table["name"], table["hashKey"], table["rangeKey"]) == ("shop-test-table", "customer", "placed")
    assert table["attributes"] == [{"name": "customer", "type": "N"}, {"name": "placed", "type": "B"}]
    assert (table["streamViewType"], table["pointInTimeRecovery"]) == ("NEW_IMAGE", {"enabled": False})
    assert table["deletionProtectionEnabled"] is True
    function = recording.inputs(FUNCTION, "copy-items")
    assert function["imageConfig"] == {"commands": ["application.streams.other.process"]}
    assert (function["memorySize"], function["timeout"], function["reservedConcurrentExecutions"]) == (512, 90, 3)
    expected = {
        "startingPosition": "LATEST",
        "batchSize": 7,
        "maximumBatchingWindowInSeconds": 8,
        "maximumRetryAttempts": 10,
        "maximumRecordAgeInSeconds": 110,
        "bisectBatchOnFunctionError": False,
        "functionResponseTypes": [],
        "tumblingWindowInSeconds": 12,
        "filterCriteria": {"filters": [{"pattern": '{"eventName": ["INSERT"]}'}]},
        "enabled": False,
    }
    assert {key: mapping[key] for key in expected} == expected
    assert recording.inputs(QUEUE, "copy-items-failures")["messageRetentionSeconds"] == 2 * 86_400
    age = recording.inputs("aws:cloudwatch/metricAlarm:MetricAlarm", "copy-items-age")
    assert (age["threshold"], age["alarmActions"]) == (13_000, ["arn:aws:sns:eu-west-1:123456789012:alarms"])
    parallel = stack(streams=json.dumps([{**COPY, "parallelizationFactor": 9}]))
    assert parallel.inputs(MAPPING, "copy-items")["parallelizationFactor"] == 9


def test_a_function_knows_when_nobody_asks_which_record_failed(stack: Stack) -> None:
    """Its answer would be taken for success, and the record that failed would be lost."""
    other = {"name": "other", "table": "other-table", "function": "copy-items", "reportBatchItemFailures": False}
    recording = stack(streams=json.dumps([COPY, other]))
    variables = recording.inputs(FUNCTION, "copy-items")["environment"]["variables"]
    assert variables["REPORT_BATCH_ITEM_FAILURES"] == "false"
    assert [recording.inputs(MAPPING, name)["functionResponseTypes"] for name in ("copy-items", "other")] == [
        ["ReportBatchItemFailures"],
        [],
    ]


def test_two_functions_read_one_table(stack: Stack) -> None:
    """The table would be made twice, which AWS refuses half way through a deployment."""
    recording = stack(streams=json.dumps([COPY, {**COPY, "name": "other"}]))
    assert recording.of_type(TABLE) == [TABLE_NAME]
    arn = recording.output(TABLE, TABLE_NAME, "streamArn")
    mappings = [recording.inputs(MAPPING, name) for name in ("copy-items", "other")]
    assert [each["eventSourceArn"] for each in mappings] == [arn, arn]
    functions = [recording.output(ALIAS, name, "arn") for name in ("copy-items", "other")]
    assert [each["functionName"] for each in mappings] == functions
    policies = [entry.inputs for entry in recording.registrations if entry.type == ROLE_POLICY]
    readers = [policy["role"] for policy in policies if "GetRecords" in policy["policy"] and arn in policy["policy"]]
    assert sorted(readers) == sorted(recording.output(ROLE, name, "name") for name in ("copy-items", "other"))
    assert recording.outputs["otherTableName"] == "aurora-lambda-dev-test-table"


@pytest.mark.parametrize("deletion_protection", ["true", "false"])
def test_a_protected_stack_protects_its_tables(stack: Stack, deletion_protection: str) -> None:
    """A destroy of a production stack would take the tables before it is refused the database."""
    table = stack(streams=json.dumps([COPY]), deletionProtection=deletion_protection).resource(TABLE, TABLE_NAME)
    protected = deletion_protection == "true"
    assert (table.inputs["deletionProtectionEnabled"], table.protect) == (protected, protected)


def test_the_handler_has_no_rights_on_streams(stack: Stack) -> None:
    """A hole in the handler could read the records."""
    recording = stack(streams=json.dumps([COPY]))
    actions = [action for statement in statements(recording, "handler") for action in statement["Action"]]
    assert actions == ["rds-db:connect"]


def test_on_dsql_each_function_that_uses_the_database_logs_in_with_a_role_of_its_own(stack: Stack) -> None:
    """DSQL would refuse its login, or the handler would have the rights of every stream."""
    recording = stack(engine="dsql", streams=json.dumps([COPY, {**COPY, "name": "other", "database": False}]))
    roles = {name: recording.inputs(FUNCTION, name)["role"] for name in ("handler", "copy-items", "other")}
    assert roles == {name: recording.output(ROLE, name, "arn") for name in roles}
    variables = recording.inputs(FUNCTION, "migrations")["environment"]["variables"]
    assert variables["SQL_MAIN_DB_RUNTIME_ROLE_ARN"] == f"{roles['handler']} {roles['copy-items']}"
    policy = json.loads(recording.inputs(ROLE_POLICY, "handler")["policy"])["Statement"]
    assert [action for statement in policy for action in statement["Action"] if not action.startswith("logs:")] == [
        "dsql:DbConnect"
    ]
