"""What AWS would answer: the id and the computed outputs of every kind of resource a stack here is made of.

Pure: the same stack, name and inputs always give the same outputs. Names that Pulumi would make up end in seven
hexadecimal digits of a hash instead of random ones.
"""

import hashlib
import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNT_ID = "123456789012"
ZONES = ("a", "b", "c")

Inputs = Mapping[str, Any]
Outputs = dict[str, Any]


@dataclass(frozen=True)
class ResourceSchema:
    """How one type of resource is named and what AWS adds to its inputs.

    `id`, `arn` and the values of `outputs` are format strings over `{name}` (the physical name), `{hex}` (17 digits),
    `{uuid}`, `{letters}` (26 lower-case letters and digits), `{region}`, `{account}` and the inputs. `name_key` is the
    property that Pulumi names where the program does not; a change of one of the inputs in `identity` makes it another
    resource, of another name; `defaults` are outputs that an input replaces.
    """

    id: str = "{name}"
    arn: str = ""
    name_key: str = ""
    identity: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    more: Callable[[Inputs, Mapping[str, str]], Outputs] | None = None


def resource_outputs(type_token: str, name: str, inputs: Inputs, region: str) -> tuple[str, Outputs]:
    """The id and all outputs (inputs included) of the resource called `name` in the program.

    >>> resource_outputs("aws:iam/role:Role", "handler", {"name": "h"}, "eu-west-1")[1]["arn"]
    'arn:aws:iam::123456789012:role/h'
    """
    kind = RESOURCE_SCHEMAS.get(type_token) or ResourceSchema(name_key="name", arn=_unknown_arn(type_token))
    words = _words(kind, type_token, name, inputs, region)
    outputs: Outputs = {**kind.defaults, **inputs}
    if kind.name_key:
        outputs[kind.name_key] = words["name"]
    if kind.arn:
        outputs["arn"] = _format(kind.arn, words)
    outputs |= {key: _format(template, words) for key, template in kind.outputs.items()}
    if "tags" in inputs:
        outputs["tagsAll"] = inputs["tags"]
    if kind.more:
        outputs |= kind.more(inputs, words)
    return _format(kind.id, words), outputs


def lookup_result(function_token: str, arguments: Inputs, region: str) -> Outputs:
    """What an `aws.get_...` call in the program answers; the arguments alone for a call that is not in the table."""
    answers: Mapping[str, Outputs] = {
        "aws:index/getRegion:getRegion": {"region": region, "name": region, "id": region},
        "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"},
        "aws:index/getCallerIdentity:getCallerIdentity": {
            "accountId": ACCOUNT_ID,
            "arn": f"arn:aws:iam::{ACCOUNT_ID}:root",
            "userId": ACCOUNT_ID,
            "id": ACCOUNT_ID,
        },
        "aws:index/getAvailabilityZones:getAvailabilityZones": {
            "names": [f"{region}{zone}" for zone in ZONES],
            "zoneIds": [f"{region}-az{number}" for number, _ in enumerate(ZONES, 1)],
            "id": region,
        },
        # `AWS:registry-password` in base64: nobody logs in to a registry here.
        "aws:ecr/getAuthorizationToken:getAuthorizationToken": {"authorizationToken": "QVdTOnJlZ2lzdHJ5LXBhc3N3b3Jk"},
    }
    return {**arguments, **answers.get(function_token, {})}


