"""The subnets of a VPC: their address ranges and their zones."""

import ipaddress
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws


def one_in_each_zone(
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]], parent: pulumi.Resource
) -> pulumi.Output[list[str]]:
    """Return the first of the subnets in each availability zone: an interface endpoint takes one address in each.

    Source: AWS PrivateLink guide, "Access an AWS service using an interface VPC endpoint", considerations.
    """
    opts = pulumi.InvokeOutputOptions(parent=parent)

    def choose(ids: list[str]) -> pulumi.Output[list[str]]:
        zones = [aws.ec2.get_subnet_output(id=each, opts=opts).availability_zone_id for each in ids]
        return pulumi.Output.all(*zones).apply(
            lambda zones: [each for number, each in enumerate(ids) if zones[number] not in zones[:number]]
        )

    return pulumi.Output.all(subnet_ids).apply(lambda known: choose(known[0]))


def subnet_blocks(cidr_block: str, count: int) -> list[str]:
    """Return the first `count` of the sixteen equal parts of an IPv4 range.

    >>> subnet_blocks("10.0.0.0/16", 3)
    ['10.0.0.0/20', '10.0.16.0/20', '10.0.32.0/20']
    """
    return [str(block) for block in ipaddress.IPv4Network(cidr_block).subnets(prefixlen_diff=4)][:count]
