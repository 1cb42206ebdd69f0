"""The network of functions and databases: isolated subnets, from which only one endpoint can be reached."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import FunctionAccess, function_access, policy_of
from aurora_lambda.arguments import Argument, cidr_block, flag, strings, whole_number
from aurora_lambda.component import Component, known_after
from aurora_lambda.naming import Tags
from aurora_lambda.security_groups import ANYWHERE, SecurityGroups
from aurora_lambda.transform import ChildTypes, Transform

SUBNET_COUNT = 3
HTTPS = 443
# Zones without the processors that functions and Aurora run on, by an id that is the same in each account: Lambda and
# endpoints refuse subnets there. Source: https://wolfman.dev/posts/exclude-use1-az3/
OLD_ZONES = ["use1-az3"]
# Services that are reached by routes, at no price.
GATEWAYS = ("s3", "dynamodb")
# Services whose endpoints are for this account's own roles alone; not every service's endpoint takes a policy.
# Source: VPC user guide, "AWS services that integrate with AWS PrivateLink".
FENCED = (*GATEWAYS, "sqs")
SERVICE = r"(?!secretsmanager$)[a-z][a-z0-9.-]*"


class NetworkArgs(TypedDict):
    """A new VPC by default; an existing one when `vpc_id` and `subnet_ids` are given."""

    cidr_block: NotRequired[pulumi.Input[str]]
    """IPv4 range of the new VPC."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """An existing VPC to use instead of a new one. Needs `subnet_ids`."""
    subnet_ids: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Subnets of the existing VPC, in at least two availability zones (Aurora's rule)."""
    secrets_endpoint: NotRequired[bool]
    """Whether to make the Secrets Manager endpoint. Say false where an existing VPC has a NAT gateway, or such an
    endpoint already: AWS refuses a second one with private DNS. Plain, since it decides which resources there are."""
    endpoints: NotRequired[Sequence[str]]
    """AWS services that functions reach too, by their names in PrivateLink: `s3` and `dynamodb` by gateways, which need
    a new VPC and are free, others such as `sqs` by interface endpoints. Plain, since it decides which resources there
    are."""
    endpoint_zones: NotRequired[pulumi.Input[int]]
    """In how many zones of a new VPC the endpoints get an address. One is enough where only migrations need it."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "cidr_block": cidr_block("10.0.0.0/16"),
    "secrets_endpoint": flag(default=True),
    "endpoints": strings(SERVICE, "a list of AWS services such as sqs; secretsmanager has an argument of its own"),
    "endpoint_zones": whole_number(1, SUBNET_COUNT, "zones", 1),
}
OF_NEW_VPCS: ChildTypes = {
    "vpc": aws.ec2.Vpc,
    "defaultSecurityGroup": aws.ec2.DefaultSecurityGroup,
    "routeTable": aws.ec2.RouteTable,
    "subnet": aws.ec2.Subnet,
    "routeTableAssociation": aws.ec2.RouteTableAssociation,
    "gatewayEndpoint": aws.ec2.VpcEndpoint,
}
OF_ALL_VPCS: ChildTypes = {
    "functionSecurityGroup": aws.ec2.SecurityGroup,
    "endpointSecurityGroup": aws.ec2.SecurityGroup,
    "ingressRule": aws.vpc.SecurityGroupIngressRule,
    "egressRule": aws.vpc.SecurityGroupEgressRule,
    "secretsEndpoint": aws.ec2.VpcEndpoint,
    "interfaceEndpoint": aws.ec2.VpcEndpoint,
}
CHILDREN: ChildTypes = {**OF_NEW_VPCS, **OF_ALL_VPCS}


class Network(Component[NetworkArgs]):
    """A VPC with three isolated subnets, the functions' security group, and endpoints for what functions may reach.

    Makes: a VPC (`vpc` in `transform`), its default security group emptied of rules (`defaultSecurityGroup`), a route
    table with no route out (`routeTable`), three subnets (`subnet`: each of them) and their associations
    (`routeTableAssociation`), none of these for an existing VPC; a security group for functions with no inbound rule
    (`functionSecurityGroup`); the interface endpoints of Secrets Manager (`secretsEndpoint`) and of other services
    (`interfaceEndpoint`), a security group for them (`endpointSecurityGroup`), and the rules by which they take 443
    from the functions (`ingressRule`, `egressRule`); gateways (`gatewayEndpoint`). At rest each interface endpoint
    costs 7 to 8 USD a month for each zone; all else is free. There is no NAT gateway.
    """

    vpc_id: pulumi.Output[str]
    """The VPC."""
    subnet_ids: pulumi.Output[Sequence[str]]
    """The subnets, for functions and databases alike."""
    function_security_group_id: pulumi.Output[str]
    """The functions' group; known once the endpoint and the rules exist, so what uses it can reach them."""
    secrets_endpoint_id: pulumi.Output[str]
    """The Secrets Manager endpoint; empty where none is made."""
    access: pulumi.Output[FunctionAccess]
    """What attaches a function to the network that uses no database in it."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the VPC, or take the existing one, and the functions' security group.

        Raises:
            ValueError: an argument not allowed, one of `vpc_id` and `subnet_ids` alone, a gateway in an existing VPC.
            RunError: once the subnets are known, one is named twice.
        """
        existing = args.get("vpc_id") is not None
        children = OF_ALL_VPCS if existing else CHILDREN
        super().__init__(name, args, opts, takes=NetworkArgs, arguments=ARGUMENTS, children=children)
        _check_combinations(name, self._args)
        self._groups = SecurityGroups(self._child, self._tags)

        # An existing VPC's zones are not known here: the endpoint then gets one address.
        self._routes: aws.ec2.RouteTable | None = None
        self._zone_count: pulumi.Output[int] = pulumi.Output.from_input(1)
        self.vpc_id, self.subnet_ids = self._existing_vpc() if existing else self._new_vpc()
        description = "Functions: no inbound traffic."
        functions = self._groups.group("functionSecurityGroup", f"{name}-functions", self.vpc_id, description)
        self.secrets_endpoint_id = pulumi.Output.from_input("")
        ready = [*self._interfaces(functions), *self._gateways(functions)]
        if not self._args["secrets_endpoint"]:
            # The existing VPC's own endpoint or NAT gateway has an address that is not known here.
            out = (f"{name}-functions-https-out", "HTTPS by the routes of the VPC")
            ready.append(self._groups.egress(*out, functions.id, HTTPS, cidr_ipv4=ANYWHERE))
        self.function_security_group_id = known_after(functions.id, *ready)
        self.access = pulumi.Output.all(self.subnet_ids, self.function_security_group_id).apply(
            lambda ids: function_access({}, [], ids[0], [ids[1]])
        )
        self._register_outputs()

    def _existing_vpc(self) -> tuple[pulumi.Output[str], pulumi.Output[Sequence[str]]]:
        subnet_ids = pulumi.Output.all(self._args["subnet_ids"]).apply(lambda known: self._each_once(known[0]))
        return pulumi.Output.from_input(self._args["vpc_id"]), subnet_ids

    def _each_once(self, subnet_ids: Sequence[str]) -> Sequence[str]:
        if twice := [each for number, each in enumerate(subnet_ids) if each in subnet_ids[:number]]:
            raise pulumi.RunError(f"Network {self._name!r}: subnet_ids has {twice[0]!r} twice; name each subnet once")
        return subnet_ids

    def _new_vpc(self) -> tuple[pulumi.Output[str], pulumi.Output[Sequence[str]]]:
        vpc = aws.ec2.Vpc(
            self._name,
            cidr_block=self._args["cidr_block"],
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._tags(self._name),
            opts=self._child("vpc"),
        )
        default_name = f"{self._name}-default"
        aws.ec2.DefaultSecurityGroup(
            default_name, vpc_id=vpc.id, tags=self._tags(default_name), opts=self._child("defaultSecurityGroup")
        )
        routes = aws.ec2.RouteTable(
            f"{self._name}-isolated",
            vpc_id=vpc.id,
            routes=[],
            tags=self._tags(f"{self._name}-isolated"),
            opts=self._child("routeTable"),
        )
        self._routes = routes
        zones = aws.get_availability_zones_output(
            state="available",
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            exclude_zone_ids=OLD_ZONES,
            opts=pulumi.InvokeOutputOptions(parent=self),
        ).names
        self._zone_count = zones.apply(len)
        return vpc.id, pulumi.Output.all(*(self._subnet(index, vpc, routes, zones) for index in range(SUBNET_COUNT)))

    def _subnet(
        self, index: int, vpc: aws.ec2.Vpc, routes: aws.ec2.RouteTable, zones: pulumi.Output[Sequence[str]]
    ) -> pulumi.Output[str]:
        name = f"{self._name}-isolated-{index + 1}"
        subnet = aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            cidr_block=pulumi.Output.from_input(self._args["cidr_block"]).apply(
                lambda block: subnet_blocks(block, SUBNET_COUNT)[index]
            ),
            availability_zone=zones.apply(lambda names: sorted(names)[index % len(names)]),
            map_public_ip_on_launch=False,
            tags=self._tags(name),
            # The list of zones may change later: subnets stay where they are.
            opts=self._child("subnet", ignore_changes=["availabilityZone"]),
        )
        aws.ec2.RouteTableAssociation(
            name, subnet_id=subnet.id, route_table_id=routes.id, opts=self._child("routeTableAssociation")
        )
        return subnet.id

    def _interfaces(self, functions: aws.ec2.SecurityGroup) -> list[pulumi.Output[str]]:
        """Register the interface endpoints, and return outputs that are known once functions reach them."""
        others = [each for each in self._args["endpoints"] if each not in GATEWAYS]
        secrets, name = self._args["secrets_endpoint"], self._name
        if not others and not secrets:
            return []
        description = "Endpoints: HTTPS from the functions."
        group = self._groups.group("endpointSecurityGroup", f"{name}-endpoints", self.vpc_id, description)
        ready = self._groups.connect(
            functions.id,
            group.id,
            HTTPS,
            ingress=(f"{name}-endpoints-from-functions", "HTTPS from the functions"),
            egress=(f"{name}-functions-to-endpoints", "HTTPS to the endpoints"),
        )
        if secrets:
            # What reads secrets through it knows which: it gives the endpoint its policy.
            self.secrets_endpoint_id = self._interface("secretsmanager", "secretsEndpoint", group).id
            ready.append(self.secrets_endpoint_id)
        return [*ready, *(self._interface(each, "interfaceEndpoint", group).id for each in others)]

    def _interface(self, service: str, child: str, group: aws.ec2.SecurityGroup) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{service}",
            vpc_id=self.vpc_id,
            service_name=self._service(service),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            policy=self._policy(service),
            # AWS refuses two addresses in one zone, and an account may see two zones only.
            subnet_ids=pulumi.Output.all(self.subnet_ids, self._args["endpoint_zones"], self._zone_count).apply(
                lambda known: known[0][: min(known[1:])]
            ),
            security_group_ids=[group.id],
            tags=self._tags(f"{self._name}-{service}"),
            opts=self._child(child),
        )

    def _gateways(self, functions: aws.ec2.SecurityGroup) -> list[pulumi.Output[str]]:
        """Register the gateway endpoints, and return outputs that are known once functions reach them."""
        ready = []
        for service in [each for each in self._args["endpoints"] if each in GATEWAYS]:
            name = f"{self._name}-{service}"
            gateway = aws.ec2.VpcEndpoint(
                name,
                vpc_id=self.vpc_id,
                service_name=self._service(service),
                vpc_endpoint_type="Gateway",
                policy=self._policy(service),
                route_table_ids=[self._routes.id] if self._routes else [],
                tags=self._tags(name),
                opts=self._child("gatewayEndpoint"),
            )
            out = (f"{name}-out", "HTTPS to the gateway")
            ready.append(self._groups.egress(*out, functions.id, HTTPS, prefix_list_id=gateway.prefix_list_id))
        return ready

    def _policy(self, service: str) -> pulumi.Output[str] | None:
        if service not in FENCED:
            return None
        account_id = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        return policy_of(policies.reach_anything, account_id)

    def _service(self, service: str) -> pulumi.Output[str]:
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        return region.apply(lambda region: f"com.amazonaws.{region}.{service}")


def _check_combinations(name: str, args: NetworkArgs) -> None:
    if ("vpc_id" in args) != ("subnet_ids" in args):
        raise ValueError(f"Network {name!r}: vpc_id and subnet_ids go together; give both or neither")
    gateways = [each for each in GATEWAYS if "vpc_id" in args and each in args["endpoints"]]
    if gateways:
        raise ValueError(
            f"Network {name!r}: endpoints has {gateways[0]!r}, which takes the route tables of the existing VPC;"
            " give them a gateway endpoint there"
        )


def subnet_blocks(cidr_block: str, count: int) -> list[str]:
    """Return the first `count` of the sixteen equal parts of an IPv4 range.

    >>> subnet_blocks("10.0.0.0/16", 3)
    ['10.0.0.0/20', '10.0.16.0/20', '10.0.32.0/20']
    """
    return [str(block) for block in ipaddress.IPv4Network(cidr_block).subnets(prefixlen_diff=4)][:count]
