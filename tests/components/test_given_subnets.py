"""What is said of the subnets of an existing VPC before anything is made in them."""

import pulumi
import pytest

from aurora_lambda.service import Service
from aurora_lambda.service.given_subnets import GivenSubnet, address_warnings, subnet_mistakes
from aurora_lambda.service.settings import Settings
from tests.components.recording import Recording, record
from tests.components.tokens import CLUSTER

GET_SUBNET = "aws:ec2/getSubnet:getSubnet"
GIVEN = Settings(vpc_id="vpc-0a", subnet_ids=("subnet-1", "subnet-2"), instance_count=2)
A, B = GivenSubnet("vpc-0a", "eu-west-1a", 200), GivenSubnet("vpc-0a", "eu-west-1b", 200)


@pytest.mark.parametrize(
    ("engine", "subnets", "mistakes"),
    [
        ("mysql", [A, B], []),
        ("mysql", [GivenSubnet(None, None, None)] * 2, []),
        ("mysql", [A, A], ["subnetIds are all in eu-west-1a; Aurora needs subnets in at least two availability zones"]),
        ("dsql", [A, A], []),
        (
            "postgres",
            [A, GivenSubnet("vpc-0b", "eu-west-1a", 9)],
            [
                "subnetIds[1] is 'subnet-2', a subnet of 'vpc-0b'; must be one of vpcId, 'vpc-0a'",
                "subnetIds are all in eu-west-1a; Aurora needs subnets in at least two availability zones",
            ],
        ),
    ],
)
def test_subnets_that_do_not_fit_are_mistakes(engine: str, subnets: list[GivenSubnet], mistakes: list[str]) -> None:
    """AWS would refuse the cluster or the functions, after the images and half of the network are made."""
    settings = Settings(engine=engine, vpc_id=GIVEN.vpc_id, subnet_ids=GIVEN.subnet_ids)
    assert subnet_mistakes(settings, subnets) == mistakes


def test_a_subnet_that_is_nearly_full_is_told() -> None:
    """Functions would wait for an address that does not come free, at the next deployment or the next failover."""
    assert address_warnings(GIVEN, [A, GivenSubnet("vpc-0a", "eu-west-1b", 3)]) == [
        "subnetIds[1]: subnet-2 has 3 addresses left, and functions, endpoints and the database's instances may take 4:"
        " give a larger subnet where this stack is new"
    ]
    assert address_warnings(GIVEN, [GivenSubnet(None, None, None), GivenSubnet("vpc-0a", "eu-west-1b", 4)]) == []


def test_what_ec2_does_not_say_is_no_mistake() -> None:
    """A test of one's own program, by Pulumi's mocks that answer nothing, would fail."""
    nothing = {"vpcId": None, "availabilityZone": None, "availableIpAddressCount": None}
    config = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]'}
    recording = record(Service, config, lookups={GET_SUBNET: nothing})
    assert recording.inputs("aws:rds/subnetGroup:SubnetGroup", "main-db")["subnetIds"] == ["subnet-1", "subnet-2"]


def test_nothing_is_made_in_subnets_of_another_vpc() -> None:
    """A preview would promise what the deployment cannot do."""
    recording = Recording(
        lookups={GET_SUBNET: {"vpcId": "vpc-0b", "availabilityZone": "eu-west-1a", "availableIpAddressCount": 9}}
    )
    config = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]'}
    with pytest.raises(pulumi.RunError, match="subnetIds are all in eu-west-1a") as error:
        record(Service, config, preview=True, recording=recording)
    assert [line.split()[0] for line in str(error.value).splitlines()[1:]] == [
        "subnetIds[0]",
        "subnetIds[1]",
        "subnetIds",
    ]
    assert CLUSTER not in {entry.type for entry in recording.registrations}
