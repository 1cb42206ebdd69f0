"""What the network asks AWS for."""

import json
import re

import pulumi
import pytest

from aurora_lambda import Network
from aurora_lambda.network import subnet_blocks
from tests.components.conftest import Stack
from tests.components.recording import record
from tests.components.tokens import (
    DEFAULT_SECURITY_GROUP,
    EGRESS_RULE,
    INGRESS_RULE,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    VPC_ENDPOINT,
)

# Credentials of another account carry nothing out.
OWN_ACCOUNT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["*"],
                "Resource": ["*"],
                "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}},
            }
        ],
    },
    sort_keys=True,
)


def tags(name: str) -> dict[str, str]:
    return {"project": "aurora-lambda", "stack": "dev", "Name": name}


def test_a_new_vpc_has_three_isolated_subnets_in_three_zones(stack: Stack) -> None:
    """A database would be in one zone, or a subnet would lead to the internet."""
    recording = stack()
    vpc = recording.id(VPC, "network")
    assert recording.inputs(VPC, "network") == {
        "cidrBlock": "10.0.0.0/16",
        "enableDnsHostnames": True,
        "enableDnsSupport": True,
        "tags": tags("network"),
    }
    assert [recording.inputs(SUBNET, f"network-isolated-{number}") for number in (1, 2, 3)] == [
        {
            "vpcId": vpc,
            "cidrBlock": block,
            "availabilityZone": f"eu-west-1{zone}",
            "mapPublicIpOnLaunch": False,
            "tags": tags(f"network-isolated-{number}"),
        }
        for number, block, zone in [(1, "10.0.0.0/20", "a"), (2, "10.0.16.0/20", "b"), (3, "10.0.32.0/20", "c")]
    ]
    assert recording.asked["aws:index/getAvailabilityZones:getAvailabilityZones"] == {
        "state": "available",
        "filters": [{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        # A zone without the functions' processors.
        "excludeZoneIds": ["use1-az3"],
    }
    assert recording.inputs(ROUTE_TABLE, "network-isolated") == {
        "vpcId": vpc,
        "routes": [],
        "tags": tags("network-isolated"),
    }
    assert recording.inputs(DEFAULT_SECURITY_GROUP, "network-default") == {
        "vpcId": vpc,
        "tags": tags("network-default"),
    }


@pytest.mark.parametrize(("engine", "port"), [("mysql", 3306), ("postgres", 5432)])
def test_traffic_flows_from_functions_to_the_database_and_the_endpoint_only(
    stack: Stack, engine: str, port: int
) -> None:
    """Something other than the functions could talk to the database, or the functions could talk to anything."""
    recording = stack(engine=engine)
    functions, endpoints, database = (
        recording.id(SECURITY_GROUP, name) for name in ("network-functions", "network-endpoints", "main-db")
    )
    rules = [(entry.type, entry.inputs) for entry in recording.registrations if "securityGroup" in entry.type]
    flows = sorted(
        (type_, inputs["securityGroupId"], inputs["referencedSecurityGroupId"], inputs["fromPort"], inputs["toPort"])
        for type_, inputs in rules
        if type_ in (INGRESS_RULE, EGRESS_RULE)
    )
    assert flows == sorted(
        [
            (INGRESS_RULE, endpoints, functions, 443, 443),
            (EGRESS_RULE, functions, endpoints, 443, 443),
            (INGRESS_RULE, database, functions, port, port),
            (EGRESS_RULE, functions, database, port, port),
        ]
    )
    groups = [inputs for type_, inputs in rules if type_ == SECURITY_GROUP]
    assert all("ingress" not in group and "egress" not in group for group in groups)


def test_the_only_way_out_is_the_secrets_manager_endpoint(stack: Stack) -> None:
    """The migration runner could not read the master secret, or the stack would pay for more than it needs."""
    recording = stack()
    assert recording.of_type(VPC_ENDPOINT) == ["network-secretsmanager"]
    assert recording.inputs(VPC_ENDPOINT, "network-secretsmanager") == {
        "vpcId": recording.id(VPC, "network"),
        "serviceName": "com.amazonaws.eu-west-1.secretsmanager",
        "vpcEndpointType": "Interface",
        "privateDnsEnabled": True,
        "subnetIds": [recording.id(SUBNET, "network-isolated-1")],
        "securityGroupIds": [recording.id(SECURITY_GROUP, "network-endpoints")],
        "tags": tags("network-secretsmanager"),
    }


def test_handlers_that_read_a_password_find_the_endpoint_in_every_zone(stack: Stack) -> None:
    """One zone's failure would stop every handler from logging in."""
    recording = stack(databaseAuth="password")
    assert recording.inputs(VPC_ENDPOINT, "network-secretsmanager")["subnetIds"] == [
        recording.id(SUBNET, f"network-isolated-{number}") for number in (1, 2, 3)
    ]


def test_an_existing_vpc_is_used_as_it_is(stack: Stack) -> None:
    """A team with a VPC of its own would get a second one, or an endpoint that AWS refuses."""
    recording = stack(vpcId="vpc-0a", subnetIds='["subnet-1", "subnet-2"]', secretsEndpoint="false")
    for type_ in (VPC, SUBNET, ROUTE_TABLE, VPC_ENDPOINT, DEFAULT_SECURITY_GROUP):
        assert recording.of_type(type_) == []
    assert recording.inputs(SECURITY_GROUP, "network-functions")["vpcId"] == "vpc-0a"
    assert recording.inputs("aws:rds/subnetGroup:SubnetGroup", "main-db")["subnetIds"] == ["subnet-1", "subnet-2"]
    assert recording.inputs("aws:lambda/function:Function", "handler")["vpcConfig"] == {
        "subnetIds": ["subnet-1", "subnet-2"],
        "securityGroupIds": [recording.id(SECURITY_GROUP, "network-functions")],
    }
    assert recording.inputs(EGRESS_RULE, "network-functions-https-out") == {
        "securityGroupId": recording.id(SECURITY_GROUP, "network-functions"),
        "cidrIpv4": "0.0.0.0/0",
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "description": "HTTPS by the routes of the VPC",
        "tags": tags("network-functions-https-out"),
    }


def test_ec2_takes_every_description(stack: Stack) -> None:
    """The first `pulumi up` would fail: EC2 refuses, among others, an apostrophe."""
    existing = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]', "secretsEndpoint": "false"}
    described = [
        str(entry.inputs["description"])
        for recording in (stack(), stack(**existing))
        for entry in recording.registrations
        if "ecurityGroup" in entry.type and "description" in entry.inputs
    ]
    assert len(described) == 12
    allowed = r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}"
    assert [text for text in described if not re.fullmatch(allowed, text)] == []


