"""The network between functions and databases: isolated subnets, and no way out but one endpoint."""

import ipaddress
from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged
from components.rules import Rules

SUBNET_COUNT = 3
HTTPS = 443


class NetworkArgs(TypedDict):
    """A new VPC by default; an existing one when `vpc_id` and `subnet_ids` are given."""

    cidr_block: NotRequired[str]
    """IPv4 range of the new VPC, a /16 to /24. Default `10.0.0.0/16`."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """An existing VPC to use instead of a new one. Needs `subnet_ids`."""
    subnet_ids: NotRequired[list[pulumi.Input[str]]]
    """Subnets of the existing VPC, in at least two availability zones (Aurora's rule)."""
    secrets_endpoint: NotRequired[bool]
    """Whether to make the Secrets Manager endpoint. Default true. Say false where an existing VPC has a NAT gateway, or
    such an endpoint already: AWS refuses a second one with private DNS."""
    endpoint_zones: NotRequired[int]
    """In how many zones of a new VPC the endpoint gets an address, 1 to 3. Default 1: only migrations need it."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of every resource."""


class Network(pulumi.ComponentResource):
    """A VPC with three isolated subnets, the functions' security group, and an endpoint for Secrets Manager.

    Makes: `aws.ec2.Vpc`, its default security group emptied of rules, a route table with no route out, three subnets
    and their associations (none of these for an existing VPC); a security group for functions with no inbound rule;
    a security group for the endpoint that takes 443 from the functions; the interface endpoint.
    At rest the endpoint costs 7 to 8 USD a month for each zone; all else is free. There is no NAT gateway.

    Raises:
        ValueError: `vpc_id` without `subnet_ids` or the reverse.
    """

    vpc_id: pulumi.Output[str]
    """The VPC."""
    subnet_ids: pulumi.Output[list[str]]
    """The subnets, for functions and databases alike."""
    function_security_group_id: pulumi.Output[str]
    """The functions' group; known once the endpoint and the rules exist, so what uses it can reach them."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aurora-lambda:index:Network", name, {}, opts)
        if ("vpc_id" in args) != ("subnet_ids" in args):
            raise ValueError(f"Network {name!r}: vpc_id and subnet_ids go together; give both or neither")
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        existing = "vpc_id" in args
        # An existing VPC's zones are not known here: the endpoint then gets one address.
        self._zone_count: pulumi.Output[int] = pulumi.Output.from_input(1)
        self.vpc_id, self.subnet_ids = self._existing_vpc() if existing else self._new_vpc()
        functions = self._security_group("functions", "Functions: no inbound traffic.")
        ready: list[pulumi.Output[str]] = []
        if args.get("secrets_endpoint", True):
            ready = self._secrets_endpoint(functions)
        else:
            ready = [self._https_out(functions)]
        self.function_security_group_id = pulumi.Output.all(functions.id, *ready).apply(lambda ids: ids[0])
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "subnetIds": self.subnet_ids,
                "functionSecurityGroupId": self.function_security_group_id,
            }
        )

    def _existing_vpc(self) -> tuple[pulumi.Output[str], pulumi.Output[list[str]]]:
        return pulumi.Output.from_input(self._args["vpc_id"]), pulumi.Output.all(*self._args["subnet_ids"])

    def _new_vpc(self) -> tuple[pulumi.Output[str], pulumi.Output[list[str]]]:
        cidr_block = self._args.get("cidr_block", "10.0.0.0/16")
        vpc = aws.ec2.Vpc(
            self._name,
            cidr_block=cidr_block,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._tags(self._name),
            opts=self._child,
        )
        default_name = f"{self._name}-default"
        aws.ec2.DefaultSecurityGroup(default_name, vpc_id=vpc.id, tags=self._tags(default_name), opts=self._child)
        routes = aws.ec2.RouteTable(
            f"{self._name}-isolated",
            vpc_id=vpc.id,
            routes=[],
            tags=self._tags(f"{self._name}-isolated"),
            opts=self._child,
        )
        zones = aws.get_availability_zones_output(
            state="available",
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            opts=pulumi.InvokeOutputOptions(parent=self),
        ).names
        self._zone_count = zones.apply(len)
        ids = [
            self._subnet(index, str(block), vpc, routes, zones)
            for index, block in enumerate(subnet_blocks(cidr_block, SUBNET_COUNT))
        ]
        return vpc.id, pulumi.Output.all(*ids)

    def _subnet(
        self,
        index: int,
        block: str,
        vpc: aws.ec2.Vpc,
        routes: aws.ec2.RouteTable,
        zones: pulumi.Output[Sequence[str]],
    ) -> pulumi.Output[str]:
        name = f"{self._name}-isolated-{index + 1}"
        subnet = aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            cidr_block=block,
            availability_zone=zones.apply(lambda names: sorted(names)[index % len(names)]),
            map_public_ip_on_launch=False,
            tags=self._tags(name),
            # A zone that AWS opens or closes later moves no subnet.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availabilityZone"]),
        )
        aws.ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=routes.id, opts=self._child)
        return subnet.id

    def _secrets_endpoint(self, functions: aws.ec2.SecurityGroup) -> list[pulumi.Output[str]]:
        endpoint_group = self._security_group("endpoints", "Endpoints: HTTPS from the functions.")
        rules, name = Rules(self, self._args.get("tags")), self._name
        ready = [
            rules.let_in(
                f"{name}-endpoints-from-functions", endpoint_group.id, functions.id, HTTPS, "HTTPS from the functions"
            ),
            rules.let_out(
                f"{name}-functions-to-endpoints", functions.id, endpoint_group.id, HTTPS, "HTTPS to the endpoints"
            ),
        ]
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        wanted = int(self._args.get("endpoint_zones", 1))
        endpoint = aws.ec2.VpcEndpoint(
            f"{self._name}-secretsmanager",
            vpc_id=self.vpc_id,
            service_name=region.apply(lambda region: f"com.amazonaws.{region}.secretsmanager"),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            # AWS refuses two addresses in one zone, and an account may see two zones only.
            subnet_ids=pulumi.Output.all(self.subnet_ids, self._zone_count).apply(
                lambda both: both[0][: min(wanted, both[1])]
            ),
            security_group_ids=[endpoint_group.id],
            tags=self._tags(f"{self._name}-secretsmanager"),
            opts=self._child,
        )
        return [endpoint.id, *ready]

    def _https_out(self, functions: aws.ec2.SecurityGroup) -> pulumi.Output[str]:
        """An existing VPC has its own way to Secrets Manager, an endpoint or a NAT gateway, at an unknown address."""
        return Rules(self, self._args.get("tags")).let_out(
            f"{self._name}-functions-https-out", functions.id, None, HTTPS, "HTTPS by the routes of the VPC"
        )

    def _security_group(self, role: str, description: str) -> aws.ec2.SecurityGroup:
        name = f"{self._name}-{role}"
        return aws.ec2.SecurityGroup(
            name,
            vpc_id=self.vpc_id,
            description=description,
            revoke_rules_on_delete=True,
            tags=self._tags(name),
            opts=self._child,
        )

    def _tags(self, name: str) -> pulumi.Output[dict[str, str]]:
        return tagged(self._args.get("tags"), name)


def subnet_blocks(cidr_block: str, count: int) -> list[ipaddress.IPv4Network]:
    """The first `count` of the equal parts, sixteen of them, of an IPv4 range.

    >>> [str(block) for block in subnet_blocks("10.0.0.0/16", 3)]
    ['10.0.0.0/20', '10.0.16.0/20', '10.0.32.0/20']
    """
    return list(ipaddress.IPv4Network(cidr_block).subnets(prefixlen_diff=4))[:count]
