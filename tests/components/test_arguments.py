"""What every argument of every component takes: its default, both ends of its range, and the message beyond them."""

import inspect
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from aurora_lambda import AuroraDatabase, DsqlDatabase, FunctionRole, ImageFunction, LambdaImage, Migration, Network
from aurora_lambda.arguments import Argument, Value, whole_number
from aurora_lambda.plugin import COMPONENTS
from tests.components.recording import CONTEXT, Recording, record
from tests.components.samples import EVERYTHING
from tests.components.tokens import (
    CLUSTER,
    CLUSTER_INSTANCE,
    DSQL_CLUSTER,
    FUNCTION,
    IMAGE,
    LIFECYCLE_POLICY,
    LOG_GROUP,
    REPOSITORY,
    SUBNET,
    VPC,
    VPC_ENDPOINT,
)

ARGUMENTS = {
    f"{component.__name__}.{key}": argument
    for component, (arguments, _) in COMPONENTS.items()
    for key, argument in arguments.items()
}
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mail/login"
STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"
FUNCTION_ARGS = {"image_uri": "repo@sha256:0", "role": "arn:aws:iam::123456789012:role/r"}
REQUIRED: dict[Callable[..., pulumi.ComponentResource], dict[str, Any]] = {
    AuroraDatabase: {
        "engine": "mysql",
        "vpc_id": "vpc-0a",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "function_security_group_id": "sg-1",
    },
    DsqlDatabase: {"function_role_arns": ["arn:aws:iam::123456789012:role/handler"]},
    ImageFunction: FUNCTION_ARGS,
    LambdaImage: {
        "context": str(CONTEXT),
        "dockerfile": str(CONTEXT / "Dockerfile"),
        "target": "handler",
    },
    Migration: {"image_uri": "repo@sha256:0", "access": []},
    Network: {},
}


