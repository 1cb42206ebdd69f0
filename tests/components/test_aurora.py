"""What the Aurora cluster asks AWS for, on both engines."""

import pulumi
import pytest

from aurora_lambda import AuroraDatabase
from aurora_lambda.aurora_args import AuroraDatabaseArgs
from aurora_lambda.service import SettingsError
from aurora_lambda_local.resources.outputs import resource_outputs
from tests.components.conftest import Stack
from tests.components.recording import REGION, Recording, record, statements
from tests.components.tokens import (
    ALARM,
    CLUSTER,
    CLUSTER_INSTANCE,
    EGRESS_RULE,
    FUNCTION,
    INGRESS_RULE,
    PARAMETER_GROUP,
    SECRET,
    SECURITY_GROUP,
    SUBNET,
    SUBNET_GROUP,
)

BARE: AuroraDatabaseArgs = {
    "engine": "mysql",
    "vpc_id": "vpc-0a",
    "subnet_ids": ["subnet-1", "subnet-2"],
    "function_security_group_id": "sg-1",
}
TAGS = {"project": "aurora-lambda", "stack": "dev", "Name": "main-db"}
ENGINES = {
    "mysql": {
        "engine": "aurora-mysql",
        "version": "8.0.mysql_aurora.3.12.0",
        "port": 3306,
        "family": "aurora-mysql8.0",
        "parameters": [
            {"name": "require_secure_transport", "value": "ON"},
            {"name": "wait_timeout", "value": "60"},
        ],
    },
    "postgres": {
        "engine": "aurora-postgresql",
        "version": "17.10",
        "port": 5432,
        "family": "aurora-postgresql17",
        "parameters": [
            {"name": "idle_in_transaction_session_timeout", "value": "60000"},
            {"name": "idle_session_timeout", "value": "60000"},
            # RDS's own value from version 17 on, which it answers to wait for a restart: else each `up` shows a change.
            {"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"},
            {"name": "tcp_keepalives_count", "value": "3"},
            {"name": "tcp_keepalives_idle", "value": "60"},
            {"name": "tcp_keepalives_interval", "value": "10"},
        ],
    },
}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_cluster_is_encrypted_serverless_and_keeps_its_own_password(stack: Stack, engine: str) -> None:
    """Data would lie unencrypted, a password would pass through Pulumi, or an idle cluster would cost money."""
    recording, expected = stack(engine=engine), ENGINES[engine]
    parameter_group = recording.output(PARAMETER_GROUP, "main-db", "name")
    assert recording.inputs(CLUSTER, "main-db") == {
        "clusterIdentifierPrefix": "aurora-lambda-dev-main-db-",
        "engine": expected["engine"],
        "engineVersion": expected["version"],
        "allowMajorVersionUpgrade": False,
        "autoMinorVersionUpgrade": False,
        "engineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "port": expected["port"],
        "masterUsername": "dbadmin",
        "manageMasterUserPassword": True,
        "iamDatabaseAuthenticationEnabled": True,
        "dbSubnetGroupName": recording.output(SUBNET_GROUP, "main-db", "name"),
        "vpcSecurityGroupIds": [recording.id(SECURITY_GROUP, "main-db")],
        "dbClusterParameterGroupName": parameter_group,
        "serverlessv2ScalingConfiguration": {"minCapacity": 0, "maxCapacity": 2, "secondsUntilAutoPause": 300},
        "storageEncrypted": True,
        "backupRetentionPeriod": 7,
        "copyTagsToSnapshot": True,
        "deletionProtection": False,
        "skipFinalSnapshot": False,
        "finalSnapshotIdentifier": f"{parameter_group}-final",
        "applyImmediately": True,
        "tags": TAGS,
    }
    assert recording.inputs(PARAMETER_GROUP, "main-db") == {
        "family": expected["family"],
        "description": "main-db: TLS only, idle connections closed after 60 s",
        "parameters": expected["parameters"],
        "tags": TAGS,
    }
    assert recording.inputs(SUBNET_GROUP, "main-db") == {
        "description": "Managed by Pulumi",
        "subnetIds": [recording.id(SUBNET, f"network-isolated-{number}") for number in (1, 2, 3)],
        "tags": TAGS,
    }
    assert recording.inputs(CLUSTER_INSTANCE, "main-db-1") == {
        "identifierPrefix": "aurora-lambda-dev-main-db-1-",
        "clusterIdentifier": recording.output(CLUSTER, "main-db", "clusterIdentifier"),
        "engine": expected["engine"],
        "engineVersion": expected["version"],
        "applyImmediately": True,
        "instanceClass": "db.serverless",
        "publiclyAccessible": False,
        "autoMinorVersionUpgrade": False,
        "performanceInsightsEnabled": True,
        "performanceInsightsRetentionPeriod": 7,
        "promotionTier": 0,
        "tags": {**TAGS, "Name": "main-db-1"},
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_the_handler_logs_in_with_a_token_as_its_own_role_and_may_do_nothing_else(stack: Stack, engine: str) -> None:
    """The application could read the master secret or log in as the master user."""
    recording = stack(engine=engine)
    resource_id = recording.output(CLUSTER, "main-db", "clusterResourceId")
    assert statements(recording, "handler") == [
        {
            "Effect": "Allow",
            "Action": ["rds-db:connect"],
            "Resource": [f"arn:aws:rds-db:eu-west-1:123456789012:dbuser:{resource_id}/app_runtime"],
        }
    ]
    assert recording.of_type(SECRET) == []
    assert recording.inputs(FUNCTION, "handler")["environment"]["variables"] == {
        "SQL_MAIN_DB_ENGINE": engine,
        "SQL_MAIN_DB_ENDPOINT": recording.output(CLUSTER, "main-db", "endpoint"),
        "SQL_MAIN_DB_IDENTIFIER": recording.output(CLUSTER, "main-db", "clusterIdentifier"),
        "SQL_MAIN_DB_ARN": recording.output(CLUSTER, "main-db", "arn"),
        "SQL_MAIN_DB_SCHEMA": "app",
        "SQL_MAIN_DB_DB_ROLE": "app_runtime",
        "SQL_MAIN_DB_AUTH": "iam",
        "SQL_MAIN_DB_REVISION": "0003",
        "AURORA_LAMBDA_DATABASE_ROUTES": "true",
    }


def test_the_migration_runner_alone_reads_the_master_secret(stack: Stack) -> None:
    """Migrations could not log in, or others could log in as the master user."""
    recording = stack(engine="postgres")
    resource_id = recording.output(CLUSTER, "main-db", "clusterResourceId")
    master = recording.output(CLUSTER, "main-db", "masterUserSecrets")[0]["secretArn"]
    assert statements(recording, "migrations") == [
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [master]},
        {
            "Effect": "Allow",
            "Action": ["rds-db:connect"],
            "Resource": [f"arn:aws:rds-db:eu-west-1:123456789012:dbuser:{resource_id}/dbadmin"],
        },
    ]
    assert recording.inputs(FUNCTION, "migrations")["environment"]["variables"] == {
        "ALLOW_RESET": "false",
        "SQL_MAIN_DB_ENGINE": "postgres",
        "SQL_MAIN_DB_ENDPOINT": recording.output(CLUSTER, "main-db", "endpoint"),
        "SQL_MAIN_DB_IDENTIFIER": recording.output(CLUSTER, "main-db", "clusterIdentifier"),
        "SQL_MAIN_DB_ARN": recording.output(CLUSTER, "main-db", "arn"),
        "SQL_MAIN_DB_SCHEMA": "app",
        "SQL_MAIN_DB_DB_ROLE": "dbadmin",
        "SQL_MAIN_DB_AUTH": "password",
        "SQL_MAIN_DB_SECRET_ARN": master,
        "SQL_MAIN_DB_RUNTIME_DB_ROLE": "app_runtime",
        "SQL_MAIN_DB_RUNTIME_AUTH": "iam",
    }