def _words(kind: ResourceSchema, type_token: str, name: str, inputs: Inputs, region: str) -> dict[str, str]:
    digest = _digest(type_token, name, *(str(inputs.get(key)) for key in kind.identity))
    number = int(digest, 16)
    alphabet = string.ascii_lowercase + string.digits
    given = {key: value for key, value in inputs.items() if isinstance(value, str | int | float)}
    return {key: str(value) for key, value in given.items()} | {
        "name": str(inputs.get(kind.name_key) or f"{name}-{digest[:7]}"),
        "hex": digest[:17],
        "uuid": "-".join([digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]]),
        "letters": "".join(alphabet[number // 36**place % 36] for place in range(26)),
        "region": region,
        "account": ACCOUNT_ID,
    }


def _format(template: str, words: Mapping[str, str]) -> str:
    return string.Formatter().vformat(template, (), _Blank(words))


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _unknown_arn(type_token: str) -> str:
    package, _, module = type_token.partition(":")
    return f"arn:aws:{module.partition('/')[0]}:{{region}}:{{account}}:{{name}}" if package == "aws" else ""


def _cluster(inputs: Inputs, words: Mapping[str, str]) -> Outputs:
    domain = f"{words['letters'][:12]}.{words['region']}.rds.amazonaws.com"
    mysql = "mysql" in str(inputs.get("engine"))
    secret = _format("arn:aws:secretsmanager:{region}:{account}:secret:rds!cluster-{uuid}-{hex:.6}", words)
    managed = {"kmsKeyId": inputs.get("masterUserSecretKmsKeyId", ""), "secretArn": secret, "secretStatus": "active"}
    return {
        "endpoint": f"{words['name']}.cluster-{domain}",
        "readerEndpoint": f"{words['name']}.cluster-ro-{domain}",
        "clusterResourceId": f"cluster-{words['letters'].upper()}",
        "port": inputs.get("port", 3306 if mysql else 5432),
        "engineVersionActual": inputs.get("engineVersion", ""),
        "masterUserSecrets": [managed] if inputs.get("manageMasterUserPassword") else [],
    }


def _table(inputs: Inputs, words: Mapping[str, str]) -> Outputs:
    if not inputs.get("streamEnabled"):
        return {}
    label = "2026-01-01T00:00:00.000"
    table = _format("arn:aws:dynamodb:{region}:{account}:table/{name}", words)
    return {"streamLabel": label, "streamArn": f"{table}/stream/{label}"}


def _docker_image(inputs: Inputs, words: Mapping[str, str]) -> Outputs:
    image = str(inputs.get("imageName", words["name"]))
    repository = image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image
    digest = _digest(image, json.dumps(inputs.get("build", {}), sort_keys=True))
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
    "aws:cloudwatch/logGroup:LogGroup": ResourceSchema(
        arn="arn:aws:logs:{region}:{account}:log-group:{name}", name_key="name"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ResourceSchema(
        arn="arn:aws:cloudwatch:{region}:{account}:alarm:{name}", name_key="name"
    ),
    "aws:dsql/cluster:Cluster": ResourceSchema(
        id="{letters}",
        arn="arn:aws:dsql:{region}:{account}:cluster/{letters}",
        outputs={
            "identifier": "{letters}",
            "vpcEndpointServiceName": "com.amazonaws.{region}.dsql-{letters:.4}",
        },
    ),
    "aws:dynamodb/table:Table": ResourceSchema(
        arn="arn:aws:dynamodb:{region}:{account}:table/{name}", name_key="name", more=_table
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("sg", "security-group", outputs=_OWNER),
    "aws:ec2/routeTable:RouteTable": _ec2("rtb", "route-table", outputs=_OWNER),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ResourceSchema(id="rtbassoc-{hex}"),
    "aws:ec2/securityGroup:SecurityGroup": _ec2("sg", "security-group", name_key="name", outputs=_OWNER),
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet", outputs=_OWNER),
    "aws:ec2/vpc:Vpc": _ec2(
        "vpc", "vpc", outputs={**_OWNER, "defaultSecurityGroupId": "sg-{hex}", "mainRouteTableId": "rtb-{hex}"}
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpce", "vpc-endpoint", outputs={**_OWNER, "state": "available"}),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ResourceSchema(id="{repository}", outputs={"registryId": "{account}"}),
    "aws:ecr/repository:Repository": ResourceSchema(
        arn="arn:aws:ecr:{region}:{account}:repository/{name}",
        name_key="name",
        outputs={
            "registryId": "{account}",
            "repositoryUrl": "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
        },
    ),
    "aws:iam/policy:Policy": ResourceSchema(
        id="arn:aws:iam::{account}:policy/{name}", arn="arn:aws:iam::{account}:policy/{name}", name_key="name"
    ),
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
        id=_LAMBDA + "{functionName}:{name}",
        arn=_LAMBDA + "{functionName}:{name}",
        name_key="name",
        outputs={"invokeArn": _INVOKE + _LAMBDA + "{functionName}:{name}/invocations"},
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": ResourceSchema(
        id="{uuid}",
        arn="arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}",
        outputs={"uuid": "{uuid}", "state": "Enabled"},
    ),
    "aws:lambda/function:Function": ResourceSchema(
        arn=_LAMBDA + "{name}",
        name_key="name",
        outputs={
            "invokeArn": _INVOKE + _LAMBDA + "{name}/invocations",
            "qualifiedArn": _LAMBDA + "{name}:$LATEST",
            "version": "$LATEST",
        },
        defaults={"memorySize": 128, "timeout": 3},
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
        identity=("engine",),
        more=_cluster,
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
    "aws:secretsmanager/secret:Secret": ResourceSchema(
        id="arn:aws:secretsmanager:{region}:{account}:secret:{name}-{hex:.6}",
        arn="arn:aws:secretsmanager:{region}:{account}:secret:{name}-{hex:.6}",
        name_key="name",
    ),
    "aws:sns/topic:Topic": ResourceSchema(
        id="arn:aws:sns:{region}:{account}:{name}", arn="arn:aws:sns:{region}:{account}:{name}", name_key="name"
    ),
    "aws:sqs/queue:Queue": ResourceSchema(
        id="https://sqs.{region}.amazonaws.com/{account}/{name}",
        arn="arn:aws:sqs:{region}:{account}:{name}",
        name_key="name",
        outputs={"url": "https://sqs.{region}.amazonaws.com/{account}/{name}"},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _RULE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _RULE,
    "docker:index/image:Image": ResourceSchema(more=_docker_image),
}