def test_every_default_is_the_documented_one() -> None:
    """A program that says nothing about an argument would get something else than it was told."""
    assert {name: argument.default for name, argument in ARGUMENTS.items()} == {
        "Network.cidr_block": "10.0.0.0/16",
        "Network.secrets_endpoint": True,
        "Network.endpoints": (),
        "Network.endpoint_zones": 1,
        "AuroraDatabase.engine": None,
        "AuroraDatabase.engine_version": None,
        "AuroraDatabase.schema": "app",
        "AuroraDatabase.runtime_role": None,
        "AuroraDatabase.cluster_identifier": None,
        "AuroraDatabase.owner": None,
        "AuroraDatabase.security_group_rules": True,
        "AuroraDatabase.auth": "iam",
        "AuroraDatabase.min_capacity": 0,
        "AuroraDatabase.max_capacity": 2,
        "AuroraDatabase.auto_pause_seconds": 300,
        "AuroraDatabase.instance_count": 1,
        "AuroraDatabase.backup_retention_days": 7,
        "AuroraDatabase.backup_window": None,
        "AuroraDatabase.maintenance_window": None,
        "AuroraDatabase.snapshot_identifier": None,
        "AuroraDatabase.restore_cluster_identifier": None,
        "AuroraDatabase.restore_time": None,
        "AuroraDatabase.deletion_protection": False,
        "AuroraDatabase.final_snapshot": True,
        "AuroraDatabase.kms_key_id": None,
        "AuroraDatabase.performance_insights": True,
        "DsqlDatabase.schema": "app",
        "DsqlDatabase.runtime_role": None,
        "DsqlDatabase.owner": None,
        "DsqlDatabase.cluster_identifier": None,
        "DsqlDatabase.deletion_protection": False,
        "DsqlDatabase.force_destroy": False,
        "DsqlDatabase.kms_key_arn": None,
        "DsqlDatabase.vpc_only": True,
        "DsqlDatabase.peer_region": None,
        "DsqlDatabase.witness_region": None,
        "DsqlDatabase.vpc_endpoint": True,
        "DsqlDatabase.security_group_rules": True,
        "AuroraDatabase.export_logs": False,
        "AuroraDatabase.log_retention_days": 30,
        "AuroraDatabase.extended_support": False,
        "AuroraDatabase.secret_recovery_days": 0,
        "LambdaImage.architecture": "arm64",
        "LambdaImage.keep_images": 10,
        "LambdaImage.kms_key_arn": None,
        "LambdaImage.force_delete": True,
        "Backup.retention_days": 35,
        "Backup.schedule": "cron(0 5 * * ? *)",
        "Backup.kms_key_arn": None,
        "Backup.force_destroy": False,
        "ImageFunction.architecture": "arm64",
        "ImageFunction.memory_size": 256,
        "ImageFunction.timeout": 15,
        "ImageFunction.reserved_concurrency": -1,
        "ImageFunction.log_retention_days": 30,
        "ImageFunction.url_auth_type": None,
        "ImageFunction.snap_start": False,
        "ImageFunction.publish": False,
        "ImageFunction.keep_failed_events": False,
        "ImageFunction.maximum_retry_attempts": 2,
        "ImageFunction.maximum_event_age_in_seconds": 21600,
        "ImageFunction.kms_key_arn": None,
        "ImageFunction.tracing": False,
        "FunctionRole.permissions_boundary": None,
        "FunctionRole.path": "/",
        "Migration.allow_reset": False,
        "Migration.drop_on_destroy": False,
        "Migration.architecture": "arm64",
        "Migration.memory_size": 512,
        "Migration.timeout": 900,
        "Migration.log_retention_days": 30,
        "Migration.kms_key_arn": None,
        "Migration.tracing": False,
        "Alarms.topic_arn": None,
        "Alarms.email": None,
        "Secret.arn": None,
        "Secret.kms_key_arn": None,
        "Secret.recovery_days": 0,
        "Queue.function_timeout": None,
        "Queue.batch_size": 10,
        "Queue.maximum_batching_window_in_seconds": 0,
        "Queue.maximum_concurrency": None,
        "Queue.max_receive_count": 5,
        "Queue.retention_days": 4,
        "Queue.force_destroy": False,
        "Queue.kms_key_arn": None,
        "Queue.alarm_topic_arn": None,
        "Schedule.function_arn": None,
        "Schedule.time_zone": "UTC",
        "Schedule.input": "{}",
        "Schedule.maximum_retry_attempts": 185,
        "Schedule.maximum_event_age_in_seconds": 86_400,
        "Schedule.dead_letter_queue_arn": None,
        "Schedule.enabled": True,
        "StreamTable.table_name": None,
        "StreamTable.name_prefix": None,
        "StreamTable.existing_table": False,
        "StreamTable.partition_key": "id",
        "StreamTable.partition_key_type": "S",
        "StreamTable.sort_key": None,
        "StreamTable.sort_key_type": "S",
        "StreamTable.stream_view_type": "NEW_AND_OLD_IMAGES",
        "StreamTable.point_in_time_recovery": True,
        "StreamTable.deletion_protection": False,
        "StreamTable.kms_key_arn": None,
        "TableStream.stream_arn": None,
        "TableStream.kms_key_arn": None,
        "TableStream.starting_position": "TRIM_HORIZON",
        "TableStream.batch_size": 100,
        "TableStream.maximum_batching_window_in_seconds": 0,
        "TableStream.parallelization_factor": 1,
        "TableStream.maximum_retry_attempts": 5,
        "TableStream.maximum_record_age_in_seconds": 21_600,
        "TableStream.bisect_batch_on_function_error": True,
        "TableStream.report_batch_item_failures": True,
        "TableStream.tumbling_window_in_seconds": 0,
        "TableStream.filter_quota": 5,
        "TableStream.enabled": True,
        "TableStream.on_failure": "bucket",
        "TableStream.force_destroy": False,
        "TableStream.failure_retention_days": 30,
        "TableStream.alarm_iterator_age_seconds": 900,
    }


