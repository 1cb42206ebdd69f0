"""Outputs that AWS adds to each type of resource: its name, id, ARN and others."""

import hashlib
import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aurora_lambda_local.databases.rds_engines import engine_of_cluster

ACCOUNT_ID = "123456789012"

Inputs = Mapping[str, Any]
Outputs = dict[str, Any]


@dataclass(frozen=True)
class ResourceSchema:
    """The name of one type of resource, and the outputs that AWS adds to its inputs.

    Attributes:
        id: The id. Like `arn` and `outputs` it is a format string over `{name}` (the physical name), `{hex}` (17
            digits), `{uuid}`, `{letters}` (26 lower-case letters and digits), `{region}`, `{account}`, `{arn}` and the
            inputs.
        arn: The ARN; empty when the type has none.
        name_key: The input that names the resource; a name is generated where the program gives none.
        generated_name: The generated name, a format string over `{logical_name}`, `{hex}` and `{letters}`.
        replace_on: Inputs whose change replaces the resource.
        outputs: Further outputs, as format strings.
        defaults: Outputs whose value is an input's, where the program gives it.
        compute: Returns outputs that no format string can express, from the inputs and the values above.
    """

    id: str = "{name}"
    arn: str = ""
    name_key: str = ""
    generated_name: str = "{logical_name}-{hex:.7}"
    replace_on: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    compute: Callable[[Inputs, Mapping[str, str]], Outputs] | None = None


def format_template(template: str, values: Mapping[str, str]) -> str:
    """Fill in a format string; names without a value become empty."""
    return string.Formatter().vformat(template, (), _BlankWhenMissing(values))


