"""What Aurora DSQL asks AWS for: a new, an adopted and a two-Region cluster, and the application's access to it."""

import json
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda import DsqlDatabase
from aurora_lambda.dsql_args import DsqlDatabaseArgs
from tests.components.conftest import Stack
from tests.components.recording import Recording, record, zone_id
from tests.components.tokens import (
    CLUSTER,
    CLUSTER_POLICY,
    DSQL_CLUSTER,
    DSQL_PEERING,
    EGRESS_RULE,
    FUNCTION,
    INGRESS_RULE,
    INVOCATION,
    ROLE,
    ROLE_POLICY,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    VPC_ENDPOINT,
)

BARE: DsqlDatabaseArgs = {"function_role_arns": ["arn:aws:iam::123456789012:role/handler"]}
TAGS = {"project": "aurora-lambda", "stack": "dev", "Name": "main-db"}
EXISTING = "abcdefghijklmnopqrstuvwxyz"
EXISTING_ARN = f"arn:aws:dsql:eu-west-1:123456789012:cluster/{EXISTING}"


def registered(**args: object) -> Recording:
    """Return the recording of the component alone."""
    given = cast(DsqlDatabaseArgs, {**BARE, **args})

    def program() -> None:
        database = DsqlDatabase("main-db", given)
        pulumi.export("endpoint", database.endpoint)
        pulumi.export("runtime", database.runtime)

    return record(program)


def statements(recording: Recording, name: str) -> list[dict[str, Any]]:
    """Return the permissions of a function beyond its logs."""
    return json.loads(recording.inputs(ROLE_POLICY, name)["policy"])["Statement"][1:]


def test_a_new_cluster_needs_nothing_but_itself(stack: Stack) -> None:
    """A network would slow the functions down and cost money for nothing."""
    recording = stack(engine="dsql")
    assert recording.inputs(DSQL_CLUSTER, "main-db") == {
        "deletionProtectionEnabled": False,
        "kmsEncryptionKey": "AWS_OWNED_KMS_KEY",
        "tags": TAGS,
    }
    for type_ in (CLUSTER, VPC, SUBNET, SECURITY_GROUP, VPC_ENDPOINT, DSQL_PEERING):
        assert recording.of_type(type_) == []
    assert recording.inputs(FUNCTION, "handler").get("vpcConfig") is None


def test_each_function_may_connect_to_this_cluster_as_its_own_kind_of_user(stack: Stack) -> None:
    """A handler with DbConnectAdmin could drop every application's tables."""
    recording = stack(engine="dsql")
    arn = recording.output(DSQL_CLUSTER, "main-db", "arn")
    assert statements(recording, "handler") == [{"Effect": "Allow", "Action": ["dsql:DbConnect"], "Resource": [arn]}]
    assert statements(recording, "migrations") == [
        {"Effect": "Allow", "Action": ["dsql:DbConnectAdmin"], "Resource": [arn]}
    ]


def test_the_functions_are_told_where_and_who_they_are(stack: Stack) -> None:
    """These are the names that applications on DSQL read."""
    recording = stack(engine="dsql", schema="myapp")
    identifier = recording.output(DSQL_CLUSTER, "main-db", "identifier")
    shared = {
        "SQL_MAIN_DB_ENGINE": "dsql",
        "SQL_MAIN_DB_ENDPOINT": f"{identifier}.dsql.eu-west-1.on.aws",
        "SQL_MAIN_DB_IDENTIFIER": identifier,
        "SQL_MAIN_DB_SCHEMA": "myapp",
        "SQL_MAIN_DB_AUTH": "iam",
        "SQL_MAIN_DB_ARN": recording.output(DSQL_CLUSTER, "main-db", "arn"),
    }
    handler = recording.inputs(FUNCTION, "handler")["environment"]["variables"]
    own = {"SQL_MAIN_DB_REVISION": "0003", "AURORA_LAMBDA_DATABASE_ROUTES": "true"}
    assert handler == {**shared, "SQL_MAIN_DB_DB_ROLE": "lambda_myapp", **own}
    runner = recording.inputs(FUNCTION, "migrations")["environment"]["variables"]
    assert runner == {
        **shared,
        "SQL_MAIN_DB_DB_ROLE": "admin",
        "SQL_MAIN_DB_RUNTIME_DB_ROLE": "lambda_myapp",
        "SQL_MAIN_DB_RUNTIME_AUTH": "iam",
        "SQL_MAIN_DB_OWNER": "aurora-lambda/dev",
        "SQL_MAIN_DB_RUNTIME_ROLE_ARN": recording.output(ROLE, "handler", "arn"),
        "ALLOW_RESET": "false",
    }


