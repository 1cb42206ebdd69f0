"""What AWS would answer."""

import pytest

from aurora_lambda_local.resources.outputs import lookup_result, resource_outputs
from aurora_lambda_local.resources.resource_schemas import RESOURCE_SCHEMAS

CLUSTER = "aws:rds/cluster:Cluster"
REGION = "eu-west-1"


def test_a_cluster_has_what_rds_adds() -> None:
    """The functions' environment and permissions are made of these."""
    inputs = {"engine": "aurora-mysql", "engineVersion": "8.0", "manageMasterUserPassword": True, "tags": {"a": "b"}}
    identifier, outputs = resource_outputs(CLUSTER, "main-db", inputs, REGION)
    assert identifier == "main-db-71dc25b"
    assert outputs == {
        **inputs,
        "clusterIdentifier": "main-db-71dc25b",
        "arn": "arn:aws:rds:eu-west-1:123456789012:cluster:main-db-71dc25b",
        "tagsAll": {"a": "b"},
        "endpoint": "main-db-71dc25b.cluster-6p9qhbdetfle.eu-west-1.rds.amazonaws.com",
        "readerEndpoint": "main-db-71dc25b.cluster-ro-6p9qhbdetfle.eu-west-1.rds.amazonaws.com",
        "clusterResourceId": "cluster-6P9QHBDETFLEHBLI1ACDD0GI5X",
        "port": 3306,
        "engineVersionActual": "8.0",
        "masterUsername": "dbadmin",
        "storageEncrypted": True,
        "vpcSecurityGroupIds": ["sg-71dc25ba4d6ed66b1"],
        "masterUserSecrets": [
            {
                "kmsKeyId": "",
                "secretArn": (
                    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
                    "rds!cluster-71dc25ba-4d6e-d66b-1695-e4c00d20c91e-71dc25"
                ),
                "secretStatus": "active",
            }
        ],
    }


def test_another_engine_is_another_cluster() -> None:
    """RDS cannot change a cluster's engine: it is replaced, and what its identifier triggers has to run again."""
    identifiers = {
        resource_outputs(CLUSTER, "db", {"engine": each}, REGION)[0] for each in ("aurora-mysql", "aurora-postgresql")
    }
    assert len(identifiers) == 2


@pytest.mark.parametrize("type_token", sorted(RESOURCE_SCHEMAS))
def test_outputs_are_the_same_each_time_and_differ_between_resources(type_token: str) -> None:
    """`up` would find changes where there are none; and two resources would be taken for one."""
    first, again, other = (
        resource_outputs(type_token, name, {"functionName": name}, REGION) for name in ("a", "a", "b")
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("type_token", "inputs", "identifier", "outputs"),
    [
        (
            "aws:iam/role:Role",
            {"name": "r"},
            "r",
            {"name": "r", "arn": "arn:aws:iam::123456789012:role/r"},
        ),
        (
            "aws:lambda/function:Function",
            {"name": "f", "timeout": 9},
            "f",
            {
                "arn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
                "invokeArn": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
                "arn:aws:lambda:eu-west-1:123456789012:function:f/invocations",
                "timeout": 9,
                "memorySize": 128,
                "version": "$LATEST",
            },
        ),
        (
            "aws:ecr/repository:Repository",
            {"name": "e"},
            "e",
            {"repositoryUrl": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/e", "registryId": "123456789012"},
        ),
        (
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": "/aws/lambda/f"},
            "/aws/lambda/f",
            {"arn": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f"},
        ),
        (
            "aws:dynamodb/table:Table",
            {"name": "t", "streamEnabled": True},
            "t",
            {"streamArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"},
        ),
        (
            "aws:sqs/queue:Queue",
            {"name": "q"},
            "https://sqs.eu-west-1.amazonaws.com/123456789012/q",
            {"arn": "arn:aws:sqs:eu-west-1:123456789012:q"},
        ),
        ("aws:iam/rolePolicy:RolePolicy", {"name": "p", "role": "r"}, "r:p", {"name": "p"}),
        ("aws:made/up:Thing", {"name": "x"}, "x", {"arn": "arn:aws:made:eu-west-1:123456789012:x"}),
    ],
)
def test_names_and_arns_have_awss_form(
    type_token: str, inputs: dict[str, object], identifier: str, outputs: dict[str, object]
) -> None:
    """Policies that are made of them would match nothing on AWS."""
    found, computed = resource_outputs(type_token, "logical", inputs, REGION)
    assert found == identifier
    assert {key: computed[key] for key in outputs} == outputs


def test_an_image_is_known_by_a_digest_of_what_it_is_built_from() -> None:
    """A changed build would be taken for the same image."""
    token, name = "docker:index/image:Image", "123.dkr.ecr.eu-west-1.amazonaws.com/app:tag"
    first, second = (
        resource_outputs(token, "app", {"imageName": name, "build": {"target": each}}, REGION)[1] for each in "ab"
    )
    assert first["repoDigest"].startswith("123.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:")
    assert len(first["repoDigest"].partition("sha256:")[2]) == 64
    assert first["repoDigest"] != second["repoDigest"]


def test_look_ups_are_answered() -> None:
    """A program that asks for its zones or account would stop."""
    assert lookup_result("aws:index/getRegion:getRegion", {}, REGION)["region"] == REGION
    assert lookup_result("aws:index/getCallerIdentity:getCallerIdentity", {}, REGION)["accountId"] == "123456789012"
    zones = lookup_result("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"}, REGION)
    assert (zones["names"], zones["state"]) == (["eu-west-1a", "eu-west-1b", "eu-west-1c"], "available")
    # Two subnets of a team's VPC in one zone would be refused.
    asked = {"id": "subnet-0a"}
    assert lookup_result("aws:ec2/getSubnet:getSubnet", asked, REGION) == {**asked, "availabilityZoneId": "subnet-0a"}
    assert lookup_result("aws:made/up:getThing", {"name": "x"}, REGION) == {"name": "x"}