@pytest.mark.parametrize(
    ("component", "type_", "path", "expected"),
    [
        (Network, VPC, "cidrBlock", "10.0.0.0/16"),
        (Network, SUBNET, "cidrBlock", "10.0.0.0/20"),
        (Network, VPC_ENDPOINT, "serviceName", "com.amazonaws.eu-west-1.secretsmanager"),
        (AuroraDatabase, CLUSTER, "serverlessv2ScalingConfiguration.maxCapacity", 2),
        (AuroraDatabase, CLUSTER, "serverlessv2ScalingConfiguration.secondsUntilAutoPause", 300),
        (AuroraDatabase, CLUSTER, "backupRetentionPeriod", 7),
        (AuroraDatabase, CLUSTER, "deletionProtection", False),
        (AuroraDatabase, CLUSTER, "skipFinalSnapshot", False),
        (AuroraDatabase, CLUSTER, "iamDatabaseAuthenticationEnabled", True),
        (AuroraDatabase, CLUSTER_INSTANCE, "performanceInsightsEnabled", True),
        (DsqlDatabase, DSQL_CLUSTER, "deletionProtectionEnabled", False),
        (LambdaImage, REPOSITORY, "forceDelete", True),
        (LambdaImage, IMAGE, "build.platform", "linux/arm64"),
        (ImageFunction, FUNCTION, "memorySize", 256),
        (ImageFunction, FUNCTION, "timeout", 15),
        (ImageFunction, FUNCTION, "reservedConcurrentExecutions", -1),
        (ImageFunction, FUNCTION, "architectures", ["arm64"]),
        (ImageFunction, FUNCTION, "publish", False),
        (ImageFunction, LOG_GROUP, "retentionInDays", 30),
        (Migration, FUNCTION, "memorySize", 512),
        (Migration, FUNCTION, "timeout", 900),
        (Migration, FUNCTION, "environment.variables", {"ALLOW_RESET": "false"}),
        (Migration, LOG_GROUP, "retentionInDays", 30),
    ],
)
def test_a_default_reaches_aws(component: Any, type_: str, path: str, expected: object) -> None:
    """A component that is given the least would ask AWS for something that nobody chose."""
    recording = record(lambda: component("x", REQUIRED[component]))
    found: Any = recording.inputs(type_, recording.of_type(type_)[0])
    for step in path.split("."):
        found = found[step]
    assert found == expected


def test_ten_images_are_kept_unless_told_otherwise() -> None:
    """A rollback would not find its image."""
    recording = record(lambda: LambdaImage("x", REQUIRED[LambdaImage]))  # ty: ignore[invalid-argument-type]
    assert '"countNumber": 10' in recording.inputs(LIFECYCLE_POLICY, "x")["policy"]