def test_the_outputs_are_those_of_the_other_engines(stack: Stack) -> None:
    """Scripts that read a stack's outputs would need to know its engine."""
    dsql, aurora = stack(engine="dsql").outputs, stack(engine="postgres").outputs
    assert [key for key in aurora if key not in dsql] == []
    assert dsql["engine"] == "dsql"
    assert dsql["databaseEndpoint"].endswith(".dsql.eu-west-1.on.aws")


def test_the_migration_runs_after_the_cluster_and_again_for_another_role(stack: Stack) -> None:
    """A role that was replaced could not log in: DSQL knows roles by their ARN."""
    recording = stack(engine="dsql")
    triggers = recording.inputs(INVOCATION, "migrations")["triggers"]
    assert triggers["role"] == recording.output(ROLE, "handler", "arn")
    assert triggers["cluster"] == recording.output(DSQL_CLUSTER, "main-db", "identifier")


def test_data_stays_unless_its_deletion_is_forced() -> None:
    """DSQL takes no final snapshot: a destroy would be the end of all data."""
    kept, forced = registered(), registered(force_destroy=True)
    assert kept.resource(DSQL_CLUSTER, "main-db").retain_on_delete is True
    assert forced.resource(DSQL_CLUSTER, "main-db").retain_on_delete is False


def test_a_protected_cluster_is_protected_from_pulumi_too() -> None:
    """A destroy would take the functions down before AWS refuses to delete the cluster."""
    cluster = registered(deletion_protection=True).resource(DSQL_CLUSTER, "main-db")
    assert (cluster.protect, cluster.inputs["deletionProtectionEnabled"]) == (True, True)


def test_a_key_of_ones_own_encrypts_the_cluster() -> None:
    """Rules about keys could not be kept."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
    assert registered(kms_key_arn=key).inputs(DSQL_CLUSTER, "main-db")["kmsEncryptionKey"] == key


def test_a_key_that_is_taken_away_leaves_the_cluster() -> None:
    """The cluster would stay under it, and who deletes the key that nothing names any more would lose all data.

    Source: the provider's aws_dsql_cluster, whose key is computed where it is left out: it stays.
    """
    assert registered().inputs(DSQL_CLUSTER, "main-db")["kmsEncryptionKey"] == "AWS_OWNED_KMS_KEY"


def test_a_multi_region_key_encrypts_both_clusters_of_two_regions() -> None:
    """The second cluster would hold the same data under a key of AWS's own."""
    regions = {"peer_region": "eu-west-2", "witness_region": "eu-west-3"}
    recording = registered(kms_key_arn="arn:aws:kms:eu-west-1:123456789012:key/mrk-0a1b", **regions)
    keys = [recording.inputs(DSQL_CLUSTER, name)["kmsEncryptionKey"] for name in ("main-db", "main-db-peer")]
    assert keys == [f"arn:aws:kms:{region}:123456789012:key/mrk-0a1b" for region in ("eu-west-1", "eu-west-2")]
    assert registered(**regions).inputs(DSQL_CLUSTER, "main-db-peer")["kmsEncryptionKey"] == "AWS_OWNED_KMS_KEY"


def test_an_existing_cluster_is_used_and_never_changed() -> None:
    """Two applications could not share a cluster, or one's destroy would delete the other's data."""
    recording = registered(cluster_identifier=EXISTING, schema="second")
    assert [entry.type for entry in recording.registrations] == ["aurora-lambda:index:DsqlDatabase"]
    assert recording.outputs["endpoint"] == f"{EXISTING}.dsql.eu-west-1.on.aws"
    runtime = recording.outputs["runtime"]
    assert runtime["policy_statements"] == [
        {"Effect": "Allow", "Action": ["dsql:DbConnect"], "Resource": [EXISTING_ARN]}
    ]
    assert runtime["environment"]["SQL_MAIN_DB_DB_ROLE"] == "lambda_second"


def test_a_second_database_of_a_vpc_leaves_the_rules_to_the_first() -> None:
    """EC2 refuses a rule that is there already: the deployment of two applications in one cluster would fail."""
    vpc = {"vpc_id": "vpc-0a", "subnet_ids": ["subnet-1"], "function_security_group_id": "sg-1", "vpc_endpoint": False}

    def program() -> None:
        for name, more in (("main-db", {}), ("audit", {"schema": "audit", "security_group_rules": False})):
            given = {**BARE, **vpc, "cluster_identifier": EXISTING, **more}
            DsqlDatabase(name, cast(DsqlDatabaseArgs, given))

    recording = record(program)
    assert recording.of_type(EGRESS_RULE) == ["main-db-functions-out"]
    assert recording.of_type(INGRESS_RULE) == []