def test_a_key_may_be_an_output_of_the_same_program() -> None:
    """A program that makes its own key would deploy functions with a permission that AWS refuses."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
    args: AuroraDatabaseArgs = {**BARE, "auth": "password", "kms_key_id": pulumi.Output.from_input(key)}

    def program() -> None:
        database = AuroraDatabase("db", args)
        pulumi.export("statements", database.runtime["policy_statements"])

    assert record(program).outputs["statements"][-1] == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [key],
        "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}},
    }


def test_a_cluster_that_never_pauses_has_no_pause_time_and_as_many_instances_as_asked(stack: Stack) -> None:
    """AWS would refuse the pause time, or a failover have nowhere to go."""
    recording = stack(minCapacity="0.5", maxCapacity="16", instanceCount="3", engineVersion="16.4", engine="postgres")
    cluster = recording.inputs(CLUSTER, "main-db")
    assert cluster["serverlessv2ScalingConfiguration"] == {"minCapacity": 0.5, "maxCapacity": 16}
    assert cluster["engineVersion"] == "16.4"
    tiers = [recording.inputs(CLUSTER_INSTANCE, f"main-db-{number}")["promotionTier"] for number in (1, 2, 3)]
    assert tiers == [0, 1, 1]
    assert recording.of_type(CLUSTER_INSTANCE) == ["main-db-1", "main-db-2", "main-db-3"]


def test_a_cluster_before_version_17_refuses_plain_connections_without_a_restart(stack: Stack) -> None:
    """RDS's own value is another there, and one that waits for a restart would let plain connections in till then."""
    group = stack(engine="postgres", engineVersion="16.4").inputs(PARAMETER_GROUP, "main-db")
    assert group["family"] == "aurora-postgresql16"
    assert {"name": "rds.force_ssl", "value": "1"} in group["parameters"]


