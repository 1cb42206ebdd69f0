"""The subnets of an existing VPC that a stack is given: what AWS would refuse of them, once all else is made."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from aurora_lambda.service.database_settings import AURORA
from aurora_lambda.service.keys import SettingsError
from aurora_lambda.service.settings import Settings

# Of each subnet Lambda takes one address for all functions with the same security groups, and an endpoint another one.
# Source: AWS Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
FUNCTIONS, ENDPOINTS = 1, 1


@dataclass(frozen=True)
class GivenSubnet:
    """A subnet as EC2 describes it; what is not known, as on a machine without AWS, is None."""

    vpc_id: str | None
    zone: str | None
    addresses_left: int | None


def checked_subnets(settings: Settings) -> pulumi.Output[Sequence[str]]:
    """Return the subnets of the configuration, once EC2 has described them; warn where addresses run short.

    It raises `SettingsError` where they do not fit the stack.
    """
    ids = settings.subnet_ids
    described = [aws.ec2.get_subnet_output(id=each) for each in ids]

    def check(found: Sequence[aws.ec2.GetSubnetResult]) -> Sequence[str]:
        subnets = [GivenSubnet(each.vpc_id, each.availability_zone, each.available_ip_address_count) for each in found]
        if mistakes := subnet_mistakes(settings, subnets):
            raise SettingsError(pulumi.get_stack(), mistakes)
        for warning in address_warnings(settings, subnets):
            pulumi.log.warn(warning)
        return ids

    return pulumi.Output.all(*described).apply(check)


def subnet_mistakes(settings: Settings, subnets: Sequence[GivenSubnet]) -> list[str]:
    """Return what is wrong with the subnets of the configuration, `subnets` being what EC2 says of them."""
    mistakes = [
        f"subnetIds[{index}] is {settings.subnet_ids[index]!r}, a subnet of {subnet.vpc_id!r}; must be one of vpcId,"
        f" {settings.vpc_id!r}"
        for index, subnet in enumerate(subnets)
        if subnet.vpc_id not in (None, settings.vpc_id)
    ]
    zones = {subnet.zone for subnet in subnets}
    if settings.engine in AURORA and len(zones) == 1 and (zone := zones.pop()):
        mistakes.append(f"subnetIds are all in {zone}; Aurora needs subnets in at least two availability zones")
    return mistakes


def address_warnings(settings: Settings, subnets: Sequence[GivenSubnet]) -> list[str]:
    """Return which subnets have fewer addresses left than the stack may take of each.

    A live stack has its own already.
    """
    instances = settings.instance_count if settings.engine in AURORA else 0
    needed = FUNCTIONS + ENDPOINTS + instances
    return [
        f"subnetIds[{index}]: {settings.subnet_ids[index]} has {subnet.addresses_left} addresses left, and functions,"
        f" endpoints and the database's instances may take {needed}: give a larger subnet where this stack is new"
        for index, subnet in enumerate(subnets)
        if subnet.addresses_left is not None and subnet.addresses_left < needed
    ]
