"""The arguments of `AuroraDatabase`: what they mean, what they take, and their defaults."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda.arguments import (
    KMS_KEY,
    SECONDS_PER_DAY,
    Argument,
    capacity,
    choice,
    flag,
    identifier,
    log_retention,
    recovery_days,
    text,
    whole_number,
)
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.database_access import MASTER_USERNAME
from aurora_lambda.naming import Tags
from aurora_lambda.transform import Transform
from aurora_lambda_runtime.database.engines import AUTHS, RESERVED_ROLES, RESERVED_SCHEMAS

DEFAULT_ROLE = "app_runtime"


class AuroraDatabaseArgs(TypedDict):
    """Where the cluster lives, who may reach it, and how it scales."""

    engine: str
    """The database engine. Plain, since it decides which resources there are."""
    vpc_id: pulumi.Input[str]
    """The VPC."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets in at least two availability zones."""
    function_security_group_id: pulumi.Input[str]
    """The security group of the functions: the only one the database listens to."""
    security_group_rules: NotRequired[bool]
    """Whether to make the rules by which the functions reach the cluster. Say false for a second database in a cluster
    that the same functions reach already: EC2 refuses a rule twice. Plain, since it decides which resources there
    are."""
    cluster_identifier: NotRequired[str]
    """An existing cluster to use instead of a new one, in the same VPC. The application gets a database and a role of
    its own in it. Plain, since it decides which resources there are."""
    engine_version: NotRequired[pulumi.Input[str]]
    """The engine's version in RDS's words. A major upgrade happens only when it is given. Default:
    `former_engine_version`."""
    former_engine_version: NotRequired[pulumi.Input[str]]
    """The version of the deployment before, which the cluster keeps. Default: the version these components are tested
    with, so that a later release of them upgrades the cluster."""
    schema: NotRequired[pulumi.Input[str]]
    """The database the migration runner creates in the cluster."""
    runtime_role: NotRequired[pulumi.Input[str]]
    """The database role of the application, which the migration runner creates. Default: `app_runtime`; in an existing
    cluster, `<schema>_runtime`."""
    auth: NotRequired[str]
    """How the application logs in: by an IAM token, or by a password from a secret that the migration runner fills.
    Plain, since it decides which resources there are."""
    former_auth: NotRequired[pulumi.Input[str]]
    """How it logged in after the deployment before. Where that was by IAM token, the cluster takes tokens during this
    deployment too, for the functions that still run."""
    min_capacity: NotRequired[pulumi.Input[float]]
    """Aurora capacity units at rest. With 0 the cluster pauses when nobody is connected."""
    max_capacity: NotRequired[pulumi.Input[float]]
    """Aurora capacity units at most."""
    auto_pause_seconds: NotRequired[pulumi.Input[int]]
    """Idle time before a pause, where `min_capacity` is 0."""
    instance_count: NotRequired[int]
    """Instances, the writer included. With two and more, a failover takes less than a minute. Plain, since it decides
    which resources there are."""
    backup_retention_days: NotRequired[pulumi.Input[int]]
    """Days of point-in-time recovery."""
    backup_window: NotRequired[pulumi.Input[str]]
    """When the daily backup is taken, in UTC. Default: a time that RDS chooses."""
    maintenance_window: NotRequired[pulumi.Input[str]]
    """When RDS may work on the cluster and its instances each week, in UTC. Default: a time that RDS chooses."""
    snapshot_identifier: NotRequired[pulumi.Input[str]]
    """A snapshot of a cluster, by its name or ARN, that the cluster is made from. Given later, or taken away, it
    replaces the cluster."""
    restore_cluster_identifier: NotRequired[pulumi.Input[str]]
    """Another cluster whose data the cluster is made from, as they were at `restore_time`. Given later, or taken away,
    it replaces the cluster. Plain where it is given or not."""
    restore_time: NotRequired[pulumi.Input[str]]
    """As of when, in UTC. Default: the latest time that can be restored."""
    deletion_protection: NotRequired[bool]
    """Whether AWS and Pulumi refuse to delete the cluster. Plain, since Pulumi has to know it first."""
    final_snapshot: NotRequired[pulumi.Input[bool]]
    """Whether deleting the cluster takes a snapshot first."""
    kms_key_id: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts storage and secrets. Default: the account's own keys."""
    performance_insights: NotRequired[pulumi.Input[bool]]
    """Whether Performance Insights is on, with seven days kept, which is free."""
    export_logs: NotRequired[bool]
    """Whether errors and statements of ten seconds and more are in CloudWatch Logs. Plain, since it decides which
    resources there are."""
    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days that exported logs are kept."""
    extended_support: NotRequired[pulumi.Input[bool]]
    """Whether a major version that is past its standard support runs on as RDS Extended Support, which costs extra for
    each capacity unit. Otherwise RDS upgrades the cluster then."""
    secret_recovery_days: NotRequired[pulumi.Input[int]]
    """Days that a deleted login of the application can be restored; 0: it is deleted at once."""
    owner: NotRequired[pulumi.Input[str]]
    """Whose the database in an existing cluster is: no other owner may deploy to it. Default: project and stack."""
    secrets_endpoint_id: NotRequired[pulumi.Input[str]]
    """The functions' Secrets Manager endpoint, in one database of a stack. Its policy then lets through the stack's
    secrets and the passwords that RDS keeps of master users, nothing else."""
    endpoint_secret_arns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ARNs of other secrets that functions read through that endpoint."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


# What a new cluster is made of.
OF_NEW_CLUSTERS = (
    "engine_version",
    "former_engine_version",
    "min_capacity",
    "max_capacity",
    "auto_pause_seconds",
    "instance_count",
    "backup_retention_days",
    "backup_window",
    "maintenance_window",
    "snapshot_identifier",
    "restore_cluster_identifier",
    "restore_time",
    "deletion_protection",
    "final_snapshot",
    "performance_insights",
    "export_logs",
    "extended_support",
)
_DAY, _TIME = r"(mon|tue|wed|thu|fri|sat|sun)", r"([01]\d|2[0-3]):[0-5]\d"
CLUSTER_IDENTIFIER = r"[a-z](-?[a-z0-9]){0,62}"
ARGUMENTS: Mapping[str, Argument] = {
    "engine": choice(*RDS_ENGINES),
    "security_group_rules": flag(default=True),
    "cluster_identifier": text(CLUSTER_IDENTIFIER, "a cluster's identifier, such as shop-prod-main-db-1a2b"),
    "engine_version": text(r"\d[\w.]*", "RDS's version string, such as 17.10 or 8.0.mysql_aurora.3.12.0"),
    "schema": identifier(RESERVED_SCHEMAS, "app"),
    "runtime_role": identifier(f"{RESERVED_ROLES}|{MASTER_USERNAME}", None),
    "auth": choice(*AUTHS, default="iam"),
    "min_capacity": capacity(0, 0),
    # More than 0.5. Source: CloudFormation template reference, AWS::RDS::DBCluster ServerlessV2ScalingConfiguration.
    "max_capacity": capacity(1, 2),
    "auto_pause_seconds": whole_number(300, SECONDS_PER_DAY, "seconds", 300),
    "instance_count": whole_number(1, 16, "instances", 1),
    "backup_retention_days": whole_number(1, 35, "days", 7),
    # Source: RDS API reference, CreateDBCluster.
    "backup_window": text(rf"{_TIME}-{_TIME}", "a time of the day in UTC, such as 03:00-03:30"),
    "maintenance_window": text(rf"{_DAY}:{_TIME}-{_DAY}:{_TIME}", "a time of the week, such as sun:04:00-sun:04:30"),
    "snapshot_identifier": text(
        r"(arn:[\w-]+:rds:[\w-]+:\d{12}:cluster-snapshot:)?(rds:)?[A-Za-z][\w-]{0,254}", "a snapshot's name or ARN"
    ),
    "restore_cluster_identifier": text(CLUSTER_IDENTIFIER, "a cluster's identifier, such as shop-prod-main-db-1a2b"),
    "restore_time": text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "a time in UTC, such as 2026-11-29T12:00:00Z"),
    "deletion_protection": flag(default=False),
    "final_snapshot": flag(default=True),
    "kms_key_id": KMS_KEY,
    "performance_insights": flag(default=True),
    "export_logs": flag(default=False),
    "log_retention_days": log_retention(30),
    "extended_support": flag(default=False),
    "secret_recovery_days": recovery_days(0),
    "owner": text(r"[\w.-]+/([\w.-]+|\*)", "a project and a stack, such as shop/prod"),
}


def check_together(name: str, args: AuroraDatabaseArgs) -> None:
    """Check arguments together; what comes as an output RDS checks.

    Raises:
        ValueError: some of them do not go together.
    """
    minimum, maximum, version = args.get("min_capacity", 0), args.get("max_capacity", 2), args.get("engine_version")
    if isinstance(minimum, int | float) and isinstance(maximum, int | float) and minimum > maximum:
        raise ValueError(f"AuroraDatabase {name!r}: min_capacity is {minimum:g}, above max_capacity {maximum:g}")
    if isinstance(version, str) and not RDS_ENGINES[args["engine"]].is_version(version):
        raise ValueError(
            f"AuroraDatabase {name!r}: engine_version is {version!r}; {args['engine']} has versions such as "
            f"{RDS_ENGINES[args['engine']].version}"
        )
    if "cluster_identifier" in args and (given := [key for key in OF_NEW_CLUSTERS if key in args]):
        raise ValueError(
            f"AuroraDatabase {name!r}: {given[0]} is for a new cluster, and cluster_identifier names an existing one;"
            " give one of the two"
        )
    if "snapshot_identifier" in args and "restore_cluster_identifier" in args:
        raise ValueError(
            f"AuroraDatabase {name!r}: snapshot_identifier and restore_cluster_identifier both say what the cluster is"
            " made from; give one of the two"
        )
    if "restore_time" in args and "restore_cluster_identifier" not in args:
        raise ValueError(f"AuroraDatabase {name!r}: restore_time needs restore_cluster_identifier")


def scaling(args: AuroraDatabaseArgs) -> pulumi.Output[aws.rds.ClusterServerlessv2ScalingConfigurationArgs]:
    """Return how a cluster scales; what never reaches 0 does not pause."""
    return pulumi.Output.all(args["min_capacity"], args["max_capacity"], args["auto_pause_seconds"]).apply(
        lambda known: aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
            min_capacity=known[0],
            max_capacity=known[1],
            seconds_until_auto_pause=known[2] if known[0] == 0 else None,
        )
    )
