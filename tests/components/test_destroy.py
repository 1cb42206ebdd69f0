"""What a destroy deletes, in which order, and what stays: properties that matter at no other time."""

import pytest

from tests.components.conftest import Stack
from tests.components.engine_destroy import destroy, position
from tests.components.recording import Recording
from tests.components.test_service import shipped
from tests.components.tokens import (
    CLUSTER,
    DSQL_CLUSTER,
    EGRESS_RULE,
    FUNCTION,
    INGRESS_RULE,
    INVOCATION,
    LOG_GROUP,
    REPOSITORY,
    ROLE,
    ROLE_POLICY,
    SECURITY_GROUP,
    SUBNET,
    TABLE,
    VPC,
)

STREAM = '[{"name": "items", "table": "items"}]'
ALONE = '[{"name": "items", "table": "items", "database": false}]'
OWN_STREAM = '[{"name": "items", "table": "items", "deletionProtection": "true"}]'
EXISTING_VPC = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]'}
GUARD = ("aurora-lambda:stacks:Protection", "protection")
ENGINES = [{}, {"engine": "postgres"}, {"engine": "dsql"}, {"engine": "none", "streams": ALONE}]
PROTECTED = [
    *({**engine, "deletionProtection": "true"} for engine in ENGINES),
    {"forceDelete": "false"},
    {"streams": OWN_STREAM},
]


def resources(recording: Recording) -> set[str]:
    """Return the URNs of everything that is not a component."""
    return {entry.urn for entry in recording.registrations if not entry.type.startswith("aurora-lambda:")}


@pytest.mark.parametrize("config", ENGINES)
def test_a_stack_with_nothing_configured_is_destroyed(stack: Stack, config: dict[str, str]) -> None:
    """Trying the project out would end with a refusal, and repositories that cost money."""
    recording = stack(**config)
    deleted, refused = destroy(recording)
    assert refused == []
    assert len(deleted) == len(recording.registrations)
    for name in recording.of_type(REPOSITORY):
        repository = recording.resource(REPOSITORY, name)
        assert (repository.inputs["forceDelete"], repository.protect) == (True, False)


@pytest.mark.parametrize("config", PROTECTED)
def test_a_protected_stack_refuses_its_destroy_before_the_first_deletion(stack: Stack, config: dict[str, str]) -> None:
    """`pulumi destroy --skip-preview` would delete the URL, the functions and the roles of a live service."""
    recording = stack(**config)
    assert destroy(recording) == ([], [recording.resource(*GUARD).urn])


@pytest.mark.parametrize("config", [*ENGINES, *PROTECTED])
def test_everything_waits_for_what_is_deleted_first(stack: Stack, config: dict[str, str]) -> None:
    """A resource that is left out could be deleted although the destroy is refused."""
    recording = stack(**config)
    assert set(recording.resource(*GUARD).dependencies) == resources(recording)


def test_the_production_stack_keeps_its_repositories_database_and_functions() -> None:
    """One command would take a live service down."""
    recording = shipped("prod")
    assert destroy(recording) == ([], [recording.resource(*GUARD).urn])
    for name in ("handler", "migrations"):
        repository = recording.resource(REPOSITORY, name)
        assert (repository.inputs["forceDelete"], repository.protect) == (False, True)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"engine": "postgres"},
        {**EXISTING_VPC, "secretsEndpoint": "false"},
        {**EXISTING_VPC, "engine": "dsql"},
        {"streams": STREAM},
    ],
)
def test_lambda_keeps_the_right_to_delete_its_interfaces_until_the_network_is_gone(
    stack: Stack, config: dict[str, str]
) -> None:
    """Network interfaces would stay for ever, and hold the groups, the subnets and the VPC, an existing one too."""
    recording = stack(**config)
    order = position(recording)
    functions = {name for type_, name in order if type_ == FUNCTION}
    network = {key for key in order if key[0] in (SECURITY_GROUP, SUBNET, VPC) and key[1].startswith("network")}
    assert (SECURITY_GROUP, "network-functions") in network
    for name in functions:
        right = order[ROLE_POLICY, f"{name}-network"]
        assert order[FUNCTION, name] < min(order[key] for key in network)
        assert max(order[key] for key in network) < right < order[ROLE, name]
        # With it, the provider would free the group at once and nothing would wait for the interfaces.
        assert "replaceSecurityGroupsOnDestroy" not in recording.inputs(FUNCTION, name)


def test_the_right_is_the_one_that_attaches_a_function(stack: Stack) -> None:
    """Lambda would lack an action it deletes interfaces with."""
    recording = stack()
    policy = recording.inputs(ROLE_POLICY, "handler-network")
    assert policy["role"] == recording.output(ROLE, "handler", "name")
    assert policy["policy"] == (
        '{"Statement": [{"Action": ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface",'
        ' "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",'
        ' "ec2:UnassignPrivateIpAddresses"], "Effect": "Allow", "Resource": ["*"]}], "Version": "2012-10-17"}'
    )