def test_a_cluster_in_two_regions_is_two_that_name_each_other() -> None:
    """A peering in one direction stays PENDING_SETUP, and takes no connection."""
    recording = registered(peer_region="eu-west-2", witness_region="eu-west-3")
    both = {
        "deletionProtectionEnabled": False,
        "kmsEncryptionKey": "AWS_OWNED_KMS_KEY",
        "multiRegionProperties": {"witnessRegion": "eu-west-3"},
    }
    assert recording.inputs(DSQL_CLUSTER, "main-db") == {**both, "tags": {"Name": "main-db"}}
    assert recording.inputs(DSQL_CLUSTER, "main-db-peer") == {
        **both,
        "region": "eu-west-2",
        "tags": {"Name": "main-db-peer"},
    }
    own_arn, peer_arn = (recording.output(DSQL_CLUSTER, name, "arn") for name in ("main-db", "main-db-peer"))
    assert recording.inputs(DSQL_PEERING, "main-db") == {
        "identifier": recording.output(DSQL_CLUSTER, "main-db", "identifier"),
        "clusters": [peer_arn],
        "witnessRegion": "eu-west-3",
    }
    assert recording.inputs(DSQL_PEERING, "main-db-peer") == {
        "region": "eu-west-2",
        "identifier": recording.output(DSQL_CLUSTER, "main-db-peer", "identifier"),
        "clusters": [own_arn],
        "witnessRegion": "eu-west-3",
    }
    assert peer_arn.split(":")[3] == "eu-west-2"


def test_both_regions_are_reached_by_the_provider_that_the_program_gives() -> None:
    """The second Region would be reached by other credentials than the program's, in another account or not at all."""

    def program() -> None:
        mine = aws.Provider("mine", region="eu-west-1", profile="shop")
        args: DsqlDatabaseArgs = {**BARE, "peer_region": "eu-west-2", "witness_region": "eu-west-3"}
        DsqlDatabase("main-db", args, pulumi.ResourceOptions(providers=[mine]))

    recording = record(program)
    made = [each for each in recording.registrations if each.type in (DSQL_CLUSTER, DSQL_PEERING)]
    assert [each.provider.rpartition("::")[0].rpartition("::")[2] for each in made] == ["mine"] * 4
    assert sorted(each.inputs.get("region", "") for each in made) == ["", "", "eu-west-2", "eu-west-2"]


def test_a_replaced_cluster_is_peered_anew() -> None:
    """The provider fails where it is asked to change a peering, and the new cluster would stay PENDING_SETUP."""
    recording = registered(peer_region="eu-west-2", witness_region="eu-west-3")
    for name in ("main-db", "main-db-peer"):
        assert recording.resource(DSQL_PEERING, name).replace_on_changes == ("*",)


def test_an_existing_vpc_gets_the_clusters_own_endpoint(stack: Stack) -> None:
    """Functions in a VPC without a way out could not reach the cluster."""
    recording = stack(engine="dsql", vpcId="vpc-0a", subnetIds='["subnet-1", "subnet-2"]')
    functions, group = (recording.id(SECURITY_GROUP, name) for name in ("network-functions", "main-db-endpoint"))
    assert recording.of_type(VPC_ENDPOINT) == ["main-db"]
    endpoint = recording.inputs(VPC_ENDPOINT, "main-db")
    assert endpoint == {
        "vpcId": "vpc-0a",
        "serviceName": recording.output(DSQL_CLUSTER, "main-db", "vpcEndpointServiceName"),
        "vpcEndpointType": "Interface",
        "privateDnsEnabled": True,
        "subnetIds": ["subnet-1", "subnet-2"],
        "securityGroupIds": [group],
        "tags": TAGS,
    }
    ingress = recording.inputs(INGRESS_RULE, "main-db-from-functions")
    assert (ingress["securityGroupId"], ingress["referencedSecurityGroupId"]) == (group, functions)
    assert (ingress["fromPort"], ingress["toPort"]) == (5432, 5432)
    assert recording.inputs(EGRESS_RULE, "main-db-functions-out")["referencedSecurityGroupId"] == group
    # The name that the endpoint's private DNS answers to; the public one leads out of the VPC.
    service = recording.output(DSQL_CLUSTER, "main-db", "vpcEndpointServiceName").rpartition(".")[2]
    host = f"{recording.output(DSQL_CLUSTER, 'main-db', 'identifier')}.{service}.eu-west-1.on.aws"
    assert recording.outputs["databaseEndpoint"] == host
    for name in ("handler", "migrations"):
        assert recording.inputs(FUNCTION, name)["environment"]["variables"]["SQL_MAIN_DB_ENDPOINT"] == host
    assert recording.inputs(FUNCTION, "handler")["vpcConfig"] == {
        "securityGroupIds": [functions],
        "subnetIds": ["subnet-1", "subnet-2"],
    }


