"""How a function's environment, permissions and network come together from several sources."""

import json
from typing import Any

import pulumi

from aurora_lambda import ImageFunction
from aurora_lambda.function import ImageFunctionArgs
from tests.components.recording import Recording, record
from tests.components.tokens import FUNCTION, ROLE_POLICY

READ_ONE = {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": ["arn:aws:dynamodb:eu-west-1:1:table/one"]}
READ_TWO = {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": ["arn:aws:dynamodb:eu-west-1:1:table/two"]}


def function(**args: Any) -> Recording:
    """Record an `ImageFunction` with these arguments beside the required ones."""
    required: ImageFunctionArgs = {"image_uri": "repo@sha256:0", "role_name": "r", "role_arn": "arn:aws:iam::1:role/r"}
    return record(lambda: ImageFunction("f", {**required, **args}))


def statements(recording: Recording) -> list[dict[str, Any]]:
    return json.loads(recording.inputs(ROLE_POLICY, "f")["policy"])["Statement"]


def test_a_function_has_the_environment_and_the_permissions_of_all_its_sources() -> None:
    """Else a function with a database and a stream could use only one of them."""
    recording = function(
        environment=[{"A": "1", "B": "1"}, pulumi.Output.from_input({"B": "2"}), {"C": pulumi.Output.from_input("3")}],
        policy_statements=[[READ_ONE], pulumi.Output.from_input([READ_ONE, READ_TWO])],
    )
    assert recording.inputs(FUNCTION, "f")["environment"] == {"variables": {"A": "1", "B": "2", "C": "3"}}
    assert statements(recording)[1:] == [READ_ONE, READ_TWO]
    assert "vpcConfig" not in recording.inputs(FUNCTION, "f")


def test_a_function_is_attached_to_each_subnet_and_group_of_its_sources_once() -> None:
    """Else AWS would refuse a subnet that two sources name."""
    recording = function(
        subnet_ids=[["subnet-1", pulumi.Output.from_input("subnet-2")], ["subnet-2", "subnet-3"]],
        security_group_ids=[["sg-1"], pulumi.Output.from_input(["sg-1", "sg-2"])],
    )
    assert recording.inputs(FUNCTION, "f")["vpcConfig"] == {
        "subnetIds": ["subnet-1", "subnet-2", "subnet-3"],
        "securityGroupIds": ["sg-1", "sg-2"],
    }
    assert recording.of_type(ROLE_POLICY) == ["f", "f-code"]


def test_a_source_that_needs_no_network_attaches_the_function_to_none() -> None:
    """Else a function with a database outside any VPC would start slower, or AWS would refuse it."""
    recording = function(subnet_ids=[pulumi.Output.from_input([])], security_group_ids=[pulumi.Output.from_input([])])
    inputs = recording.inputs(FUNCTION, "f")
    assert "vpcConfig" not in inputs
    assert "replaceSecurityGroupsOnDestroy" not in inputs
    assert [statement["Action"] for statement in statements(recording)] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"]
    ]