def test_functions_outside_a_vpc_have_no_such_right(stack: Stack) -> None:
    """A function could delete the network interfaces of others for no reason."""
    assert [name for name in stack(engine="dsql").of_type(ROLE_POLICY) if name.endswith("-network")] == []
    alone = stack(streams=ALONE)
    assert "items-network" not in alone.of_type(ROLE_POLICY)


def test_the_runners_role_of_a_live_stack_stays_the_same(stack: Stack) -> None:
    """A deployment of a new version of this project would replace it, under functions that run."""
    role = stack().resource("aurora-lambda:index:FunctionRole", "migrations")
    assert role.aliases == ("urn:pulumi:dev::aurora-lambda::aurora-lambda:index:Migration::migrations",)


@pytest.mark.parametrize("config", [{}, {**EXISTING_VPC, "engine": "dsql"}])
def test_security_groups_revoke_their_rules_before_they_are_deleted(stack: Stack, config: dict[str, str]) -> None:
    """AWS refuses to delete two groups whose rules name each other, and a destroy would wait for that in vain."""
    recording = stack(**config)
    groups = recording.of_type(SECURITY_GROUP)
    assert {name: recording.inputs(SECURITY_GROUP, name)["revokeRulesOnDelete"] for name in groups} == dict.fromkeys(
        groups, True
    )
    order = position(recording)
    rules = [number for (type_, _), number in order.items() if type_ in (INGRESS_RULE, EGRESS_RULE)]
    assert max(rules) < min(order[SECURITY_GROUP, name] for name in groups)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {"deletionProtection": False, "skipFinalSnapshot": False, "backupRetentionPeriod": 7}),
        (
            {"forceDestroy": "true"},
            {"deletionProtection": False, "skipFinalSnapshot": True, "backupRetentionPeriod": 7},
        ),
        (
            {"finalSnapshot": "false"},
            {"deletionProtection": False, "skipFinalSnapshot": True, "backupRetentionPeriod": 7},
        ),
        (
            {"deletionProtection": "true"},
            {"deletionProtection": True, "skipFinalSnapshot": False, "backupRetentionPeriod": 7},
        ),
    ],
)
def test_aurora_goes_with_a_snapshot_unless_the_configuration_lets_the_data_go(
    stack: Stack, config: dict[str, str], expected: dict[str, object]
) -> None:
    """The data would be gone with the cluster, or a snapshot that nobody wants would stay and cost."""
    recording = stack(**config)
    cluster = recording.resource(CLUSTER, "main-db")
    assert {key: cluster.inputs[key] for key in expected} == expected
    assert ("finalSnapshotIdentifier" in cluster.inputs) is not expected["skipFinalSnapshot"]
    assert (cluster.protect, cluster.retain_on_delete) == (expected["deletionProtection"], False)


@pytest.mark.parametrize(
    ("config", "protected", "stays"),
    [
        ({}, False, True),
        ({"forceDestroy": "true"}, False, False),
        ({"deletionProtection": "true"}, True, False),
        ({"deletionProtection": "true", "forceDestroy": "true"}, True, False),
    ],
)
def test_a_dsql_cluster_stays_unless_the_configuration_lets_the_data_go(
    stack: Stack, config: dict[str, str], protected: bool, stays: bool
) -> None:
    """The data would be gone with the stack: DSQL has no final snapshot."""
    cluster = stack(engine="dsql", **config).resource(DSQL_CLUSTER, "main-db")
    assert (cluster.protect, cluster.retain_on_delete) == (protected, stays)
    assert cluster.inputs["deletionProtectionEnabled"] is protected


def test_logs_go_with_the_stack_and_are_kept_no_longer_than_configured(stack: Stack) -> None:
    """They would cost for ever, or be gone before somebody reads them."""
    recording = stack()
    for name in recording.of_type(LOG_GROUP):
        group = recording.resource(LOG_GROUP, name)
        assert (group.inputs["retentionInDays"], group.protect, group.retain_on_delete) == (30, False, False)


def test_only_an_adopted_cluster_is_dropped_by_the_runner(stack: Stack) -> None:
    """A destroy would drop what others use, or leave the schema of a stack that asked for it to go."""
    shared = {"engine": "dsql", "dsqlClusterIdentifier": "abcdefghijklmnopqrstuvwxyz"}
    assert stack(**shared).of_type(INVOCATION) == ["migrations"]
    assert stack(**shared, forceDestroy="true").of_type(INVOCATION) == ["migrations", "migrations-drop"]
    assert stack(engine="dsql", forceDestroy="true").of_type(INVOCATION) == ["migrations"]


def test_a_streams_table_is_protected_by_the_stack_or_by_itself(stack: Stack) -> None:
    """The table of a protected stack would go with it."""
    for config in ({"streams": STREAM, "deletionProtection": "true"}, {"streams": OWN_STREAM}):
        recording = stack(**config)
        tables = [entry for entry in recording.registrations if entry.type == TABLE]
        assert [(each.protect, each.inputs["deletionProtectionEnabled"]) for each in tables] == [(True, True)]