def test_deletion_takes_saying_so_twice(stack: Stack) -> None:
    """A `pulumi destroy` of a protected stack would take the functions down before AWS refuses the rest."""
    protected = stack(deletionProtection="true").resource(CLUSTER, "main-db")
    assert (protected.inputs["deletionProtection"], protected.protect) == (True, True)
    open_ = stack(finalSnapshot="false").resource(CLUSTER, "main-db")
    assert (open_.inputs["deletionProtection"], open_.protect) == (False, False)
    assert open_.inputs["skipFinalSnapshot"] is True
    assert "finalSnapshotIdentifier" not in open_.inputs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "oracle"}, "^AuroraDatabase 'db': engine is 'oracle'; must be mysql or postgres$"),
        ({"auth": "kerberos"}, "^AuroraDatabase 'db': auth is 'kerberos'; must be iam or password$"),
        ({"min_capacity": 2.5}, "^AuroraDatabase 'db': min_capacity is 2.5, above max_capacity 2$"),
        (
            {"engine_version": "17.10"},
            "^AuroraDatabase 'db': engine_version is '17.10'; mysql has versions such as 8.0.mysql_aurora.3.12.0$",
        ),
    ],
)
def test_a_wrong_argument_is_refused(change: dict[str, object], message: str) -> None:
    """AWS would refuse it, minutes later and less clearly."""
    with pytest.raises(ValueError, match=message):
        record(lambda: AuroraDatabase("db", {**BARE, **change}))


def test_a_major_upgrade_happens_only_when_a_version_is_given(stack: Stack) -> None:
    """Pulling new code could upgrade a database for good."""
    given = stack(engine="postgres", engineVersion="18.4").inputs(CLUSTER, "main-db")
    assert (given["engineVersion"], given["allowMajorVersionUpgrade"]) == ("18.4", True)
    assert stack(engine="postgres").inputs(CLUSTER, "main-db")["allowMajorVersionUpgrade"] is False


def test_extended_support_is_paid_for_only_on_request(stack: Stack) -> None:
    """An old version would start to cost extra for each capacity unit, by RDS's own default.

    No update changes it: each `up` over a live cluster that was made otherwise would say that it does.
    """
    cluster = stack(extendedSupport="true").resource(CLUSTER, "main-db")
    assert cluster.inputs["engineLifecycleSupport"] == "open-source-rds-extended-support"
    assert "engineLifecycleSupport" in cluster.ignore_changes


