"""What a platform team asks of a stack: who is told, what is traced and logged, how its roles are fenced and tagged."""

import json
from typing import Any

import pytest

from tests.components.conftest import Stack
from tests.components.recording import statements
from tests.components.test_service import UNTAGGABLE, shipped
from tests.components.tokens import (
    ALARM,
    CLUSTER,
    CLUSTER_INSTANCE,
    DASHBOARD,
    FUNCTION,
    LOG_GROUP,
    PARAMETER_GROUP,
    ROLE,
    ROLE_POLICY,
    SUBSCRIPTION,
    TOPIC,
)

STREAMS = json.dumps([{"name": "copy", "table": "test-table", "function": "copier", "database": False}])
ENGINES = ("mysql", "postgres", "dsql", "none")
EMAIL = "team@example.com"
TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:told"
BOUNDARY = "arn:aws:iam::123456789012:policy/fence"
# All that a platform team may ask, in one recording of each engine.
ALL = {
    "streams": STREAMS,
    "alarmEmail": EMAIL,
    "dashboard": "true",
    "databaseAuth": "password",
    "databaseLogs": "true",
    "logRetentionDays": "90",
    "permissionsBoundary": BOUNDARY,
    "rolePath": "/service/",
    "tags": '["team=payments", "cost centre=4=2"]',
    "tracing": "true",
}
TAGS = {"team": "payments", "cost centre": "4=2", "project": "aurora-lambda", "stack": "dev"}
STREAM_ALARMS = {
    *("copy-age", "copy-given-up", "copy-lost"),
    *("copier-duration", "copier-errors", "copier-throttles"),
}
HANDLER_ALARMS = {"handler-5xx", "handler-duration", "handler-errors", "handler-throttles", "migrations-failed"}
DATABASE_ALARMS = {
    "mysql": {"database-capacity", "database-connections", "database-memory"},
    "postgres": {"database-capacity", "database-connections", "database-memory"},
    "dsql": {"database-conflicts", "database-storage", "database-timeouts"},
    "none": set(),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_one_address_hears_of_everything_that_a_stack_has(stack: Stack, engine: str) -> None:
    """A part of the service would break and nobody be told."""
    recording = stack(engine=engine, **ALL)
    application = HANDLER_ALARMS if engine != "none" else set()
    assert {*recording.of_type(ALARM)} == STREAM_ALARMS | application | DATABASE_ALARMS[engine]
    assert recording.of_type(TOPIC) == ["alarms"]
    arn = recording.output(TOPIC, "alarms", "arn")
    told = {tuple(recording.inputs(ALARM, name)["alarmActions"]) for name in recording.of_type(ALARM)}
    assert told == {(arn,)}
    assert recording.inputs(SUBSCRIPTION, "alarms") == {"topic": arn, "protocol": "email", "endpoint": EMAIL}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stack_that_says_nothing_has_what_it_had(stack: Stack, engine: str) -> None:
    """A development stack would cost more at rest, or be changed by an upgrade."""
    recording = stack(engine=engine, streams=STREAMS)
    assert {*recording.of_type(ALARM)} == {"copy-age", "copy-given-up", "copy-lost"}
    assert "alarmActions" not in recording.inputs(ALARM, "copy-age")
    assert recording.of_type(TOPIC) == recording.of_type(DASHBOARD) == []
    muted = stack(engine=engine, streams=STREAMS, alarmEmail=EMAIL, alarms="false")
    assert {entry.urn for entry in muted.registrations} == {entry.urn for entry in recording.registrations}


def test_limits_follow_the_configuration(stack: Stack) -> None:
    """An alarm would ring at another stack's limits."""
    recording = stack(
        engine="postgres", alarmTopicArn=TOPIC_ARN, maxCapacity="8", instanceCount="2", handlerTimeout="29"
    )
    thresholds = {name: recording.inputs(ALARM, name)["threshold"] for name in recording.of_type(ALARM)}
    assert thresholds == {
        "handler-5xx": 0,
        "handler-errors": 0,
        "handler-throttles": 0,
        "handler-duration": 26_100,
        "migrations-failed": 0,
        "database-capacity": 90,
        "database-connections": 0.9 * 1669,
        "database-memory": 0.05 * 8 * 2 * 1024**3,
        "database-lag": 1000,
    }
    cluster = recording.output(CLUSTER, "main-db", "clusterIdentifier")
    dimensions = [recording.inputs(ALARM, f"database-{name}")["dimensions"] for name in ("memory", "lag")]
    assert dimensions == [
        {"DBClusterIdentifier": cluster, "Role": "WRITER"},
        {"DBClusterIdentifier": cluster, "Role": "READER"},
    ]
    assert recording.of_type(TOPIC) == recording.of_type(SUBSCRIPTION) == []


def test_a_cluster_that_idles_at_its_largest_capacity_never_seems_busy(stack: Stack) -> None:
    """The alarm would ring from the first hour on."""
    recording = stack(alarmEmail=EMAIL, minCapacity="4", maxCapacity="4")
    assert "database-capacity" not in recording.of_type(ALARM)


def test_a_topic_of_a_stream_wins_over_that_of_the_stack(stack: Stack) -> None:
    """The team that owns the table would no longer be told."""
    theirs = "arn:aws:sns:eu-west-1:123456789012:theirs"
    streams = json.dumps([{"name": "copy", "table": "test-table", "alarmTopicArn": theirs}])
    recording = stack(alarmTopicArn=TOPIC_ARN, streams=streams)
    told = [recording.inputs(ALARM, name)["alarmActions"] for name in ("copy-lost", "copy-errors")]
    assert told == [[theirs], [TOPIC_ARN]]


@pytest.mark.parametrize("engine", ENGINES)
def test_tracing_is_on_for_every_function_with_its_rights_or_for_none(stack: Stack, engine: str) -> None:
    """A trace would end half way, or a function have rights that it does not use."""
    right = {
        "Effect": "Allow",
        "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        "Resource": ["*"],
    }
    for config, mode in ((ALL, "Active"), ({"streams": STREAMS}, "PassThrough")):
        recording = stack(engine=engine, **config)
        functions = recording.of_type(FUNCTION)
        assert {recording.inputs(FUNCTION, name)["tracingConfig"]["mode"] for name in functions} == {mode}
        for name in functions:
            policy = json.loads(recording.inputs(ROLE_POLICY, name)["policy"])
            assert (right in policy["Statement"]) == (mode == "Active")


@pytest.mark.parametrize(
    ("engine", "logs", "parameters"),
    [
        ("mysql", ["error", "slowquery"], {"slow_query_log": "1", "log_output": "FILE"}),
        ("postgres", ["postgresql"], {"log_min_duration_statement": "10000"}),
    ],
)
def test_a_databases_logs_go_to_groups_that_the_stack_owns(
    stack: Stack, engine: str, logs: list[str], parameters: dict[str, str]
) -> None:
    """Logs would be kept, and paid for, for ever, in a group that outlives the stack."""
    plain, recording = stack(engine=engine, streams=STREAMS), stack(engine=engine, **ALL)
    cluster = recording.output(CLUSTER, "main-db", "clusterIdentifier")
    assert recording.inputs(CLUSTER, "main-db")["enabledCloudwatchLogsExports"] == logs
    for log in logs:
        name = f"main-db-{engine}-{log}"
        assert recording.inputs(LOG_GROUP, name) == {
            "name": f"/aws/rds/cluster/{cluster}/{log}",
            "retentionInDays": 90,
            "tags": {**TAGS, "Name": name},
        }
        # Made before anything writes to it, and deleted after.
        assert recording.resource(LOG_GROUP, name).urn in recording.resource(CLUSTER_INSTANCE, "main-db-1").dependencies

    def set_(recorded: Any) -> dict[str, str]:
        given = recorded.inputs(PARAMETER_GROUP, "main-db")["parameters"]
        return {each["name"]: each["value"] for each in given}

    assert set_(recording) == {**set_(plain), **parameters}
    assert "enabledCloudwatchLogsExports" not in plain.inputs(CLUSTER, "main-db")
    assert plain.of_type(LOG_GROUP) == ["copier", "handler", "migrations"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_role_has_the_boundary_and_the_path(stack: Stack, engine: str) -> None:
    """An account that demands them would refuse the deployment half way."""
    recording = stack(engine=engine, **ALL)
    roles = recording.of_type(ROLE)
    assert roles == (["copier"] if engine == "none" else ["copier", "handler", "migrations"])
    fences = [(inputs["permissionsBoundary"], inputs["path"]) for inputs in (recording.inputs(ROLE, r) for r in roles)]
    assert fences == [(BOUNDARY, "/service/")] * len(roles)
    bare = stack(engine=engine, streams=STREAMS)
    assert {(bare.inputs(ROLE, r).get("permissionsBoundary"), bare.inputs(ROLE, r)["path"]) for r in roles} == {
        (None, "/")
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_tags_of_ones_own_are_on_everything_that_takes_tags(stack: Stack, engine: str) -> None:
    """A cost report or a policy that demands a tag would miss a resource."""
    recording = stack(engine=engine, **ALL)
    untaggable = UNTAGGABLE | {
        SUBSCRIPTION,
        DASHBOARD,
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    }
    tagged = [e for e in recording.registrations if e.type.startswith("aws:") and e.type not in untaggable]
    assert tagged
    assert [entry.urn for entry in tagged if entry.inputs.get("tags") != {**TAGS, "Name": entry.name}] == []


def test_what_is_watched_says_nothing_of_the_rights_of_the_application(stack: Stack) -> None:
    """Being told would widen what a hole in the handler could do."""
    watched = stack(alarmEmail=EMAIL, dashboard="true")
    assert statements(watched, "handler") == statements(stack(), "handler")


def test_the_production_stack_is_seen_and_the_development_stack_costs_nothing_more() -> None:
    """An operator would be blind where it counts, or a developer pay for graphs that nobody looks at."""
    prod, dev = shipped("prod"), shipped("dev")
    assert prod.of_type(DASHBOARD) == ["service"]
    assert prod.inputs(CLUSTER, "main-db")["enabledCloudwatchLogsExports"] == ["error", "slowquery"]
    assert dev.of_type(DASHBOARD) == dev.of_type(ALARM) == dev.of_type(TOPIC) == []
    assert "enabledCloudwatchLogsExports" not in dev.inputs(CLUSTER, "main-db")