def test_a_cluster_of_a_vpc_takes_logins_from_there_alone(stack: Stack) -> None:
    """Whoever gets hold of a role's credentials could read the database from anywhere on the internet."""
    vpc = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]'}
    recording = stack(engine="dsql", **vpc)
    policy = recording.inputs(CLUSTER_POLICY, "main-db")
    assert policy["identifier"] == recording.output(DSQL_CLUSTER, "main-db", "identifier")
    assert json.loads(policy["policy"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": ["dsql:DbConnect", "dsql:DbConnectAdmin"],
                "Resource": [recording.output(DSQL_CLUSTER, "main-db", "arn")],
                "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-0a"}},
            }
        ],
    }


def test_logins_from_elsewhere_end_when_the_vpc_has_its_way_to_the_cluster(stack: Stack) -> None:
    """A live service that moves into a VPC could not log in for the minutes that the endpoint takes."""
    vpc = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]'}
    recording = stack(engine="dsql", **vpc)
    needed = {urn.rpartition("::")[2] for urn in recording.resource(CLUSTER_POLICY, "main-db").dependencies}
    assert needed == {"main-db", "main-db-from-functions", "main-db-functions-out"}
    types = {
        urn.split("::")[2].rpartition("$")[2] for urn in recording.resource(CLUSTER_POLICY, "main-db").dependencies
    }
    assert VPC_ENDPOINT in types


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]', "dsqlVpcOnly": "false"},
        {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]', "dsqlClusterIdentifier": EXISTING},
    ],
)
def test_a_cluster_that_others_reach_from_elsewhere_has_no_such_policy(stack: Stack, config: dict[str, str]) -> None:
    """Applications that share the cluster, or functions without a VPC, could no longer log in."""
    assert stack(engine="dsql", **config).of_type(CLUSTER_POLICY) == []


def test_a_vpc_with_the_clusters_endpoint_gets_no_second_one(stack: Stack) -> None:
    """AWS refuses two with private DNS in a VPC: applications that share a cluster could not share the VPC."""
    vpc = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]', "dsqlEndpoint": "false"}
    recording = stack(engine="dsql", dsqlClusterIdentifier=EXISTING, **vpc)
    assert recording.of_type(VPC_ENDPOINT) == []
    assert recording.of_type(INGRESS_RULE) == []
    assert recording.inputs(EGRESS_RULE, "main-db-functions-out") == {
        "securityGroupId": recording.id(SECURITY_GROUP, "network-functions"),
        "cidrIpv4": "0.0.0.0/0",
        "ipProtocol": "tcp",
        "fromPort": 5432,
        "toPort": 5432,
        "description": "dsql to the endpoint of the VPC",
        "tags": {**TAGS, "Name": "main-db-functions-out"},
    }
    assert recording.outputs["databaseEndpoint"].startswith(f"{EXISTING}.dsql-")


@pytest.mark.parametrize("source", ["the service", "a program of its own"])
def test_the_endpoint_has_one_subnet_of_each_zone_and_the_functions_have_all(stack: Stack, source: str) -> None:
    """AWS refuses an endpoint with two addresses in one zone, after the cluster and the images are there."""
    ids = ["subnet-1", "subnet-4", "subnet-2", "subnet-5"]
    assert [zone_id(each) for each in ids] == ["az-1", "az-1", "az-2", "az-2"]
    if source == "the service":
        recording = stack(engine="dsql", vpcId="vpc-0a", subnetIds=json.dumps(ids))
        assert recording.inputs(FUNCTION, "handler")["vpcConfig"]["subnetIds"] == ids
    else:
        recording = registered(vpc_id="vpc-0a", subnet_ids=ids, function_security_group_id="sg-0a")
        assert recording.outputs["runtime"]["subnet_ids"] == ids
    assert recording.inputs(VPC_ENDPOINT, "main-db")["subnetIds"] == ["subnet-1", "subnet-2"]