def test_the_endpoint_has_no_two_addresses_in_one_zone() -> None:
    """AWS would refuse the endpoint in a region where the account sees two zones."""
    recording = record(lambda: Network("n", {"endpoint_zones": 3}), zones=2)
    assert len(recording.inputs(VPC_ENDPOINT, "n-secretsmanager")["subnetIds"]) == 2


def test_half_of_an_existing_vpc_is_refused() -> None:
    """Subnets of one VPC would be used with another."""
    with pytest.raises(ValueError, match="^Network 'n': vpc_id and subnet_ids go together; give both or neither$"):
        record(lambda: Network("n", {"vpc_id": "vpc-0a"}))


def test_a_subnet_that_is_named_twice_is_refused() -> None:
    """Two names for one subnet would pass for two zones until RDS refuses them."""
    with pytest.raises(pulumi.RunError, match="^Network 'n': subnet_ids has 'subnet-1' twice; name each subnet once$"):
        record(lambda: Network("n", {"vpc_id": "vpc-0a", "subnet_ids": ["subnet-1", "subnet-2", "subnet-1"]}))


def test_subnets_are_equal_sixteenths_of_the_range() -> None:
    """A /24, the smallest range taken, would have no room for three subnets."""
    assert [str(block) for block in subnet_blocks("192.168.7.0/24", 3)] == [
        "192.168.7.0/28",
        "192.168.7.16/28",
        "192.168.7.32/28",
    ]