BOUNDS: list[tuple[str, list[Value], list[Value]]] = [
    ("Network.cidr_block", ["10.0.0.0/16", "10.0.0.0/24"], ["10.0.0.0/15", "10.0.0.0/25", "10.0.5.0/16", "ten"]),
    ("Network.endpoints", [(), ("sqs", "s3", "execute-api")], ["sqs", ("SQS",), ("secretsmanager",)]),
    ("Network.endpoint_zones", [1, 3], [0, 4]),
    ("AuroraDatabase.cluster_identifier", ["a", "shop-1", "a" * 63], ["", "1a", "a-", "a--b", "A", "a" * 64]),
    ("AuroraDatabase.owner", ["shop/prod", "shop/*"], ["", "shop", "*/prod"]),
    ("Secret.arn", [f"{SECRET}-a1B2c3"], ["", SECRET, "mail-login"]),
    ("Secret.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("Secret.recovery_days", [0, 7, 30], [-1, 1, 6, 31]),
    ("AuroraDatabase.min_capacity", [0, 0.5, 256], [-0.5, 0.7, 256.5]),
    ("AuroraDatabase.max_capacity", [1, 1.5, 256], [0.5, 1.7, 256.5]),
    ("AuroraDatabase.auto_pause_seconds", [300, 86_400], [299, 86_401]),
    ("AuroraDatabase.instance_count", [1, 16], [0, 17]),
    ("AuroraDatabase.backup_retention_days", [1, 35], [0, 36]),
    ("AuroraDatabase.backup_window", ["03:00-03:30", "23:59-00:29"], ["", "3:00-3:30", "24:00-24:30", "03:00"]),
    ("AuroraDatabase.maintenance_window", ["sun:04:00-sun:04:30"], ["", "04:00-04:30", "Sun:04:00-Sun:04:30"]),
    (
        "AuroraDatabase.snapshot_identifier",
        ["shop-final", "rds:shop-2026", "arn:aws:rds:eu-west-1:123456789012:cluster-snapshot:rds:shop-2026"],
        ["", "1shop", "arn:aws:rds:eu-west-1:123456789012:snapshot:shop"],
    ),
    ("AuroraDatabase.restore_cluster_identifier", ["shop-main-db-1a2b"], ["", "Shop", "shop--db"]),
    ("AuroraDatabase.restore_time", ["2026-11-29T12:00:00Z"], ["", "2026-11-29", "2026-11-29 12:00:00"]),
    ("AuroraDatabase.schema", ["a", "a" * 32], ["", "a" * 33, "1a", "A", "mysql", "pg_x", "\u0661"]),
    ("AuroraDatabase.runtime_role", ["a", "mysql_app", "a" * 32], ["", "a" * 33, "root", "rds_iam", "mysql"]),
    ("AuroraDatabase.engine_version", ["17.10", "8.0.mysql_aurora.3.12.0"], ["", "latest", "\u0661\u0667"]),
    ("AuroraDatabase.kms_key_id", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("AuroraDatabase.secret_recovery_days", [0, 7, 30], [-1, 1, 6, 31]),
    ("AuroraDatabase.final_snapshot", [True, False], [1, "true"]),
    ("DsqlDatabase.schema", ["a", "my-app", "Ünï", "a" * 56], ["", "a" * 57, "public", "sys", "pg_own"]),
    ("DsqlDatabase.runtime_role", ["a", "r" * 63], ["", "r" * 64, "admin", "public", "pg_own"]),
    ("DsqlDatabase.owner", ["shop/prod", "my.shop/*"], ["", "shop", "*/prod", "shop/prod/x"]),
    ("DsqlDatabase.cluster_identifier", ["a1" * 13], ["a" * 25, "a" * 27, "A" * 26]),
    ("DsqlDatabase.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("DsqlDatabase.peer_region", ["us-east-2"], ["", "ohio"]),
    ("DsqlDatabase.witness_region", ["us-west-2"], ["", "oregon"]),
    ("LambdaImage.keep_images", [3, 1000], [2, 1001]),
    ("ImageFunction.memory_size", [128, 10_240, 512.0], [127, 10_241, 512.5, True, "512"]),
    ("ImageFunction.timeout", [1, 900], [0, 901]),
    ("ImageFunction.reserved_concurrency", [-1, 0, 100_000], [-2, 100_001]),
    ("ImageFunction.log_retention_days", [1, 30, 3653], [0, 8, 3654]),
    ("ImageFunction.url_auth_type", ["AWS_IAM", "NONE"], ["none", ""]),
    ("Migration.memory_size", [128, 10_240], [127, 10_241]),
    ("Migration.timeout", [1, 900], [0, 901]),
    ("Migration.log_retention_days", [1, 3653], [0, 2]),
    ("Queue.function_timeout", [1, 900], [0, 901]),
    ("Queue.batch_size", [1, 10_000], [0, 10_001]),
    ("Queue.maximum_batching_window_in_seconds", [0, 300], [-1, 301]),
    ("Queue.maximum_concurrency", [2, 1000], [1, 1001]),
    ("Queue.max_receive_count", [1, 1000], [0, 1001]),
    ("Queue.retention_days", [1, 14], [0, 15]),
    ("Backup.retention_days", [1, 36_500], [0, 36_501]),
    ("Backup.schedule", ["cron(0 5 * * ? *)"], ["", "daily", "rate(1 day)", "cron(0 5 * * *)"]),
    ("Backup.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("Queue.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("ImageFunction.keep_failed_events", [True, False], ["true"]),
    ("ImageFunction.maximum_retry_attempts", [0, 2], [-1, 3]),
    ("ImageFunction.maximum_event_age_in_seconds", [60, 21_600], [59, 21_601]),
    ("ImageFunction.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("LambdaImage.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("Migration.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("Queue.alarm_topic_arn", ["arn:aws:sns:eu-west-1:123456789012:t"], ["", "t"]),
    ("Schedule.function_arn", ["arn:aws:lambda:eu-west-1:123456789012:function:f:live"], ["", "f"]),
    ("Schedule.time_zone", ["UTC", "Europe/Berlin"], ["", "Berlin"]),
    ("Schedule.input", ['"now"', "{}"], [1, "", "{"]),
    ("Schedule.maximum_retry_attempts", [0, 185], [-1, 186]),
    ("Schedule.maximum_event_age_in_seconds", [60, 86_400], [59, 86_401]),
    ("Schedule.dead_letter_queue_arn", ["arn:aws:sqs:eu-west-1:123456789012:q"], ["", "q"]),
    ("StreamTable.table_name", ["abc", "a" * 255], ["ab", "a" * 256, "a/b"]),
    ("StreamTable.name_prefix", ["", "demo-dev-"], ["a/b"]),
    ("TableStream.stream_arn", [STREAM], ["", STREAM.partition("/stream/")[0]]),
    ("StreamTable.partition_key", ["a", "a" * 255], ["", "a" * 256]),
    ("StreamTable.sort_key", ["a", "a" * 255], ["", "a" * 256]),
    ("StreamTable.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("TableStream.kms_key_arn", ["arn:aws:kms:eu-west-1:123456789012:key/0a-1b"], ["", "alias/mine"]),
    ("TableStream.batch_size", [1, 10_000], [0, 10_001]),
    ("TableStream.maximum_batching_window_in_seconds", [0, 300], [-1, 301]),
    ("TableStream.parallelization_factor", [1, 10], [0, 11]),
    ("TableStream.maximum_retry_attempts", [-1, 0, 10_000], [-2, 10_001]),
    ("TableStream.maximum_record_age_in_seconds", [-1, 60, 604_800], [-2, 0, 59, 604_801]),
    ("TableStream.tumbling_window_in_seconds", [0, 900], [-1, 901]),
    ("TableStream.filter_quota", [5, 10], [4, 11]),
    ("TableStream.failure_retention_days", [1, 3650], [0, 3651]),
    ("AuroraDatabase.log_retention_days", [1, 3653], [0, 2]),
    (
        "FunctionRole.permissions_boundary",
        ["arn:aws:iam::123456789012:policy/a/b", "arn:aws:iam::aws:policy/ReadOnlyAccess"],
        ["", "b", "arn:aws:iam::123456789012:role/a"],
    ),
    ("FunctionRole.path", ["/", "/a/", "/a/b/"], ["", "a", "/a", "a/", "/ü/", f"/{'a' * 511}/"]),
    ("Alarms.topic_arn", ["arn:aws:sns:eu-west-1:123456789012:a-b"], ["", "a-b", "arn:aws:sns:eu-west-1:1:a"]),
    ("Alarms.email", ["team@example.com", "a.b+c@d.example.com"], ["", "team", "team@example", "a b@example.com"]),
    ("TableStream.alarm_iterator_age_seconds", [1, 86_400], [0, 86_401]),
]


@pytest.mark.parametrize(("name", "allowed", "refused"), BOUNDS, ids=[name for name, _, _ in BOUNDS])
def test_both_sides_of_every_bound(name: str, allowed: list[Value], refused: list[Value]) -> None:
    """AWS would refuse a value half way through a deployment, or one that it takes could not be used."""
    argument = ARGUMENTS[name]
    for value in allowed:
        assert argument.check(value) == value
    for value in refused:
        with pytest.raises(ValueError, match=f"^must be {argument.takes[:10]}"):
            argument.check(value)


def test_every_range_has_its_bounds_tested() -> None:
    """A new argument could be checked wrongly."""
    ranges = {name for name, argument in ARGUMENTS.items() if not argument.choices and argument.type != "boolean"}
    assert ranges - {name for name, _, _ in BOUNDS} == set()


@pytest.mark.parametrize("wrap", [lambda value: value, pulumi.Output.from_input], ids=["plain", "output"])
def test_a_wrong_argument_is_told_with_component_value_and_what_is_allowed(wrap: Callable[[str], Any]) -> None:
    """One would have to find out which of a program's components AWS means."""
    args: Any = {**REQUIRED[AuroraDatabase], "schema": wrap("Shop")}
    message = (
        "^AuroraDatabase 'shop': schema is 'Shop'; must be a lower-case name of letters, digits and _, "
        "at most 32 characters, that no database server uses itself$"
    )
    with pytest.raises(ValueError, match=message):
        record(lambda: AuroraDatabase("shop", args))


def test_a_whole_number_over_the_wire_is_one() -> None:
    """A count from another language would be 2.0, which Python's range refuses."""
    argument: Argument = whole_number(1, 3, "zones")
    assert repr(argument.check(2.0)) == "2"


@pytest.mark.parametrize("component", EVERYTHING)
def test_what_is_none_is_not_given(component: Any) -> None:
    """`{"final_snapshot": config.get_bool("snapshot")}`, without the key, would destroy a cluster with its data.

    Pulumi's own resources take None for nothing: one without `snapshot_identifier` would be unencrypted.
    """
    sample = EVERYTHING[component][0]
    keys = inspect.signature(component.__init__).parameters["args"].annotation.__annotations__
    nothing = dict.fromkeys(keys.keys() - sample.keys())
    runs = [record(lambda args=args: component("x", args)) for args in (sample, {**nothing, **sample})]
    plain, with_none = ({entry.urn: entry.inputs for entry in run.registrations} for run in runs)
    assert len(nothing) >= 1
    assert with_none == plain


@pytest.mark.parametrize(
    ("component", "key", "message"),
    [
        (AuroraDatabase, "deletion_protect", "; did you mean 'deletion_protection'?"),
        (AuroraDatabase, "finalSnapshot", "; did you mean 'final_snapshot'?"),
        (FunctionRole, "x", "; available: network_interfaces, permissions_boundary, path, tags, transform"),
    ],
)
def test_an_argument_that_is_misspelt_is_refused(component: Any, key: str, message: str) -> None:
    """A cluster that was to be protected would not be, and nobody be told."""
    recording = Recording()
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared below
        record(lambda: component("x", {**EVERYTHING[component][0], key: True}), recording=recording)
    assert str(error.value) == f"{component.__name__} 'x': there is no argument {key!r}{message}"
    assert [entry.type for entry in recording.registrations if not entry.type.startswith("aurora-lambda:")] == []


@pytest.mark.parametrize("component", EVERYTHING)
def test_no_component_takes_what_it_does_not_know(component: Any) -> None:
    """What somebody relies on would be left out without a word."""
    with pytest.raises(ValueError, match=rf"^{component.__name__} 'x': there is no argument 'unknown'; available: "):
        record(lambda: component("x", {**EVERYTHING[component][0], "unknown": 1}))


PLAIN: dict[str, list[str]] = {
    "Alarms": ["watched"],
    "Dashboard": [],
    "Network": ["secrets_endpoint", "endpoints"],
    "AuroraDatabase": [
        "engine",
        "security_group_rules",
        "cluster_identifier",
        "auth",
        "instance_count",
        "deletion_protection",
        "export_logs",
    ],
    "DsqlDatabase": [
        "deletion_protection",
        "force_destroy",
        "peer_region",
        "witness_region",
        "vpc_endpoint",
        "security_group_rules",
        "vpc_only",
    ],
    "LambdaImage": ["force_delete"],
    "FunctionRole": ["network_interfaces"],
    "ImageFunction": ["access", "url_auth_type", "cors", "snap_start", "publish", "keep_failed_events"],
    "Migration": ["access", "drop_on_destroy"],
    "Queue": ["force_destroy"],
    "Schedule": [],
    "Secret": [],
    "Backup": ["force_destroy"],
    "StreamTable": ["name_prefix", "existing_table", "deletion_protection", "former_streams"],
    "TableStream": ["filters", "filter_quota", "on_failure", "force_destroy"],
}


@pytest.mark.parametrize("component", EVERYTHING)
def test_what_must_be_plain_is_no_output(component: Any) -> None:
    """`force_destroy` of another stack's output, which is false, would delete the cluster with its data.

    Each output is true to Python; and one that names a destination would be none, so that records are lost.
    """
    recording, plain = Recording(), [*PLAIN[component.__name__], "transform"]
    given = {**EVERYTHING[component][0], **{key: pulumi.Output.from_input(False) for key in plain}}
    with pytest.raises(ValueError, match=" must be plain: needed before any output is known$") as error:
        record(lambda: component("x", given), recording=recording)
    said, _, _ = str(error.value).removeprefix(f"{component.__name__} 'x': ").partition(" must be plain")
    assert sorted(said.split(", ")) == sorted(plain)
    assert [entry.type for entry in recording.registrations if not entry.type.startswith("aurora-lambda:")] == []


@pytest.mark.parametrize("given", [{"engine": "mysql", "subnet_ids": None}, {"engine": "mysql"}])
def test_arguments_that_are_missing_are_said_together(given: Any) -> None:
    """A program would end in a KeyError for one of them after the other, and a None would reach AWS."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared below
        record(lambda: AuroraDatabase("x", given))
    assert str(error.value) == "AuroraDatabase 'x' needs vpc_id, subnet_ids, function_security_group_id"