def test_an_applications_part_of_a_shared_cluster_goes_only_when_forced(stack: Stack) -> None:
    """Without it nothing of the data goes; with it the rest of the cluster stays."""
    kept = stack(engine="dsql", dsqlClusterIdentifier=EXISTING)
    assert kept.of_type(INVOCATION) == ["migrations"]
    assert "DROP_ON_DESTROY" not in kept.inputs(FUNCTION, "migrations")["environment"]["variables"]
    forced = stack(engine="dsql", dsqlClusterIdentifier=EXISTING, forceDestroy="true")
    assert forced.inputs(INVOCATION, "migrations-drop") == {
        "functionName": forced.output(FUNCTION, "migrations", "name"),
        "input": '{"command": "status"}',
        "lifecycleScope": "CRUD",
    }
    assert forced.inputs(FUNCTION, "migrations")["environment"]["variables"]["DROP_ON_DESTROY"] == "true"
    deployment = forced.resource(INVOCATION, "migrations").urn
    assert deployment in forced.resource(INVOCATION, "migrations-drop").dependencies


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"peer_region": "eu-west-2"},
            "DsqlDatabase 'main-db': peer_region needs witness_region too",
        ),
        (
            {"peer_region": "eu-west-2", "witness_region": "eu-west-2"},
            "DsqlDatabase 'main-db': witness_region is 'eu-west-2', as peer_region is: a cluster in two Regions needs"
            " three different ones",
        ),
        (
            {"peer_region": "eu-west-2", "witness_region": "us-east-1"},
            "DsqlDatabase 'main-db': witness_region is 'us-east-1', on another continent than 'eu-west-2': DSQL joins"
            " Regions of one alone",
        ),
        (
            {
                "peer_region": "eu-west-2",
                "witness_region": "eu-west-3",
                "kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/0a1b",
            },
            "DsqlDatabase 'main-db': kms_key_arn is 'arn:aws:kms:eu-west-1:123456789012:key/0a1b'; with peer_region it"
            " must be a multi-Region key, whose id begins with mrk-",
        ),
        (
            {"vpc_id": "vpc-0a"},
            "DsqlDatabase 'main-db': vpc_id needs subnet_ids and function_security_group_id too",
        ),
        (
            {"cluster_identifier": EXISTING, "force_destroy": True},
            "DsqlDatabase 'main-db': force_destroy is for a new cluster, and cluster_identifier names an existing one;"
            " give one of the two",
        ),
        (
            {"cluster_identifier": "main"},
            "DsqlDatabase 'main-db': cluster_identifier is 'main'; must be a cluster's identifier of 26 letters and"
            " digits",
        ),
        (
            {"schema": "pg_own"},
            "DsqlDatabase 'main-db': schema is 'pg_own'; must be the name of a schema, at most 56 characters",
        ),
    ],
)
def test_wrong_arguments_are_refused_in_words(args: dict[str, object], message: str) -> None:
    """AWS would refuse them too, minutes later and in its own terms."""
    with pytest.raises(ValueError, match="main-db") as refused:
        registered(**args)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("peer", "witness", "message"),
    [
        (
            "eu-west-1",
            "eu-west-2",
            "DsqlDatabase 'main-db': peer_region is 'eu-west-1', as the cluster's Region is: a cluster in two Regions"
            " needs three different ones",
        ),
        (
            "us-east-1",
            "us-east-2",
            "DsqlDatabase 'main-db': peer_region is 'us-east-1', on another continent than 'eu-west-1': DSQL joins"
            " Regions of one alone; witness_region is 'us-east-2', on another continent than 'eu-west-1': DSQL joins"
            " Regions of one alone",
        ),
    ],
)
def test_regions_that_do_not_fit_the_providers_are_refused_before_the_first_cluster(
    peer: str, witness: str, message: str
) -> None:
    """A cluster would be left over that no other joins, and that the next deployment replaces."""
    recording = Recording()
    args: DsqlDatabaseArgs = {**BARE, "peer_region": peer, "witness_region": witness}
    with pytest.raises(pulumi.RunError) as refused:
        record(lambda: DsqlDatabase("main-db", args), recording=recording)
    assert str(refused.value) == message
    assert recording.of_type(DSQL_CLUSTER) == []


def test_a_schema_may_belong_to_every_stack_of_the_project(stack: Stack) -> None:
    """One application in several Regions would take its own schema from itself."""
    variables = stack(engine="dsql", schemaOwner="project").inputs(FUNCTION, "migrations")["environment"]["variables"]
    assert variables["SQL_MAIN_DB_OWNER"] == "aurora-lambda/*"
    assert "SQL_MAIN_DB_OWNER" not in stack(engine="dsql").inputs(FUNCTION, "handler")["environment"]["variables"]