def test_a_stack_that_gets_another_name_keeps_its_cluster(stack: Stack) -> None:
    """After `pulumi stack rename` the next `up` would replace the cluster by an empty one, and the instances with it.

    Source: the provider's aws_rds_cluster and aws_rds_cluster_instance, whose prefixes force a new resource.
    """
    assert stack().resource(CLUSTER, "main-db").ignore_changes == ("engineLifecycleSupport", "clusterIdentifierPrefix")
    assert stack().resource(CLUSTER_INSTANCE, "main-db-1").ignore_changes == ("identifierPrefix",)


EXISTING = "shop-prod-main-db-0a1b"


def existing(recording: Recording | None = None, **args: object) -> Recording:
    """Record an `AuroraDatabase` in an existing cluster, and export what it offers."""

    def program() -> None:
        database = AuroraDatabase("main-db", {**BARE, "cluster_identifier": EXISTING, "schema": "links", **args})
        pulumi.export("admin", database.admin)
        pulumi.export("runtime", database.runtime)

    return record(program, recording=recording)


def test_an_existing_cluster_is_reached_and_never_changed() -> None:
    """Two stacks of a team could not share a cluster, or one's destroy would delete the other's data."""
    recording = existing()
    ports = {"ipProtocol": "tcp", "fromPort": 3306, "toPort": 3306}
    hints = {"clusterIdentifier": EXISTING, "engine": "aurora-mysql", "manageMasterUserPassword": True}
    cluster = resource_outputs(CLUSTER, "main-db", hints, REGION)[1]
    (cluster_group,) = cluster["vpcSecurityGroupIds"]
    made = [(entry.type, entry.name) for entry in recording.registrations if entry.type.startswith("aws:")]
    ingress, egress = "main-db-mysql-from-functions", "main-db-mysql-functions-out"
    assert sorted(made) == [(EGRESS_RULE, egress), (INGRESS_RULE, ingress)]
    for type_, name, own, other in (
        (INGRESS_RULE, ingress, cluster_group, "sg-1"),
        (EGRESS_RULE, egress, "sg-1", cluster_group),
    ):
        rule = recording.inputs(type_, name)
        assert (rule["securityGroupId"], rule["referencedSecurityGroupId"]) == (own, other)
        assert {key: rule[key] for key in ports} == ports
    admin, runtime = recording.outputs["admin"], recording.outputs["runtime"]
    assert runtime["environment"]["SQL_MAIN_DB_DB_ROLE"] == "links_runtime"
    assert "SQL_MAIN_DB_OWNER" not in runtime["environment"]
    assert (admin["environment"]["SQL_MAIN_DB_OWNER"], admin["environment"]["SQL_MAIN_DB_SCHEMA"]) == (
        "aurora-lambda/dev",
        "links",
    )
    assert admin["policy_statements"][0] == {
        "Effect": "Allow",
        "Action": ["secretsmanager:GetSecretValue"],
        "Resource": [cluster["masterUserSecrets"][0]["secretArn"]],
    }


def test_a_second_database_in_a_cluster_leaves_the_rules_to_the_first() -> None:
    """EC2 refuses a rule that is there already: the deployment of two applications in one cluster would fail."""

    def program() -> None:
        for name, more in (("main-db", {}), ("audit", {"schema": "audit", "security_group_rules": False})):
            AuroraDatabase(name, {**BARE, "cluster_identifier": EXISTING, **more})

    recording = record(program)
    assert recording.of_type(INGRESS_RULE) == ["main-db-mysql-from-functions"]
    assert recording.of_type(EGRESS_RULE) == ["main-db-mysql-functions-out"]