def test_endpoints_that_may_take_no_policy_get_none() -> None:
    """AWS would refuse the endpoint, and with it the whole network."""
    recording = record(lambda: Network("network", {"endpoints": ["sqs", "textract"]}))
    assert recording.inputs(VPC_ENDPOINT, "network-sqs")["policy"] == OWN_ACCOUNT
    for name in ("network-textract", "network-secretsmanager"):
        assert "policy" not in recording.inputs(VPC_ENDPOINT, name)


def test_functions_reach_the_services_that_they_are_given(stack: Stack) -> None:
    """A function that sends to a queue or reads a bucket would wait until its time is up."""
    recording = stack(endpoints='["sqs", "s3"]')
    vpc, functions, endpoints = (
        recording.id(VPC, "network"),
        recording.id(SECURITY_GROUP, "network-functions"),
        recording.id(SECURITY_GROUP, "network-endpoints"),
    )
    assert recording.inputs(VPC_ENDPOINT, "network-sqs") == {
        "vpcId": vpc,
        "serviceName": "com.amazonaws.eu-west-1.sqs",
        "policy": OWN_ACCOUNT,
        "vpcEndpointType": "Interface",
        "privateDnsEnabled": True,
        "subnetIds": [recording.id(SUBNET, "network-isolated-1")],
        "securityGroupIds": [endpoints],
        "tags": tags("network-sqs"),
    }
    assert recording.inputs(VPC_ENDPOINT, "network-s3") == {
        "vpcId": vpc,
        "serviceName": "com.amazonaws.eu-west-1.s3",
        "policy": OWN_ACCOUNT,
        "vpcEndpointType": "Gateway",
        "routeTableIds": [recording.id(ROUTE_TABLE, "network-isolated")],
        "tags": tags("network-s3"),
    }
    assert recording.inputs(EGRESS_RULE, "network-s3-out") == {
        "securityGroupId": functions,
        "prefixListId": recording.output(VPC_ENDPOINT, "network-s3", "prefixListId"),
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "description": "HTTPS to the gateway",
        "tags": tags("network-s3-out"),
    }
    plain = stack()
    assert recording.inputs(VPC_ENDPOINT, "network-secretsmanager") == plain.inputs(
        VPC_ENDPOINT, "network-secretsmanager"
    )
    added = {entry.urn for entry in recording.registrations} - {entry.urn for entry in plain.registrations}
    assert len(added) == 3


def test_an_existing_vpc_without_the_secrets_endpoint_gets_others() -> None:
    """A VPC whose own endpoint reads secrets could not have one for a queue."""
    existing = {"vpc_id": "vpc-0a", "subnet_ids": ["subnet-1"], "secrets_endpoint": False}
    recording = record(lambda: Network("network", {**existing, "endpoints": ["sqs"]}))
    assert recording.of_type(VPC_ENDPOINT) == ["network-sqs"]
    assert recording.of_type(EGRESS_RULE) == ["network-functions-https-out", "network-functions-to-endpoints"]


def test_a_gateway_in_an_existing_vpc_is_refused() -> None:
    """The endpoint would be made, and no route would lead to it."""
    message = (
        "^Network 'network': endpoints has 's3', which takes the route tables of the existing VPC; give them a gateway"
        " endpoint there$"
    )
    with pytest.raises(ValueError, match=message):
        record(lambda: Network("network", {"vpc_id": "vpc-0a", "subnet_ids": ["subnet-1"], "endpoints": ["s3"]}))