class _BlankWhenMissing(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def text_digest(*parts: str) -> str:
    """Return a SHA-256 digest of texts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _cluster(inputs: Inputs, values: Mapping[str, str]) -> Outputs:
    domain = f"{values['letters'][:12]}.{values['region']}.rds.amazonaws.com"
    engine = engine_of_cluster(inputs.get("engine"))
    secret = format_template("arn:aws:secretsmanager:{region}:{account}:secret:rds!cluster-{uuid}-{hex:.6}", values)
    managed = {"kmsKeyId": inputs.get("masterUserSecretKmsKeyId", ""), "secretArn": secret, "secretStatus": "active"}
    return {
        "endpoint": f"{values['name']}.cluster-{domain}",
        "readerEndpoint": f"{values['name']}.cluster-ro-{domain}",
        "clusterResourceId": f"cluster-{values['letters'].upper()}",
        "port": inputs.get("port", engine.default_port if engine else 0),
        # An existing cluster, of which a program says no group, has one all the same.
        "vpcSecurityGroupIds": inputs.get("vpcSecurityGroupIds") or [f"sg-{values['hex']}"],
        "engineVersionActual": inputs.get("engineVersion", ""),
        "masterUserSecrets": [managed] if inputs.get("manageMasterUserPassword") else [],
    }


def _table(inputs: Inputs, values: Mapping[str, str]) -> Outputs:
    if not inputs.get("streamEnabled"):
        return {}
    label = "2026-01-01T00:00:00.000"
    return {"streamLabel": label, "streamArn": f"{values['arn']}/stream/{label}"}


def _function(inputs: Inputs, values: Mapping[str, str]) -> Outputs:
    version = "1" if inputs.get("publish") else "$LATEST"
    return {"version": version, "qualifiedArn": f"{values['arn']}:{version}"}


def _docker_image(inputs: Inputs, values: Mapping[str, str]) -> Outputs:
    image = str(inputs.get("imageName", values["name"]))
    repository = image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image
    digest = text_digest(image, json.dumps(inputs.get("build", {}), sort_keys=True))
    return {
        "imageName": image,
        "baseImageName": image,
        "registryServer": repository.partition("/")[0],
        "repoDigest": f"{repository}@sha256:{digest}",
    }


def _ec2(prefix: str, resource: str, **more: Any) -> ResourceSchema:
    arn = f"arn:aws:ec2:{{region}}:{{account}}:{resource}/{prefix}-{{hex}}"
    return ResourceSchema(id=f"{prefix}-{{hex}}", arn=arn, **more)


_RULE = _ec2("sgr", "security-group-rule", outputs={"securityGroupRuleId": "sgr-{hex}"})
_LAMBDA = "arn:aws:lambda:{region}:{account}:function:"
_INVOKE = "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/"
_QUEUE = "https://sqs.{region}.amazonaws.com/{account}/{name}"
_OWNER = {"ownerId": "{account}"}
_BUCKET = ResourceSchema(
    arn="arn:aws:s3:::{name}",
    name_key="bucket",
    outputs={
        "bucketDomainName": "{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": "{name}.s3.{region}.amazonaws.com",
        "region": "{region}",
    },
)

RESOURCE_SCHEMAS: Mapping[str, ResourceSchema] = {
    "aws:cloudwatch/dashboard:Dashboard": ResourceSchema(
        name_key="dashboardName",
        outputs={"dashboardArn": "arn:aws:cloudwatch::{account}:dashboard/{name}"},
    ),
    "aws:cloudwatch/logGroup:LogGroup": ResourceSchema(
        arn="arn:aws:logs:{region}:{account}:log-group:{name}", name_key="name"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ResourceSchema(
        arn="arn:aws:cloudwatch:{region}:{account}:alarm:{name}", name_key="name"
    ),
    "aws:dsql/cluster:Cluster": ResourceSchema(
        arn="arn:aws:dsql:{region}:{account}:cluster/{name}",
        name_key="identifier",
        generated_name="{letters}",
        outputs={"vpcEndpointServiceName": "com.amazonaws.{region}.dsql-{name:.4}"},
    ),
    "aws:dsql/clusterPeering:ClusterPeering": ResourceSchema(id="{identifier}"),
    "aws:dynamodb/table:Table": ResourceSchema(
        arn="arn:aws:dynamodb:{region}:{account}:table/{name}", name_key="name", compute=_table
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("sg", "security-group", outputs=_OWNER),
    "aws:ec2/routeTable:RouteTable": _ec2("rtb", "route-table", outputs=_OWNER),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ResourceSchema(id="rtbassoc-{hex}"),
    "aws:ec2/securityGroup:SecurityGroup": _ec2("sg", "security-group", name_key="name", outputs=_OWNER),
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet", outputs=_OWNER),
    "aws:ec2/vpc:Vpc": _ec2(
        "vpc", "vpc", outputs={**_OWNER, "defaultSecurityGroupId": "sg-{hex}", "mainRouteTableId": "rtb-{hex}"}
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2(
        "vpce", "vpc-endpoint", outputs={**_OWNER, "state": "available", "prefixListId": "pl-{hex}"}
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ResourceSchema(id="{repository}", outputs={"registryId": "{account}"}),
    "aws:ecr/repository:Repository": ResourceSchema(
        arn="arn:aws:ecr:{region}:{account}:repository/{name}",
        name_key="name",
        outputs={
            "registryId": "{account}",
            "repositoryUrl": "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
        },
    ),
    "aws:iam/policy:Policy": ResourceSchema(id="{arn}", arn="arn:aws:iam::{account}:policy/{name}", name_key="name"),
    "aws:iam/role:Role": ResourceSchema(
        arn="arn:aws:iam::{account}:role/{name}", name_key="name", outputs={"uniqueId": "AROA{hex}"}
    ),
    "aws:iam/rolePolicy:RolePolicy": ResourceSchema(id="{role}:{name}", name_key="name"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ResourceSchema(),
    "aws:kms/alias:Alias": ResourceSchema(arn="arn:aws:kms:{region}:{account}:{name}", name_key="name"),
    "aws:kms/key:Key": ResourceSchema(
        id="{uuid}", arn="arn:aws:kms:{region}:{account}:key/{uuid}", outputs={"keyId": "{uuid}"}
    ),
    "aws:lambda/alias:Alias": ResourceSchema(
        id="{arn}",
        arn=_LAMBDA + "{functionName}:{name}",
        name_key="name",
        outputs={"invokeArn": _INVOKE + "{arn}/invocations"},
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": ResourceSchema(
        id="{uuid}",
        arn="arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}",
        outputs={"uuid": "{uuid}", "state": "Enabled"},
    ),
    "aws:lambda/function:Function": ResourceSchema(
        arn=_LAMBDA + "{name}",
        name_key="name",
        outputs={"invokeArn": _INVOKE + "{arn}/invocations"},
        defaults={"memorySize": 128, "timeout": 3},
        compute=_function,
    ),
    "aws:lambda/functionUrl:FunctionUrl": ResourceSchema(
        id="{functionName}",
        outputs={
            "functionArn": _LAMBDA + "{functionName}",
            "functionUrl": "https://{letters}.lambda-url.{region}.on.aws/",
            "urlId": "{letters}",
        },
    ),
    "aws:lambda/invocation:Invocation": ResourceSchema(id="{functionName}_{hex}", defaults={"result": "{}"}),
    "aws:lambda/permission:Permission": ResourceSchema(name_key="statementId"),
    "aws:rds/cluster:Cluster": ResourceSchema(
        arn="arn:aws:rds:{region}:{account}:cluster:{name}",
        name_key="clusterIdentifier",
        replace_on=("engine",),
        # Those of a cluster that is made from another one's data, whose own they are.
        defaults={"masterUsername": "dbadmin", "storageEncrypted": True},
        compute=_cluster,
    ),
    "aws:rds/clusterInstance:ClusterInstance": ResourceSchema(
        arn="arn:aws:rds:{region}:{account}:db:{name}",
        name_key="identifier",
        outputs={"dbiResourceId": "db-{letters}", "endpoint": "{name}.{letters:.12}.{region}.rds.amazonaws.com"},
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": ResourceSchema(
        arn="arn:aws:rds:{region}:{account}:cluster-pg:{name}", name_key="name"
    ),
    "aws:rds/subnetGroup:SubnetGroup": ResourceSchema(
        arn="arn:aws:rds:{region}:{account}:subgrp:{name}", name_key="name"
    ),
    "aws:s3/bucket:Bucket": _BUCKET,
    "aws:s3/bucketV2:BucketV2": _BUCKET,
    "aws:scheduler/schedule:Schedule": ResourceSchema(
        id="default/{name}", arn="arn:aws:scheduler:{region}:{account}:schedule/default/{name}", name_key="name"
    ),
    "aws:secretsmanager/secret:Secret": ResourceSchema(
        id="{arn}", arn="arn:aws:secretsmanager:{region}:{account}:secret:{name}-{hex:.6}", name_key="name"
    ),
    "aws:sns/topic:Topic": ResourceSchema(id="{arn}", arn="arn:aws:sns:{region}:{account}:{name}", name_key="name"),
    "aws:sns/topicSubscription:TopicSubscription": ResourceSchema(
        id="{arn}", arn="{topic}:{uuid}", outputs={"ownerId": "{account}"}
    ),
    "aws:sqs/queue:Queue": ResourceSchema(
        id=_QUEUE,
        arn="arn:aws:sqs:{region}:{account}:{name}",
        name_key="name",
        outputs={"url": _QUEUE},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _RULE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _RULE,
    "docker:index/image:Image": ResourceSchema(compute=_docker_image),
}