def test_a_runner_may_use_the_key_of_an_existing_clusters_master_password() -> None:
    """The migration of each stack but the first would be denied the password, minutes into the deployment."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
    secret = {"kmsKeyId": key, "secretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!c-1"}
    recording = existing(recording=Recording(answers={CLUSTER: {"masterUserSecrets": [secret]}}))
    via = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
    use = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [key], "Condition": via}
    assert [use in recording.outputs[access]["policy_statements"] for access in ("admin", "runtime")] == [True, False]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"engine": "aurora-postgresql"}, "is of engine aurora-postgresql; must be aurora-mysql"),
        (
            {"masterUserSecrets": []},
            "has no master password that RDS manages, which the migration runner logs in with. Type: aws rds"
            f" modify-db-cluster --db-cluster-identifier {EXISTING} --manage-master-user-password",
        ),
        (
            {"iamDatabaseAuthenticationEnabled": False},
            f"takes no IAM tokens. Type: aws rds modify-db-cluster --db-cluster-identifier {EXISTING}"
            " --enable-iam-database-authentication; or let the application log in by a password",
        ),
    ],
)
def test_an_existing_cluster_that_is_of_no_use_is_refused(properties: dict[str, object], message: str) -> None:
    """The migration would fail minutes later, with a login that is refused."""

    def program() -> None:
        pulumi.export("admin", AuroraDatabase("main-db", {**BARE, "cluster_identifier": EXISTING}).admin)

    with pytest.raises(pulumi.RunError) as error:
        record(program, recording=Recording(answers={CLUSTER: properties}))
    assert str(error.value) == f"AuroraDatabase 'main-db': the cluster {EXISTING!r} {message}"


def test_a_stack_takes_an_existing_cluster_by_its_identifier(stack: Stack) -> None:
    """A team would pay for a cluster for each of its small services."""
    vpc = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]', "secretsEndpoint": "false"}
    recording = stack(auroraClusterIdentifier=EXISTING, schema="links", **vpc)
    assert recording.of_type(CLUSTER) == recording.of_type(CLUSTER_INSTANCE) == recording.of_type(SUBNET_GROUP) == []
    runner = recording.inputs(FUNCTION, "migrations")["environment"]["variables"]
    assert runner["SQL_MAIN_DB_RUNTIME_DB_ROLE"] == "links_runtime"
    assert (runner["SQL_MAIN_DB_IDENTIFIER"], runner["SQL_MAIN_DB_OWNER"]) == (EXISTING, "aurora-lambda/dev")
    alarms = stack(auroraClusterIdentifier=EXISTING, alarmEmail="team@example.com", **vpc).of_type(ALARM)
    assert [name for name in alarms if "database" in name] == []


def test_what_is_for_a_new_cluster_is_refused_beside_an_existing_one(stack: Stack) -> None:
    """Somebody would believe that the cluster has that capacity, or is protected."""
    with pytest.raises(SettingsError) as error:
        stack(auroraClusterIdentifier=EXISTING, maxCapacity="8", deletionProtection="true")
    names = "is for a new cluster, and auroraClusterIdentifier names an existing one. Type: pulumi config rm"
    assert error.value.mistakes == [
        "auroraClusterIdentifier needs vpcId and subnetIds: those of the cluster's VPC",
        f"maxCapacity {names} maxCapacity",
        f"deletionProtection {names} deletionProtection",
    ]
    with pytest.raises(ValueError, match="^AuroraDatabase 'main-db': instance_count is for a new cluster"):
        existing(instance_count=2)


def test_restoring_into_an_existing_cluster_is_refused(stack: Stack) -> None:
    """Somebody would wait for the data of a snapshot, and get the cluster as it is."""
    names = "is for a new cluster, and auroraClusterIdentifier names an existing one. Type: pulumi config rm"
    given = {
        "backupWindow": "03:00-03:30",
        "maintenanceWindow": "sun:04:00-sun:04:30",
        "snapshotIdentifier": "shop-final",
        "restoreClusterIdentifier": "shop",
        "restoreTime": "2026-11-29T12:00:00Z",
    }
    with pytest.raises(SettingsError) as error:
        stack(auroraClusterIdentifier=EXISTING, vpcId="vpc-0a", subnetIds='["subnet-1", "subnet-2"]', **given)
    assert error.value.mistakes == [f"{key} {names} {key}" for key in given]
