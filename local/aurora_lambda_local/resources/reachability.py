"""Find functions whose security groups would keep them from their database on AWS."""

from collections.abc import Iterator

from aurora_lambda_local.databases.rds_engines import engine_of_cluster
from aurora_lambda_local.resources.context import Resource, StackContext
from aurora_lambda_local.resources.resource_schemas import Inputs
from aurora_lambda_local.resources.type_tokens import CLUSTER, FUNCTION

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def reachability_errors(context: StackContext) -> list[str]:
    """Return one sentence for each function that could not reach, on AWS, the database in its environment."""
    return [
        error
        for function in context.resources_of_type(FUNCTION)
        for cluster in context.resources_of_type(CLUSTER)
        if _uses(function, cluster)
        for error in _unreachable(context, function, cluster)
    ]


def _uses(function: Resource, cluster: Resource) -> bool:
    variables = (function.inputs.get("environment") or {}).get("variables") or {}
    return bool({cluster.outputs["arn"], cluster.id} & {str(value) for value in variables.values()})


def _unreachable(context: StackContext, function: Resource, cluster: Resource) -> Iterator[str]:
    engine = engine_of_cluster(cluster.inputs.get("engine"))
    port = int(cluster.inputs.get("port") or (engine.default_port if engine else 0))
    sources = set((function.inputs.get("vpcConfig") or {}).get("securityGroupIds") or [])
    targets = set(cluster.outputs.get("vpcSecurityGroupIds") or [])
    names = {group.id: group.name for group in context.resources_of_type("aws:ec2/securityGroup:SecurityGroup")}
    source, target = (", ".join(sorted(names.get(each, each) for each in ids)) for ids in (sources, targets))
    start = f"function {function.name!r} cannot reach database {cluster.name!r} on AWS"
    if not sources:
        yield f"{start}: it is in no VPC; give it vpc_config with the subnets and a security group"
        return
    if not any(_allows(rule.inputs, targets, sources, port) for rule in context.resources_of_type(INGRESS)):
        yield f"{start}: security group {target!r} takes port {port} from none of {source!r}; add an ingress rule"
    if not any(_allows(rule.inputs, sources, targets, port) for rule in context.resources_of_type(EGRESS)):
        yield f"{start}: security group {source!r} lets port {port} out to none of {target!r}; add an egress rule"


def _allows(rule: Inputs, own: set[str], others: set[str], port: int) -> bool:
    if rule.get("securityGroupId") not in own:
        return False
    if rule.get("referencedSecurityGroupId") not in others and not rule.get("cidrIpv4"):
        return False
    protocol = str(rule.get("ipProtocol"))
    return protocol == "-1" or (
        protocol in ("tcp", "6") and int(rule.get("fromPort", -1)) <= port <= int(rule.get("toPort", -1))
    )
