"""What a function may do, and as which role: what it gets of a database, a network or another resource."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda import FunctionAccess, FunctionRole, ImageFunction, Migration, Network, StreamTable
from aurora_lambda.function_args import ImageFunctionArgs
from tests.components.recording import Recording, record
from tests.components.tokens import FUNCTION, ROLE, ROLE_POLICY

READ_ONE = {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": ["arn:aws:dynamodb:eu-west-1:1:table/one"]}
READ_TWO = {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": ["arn:aws:dynamodb:eu-west-1:1:table/two"]}
READ_BOTH = {**READ_ONE, "Resource": [*READ_ONE["Resource"], *READ_TWO["Resource"]]}
ROLE_ARN = "arn:aws:iam::123456789012:role/service/r"


def access(**given: Any) -> FunctionAccess:
    """Return what a function needs to use something that asks for nothing else."""
    nothing: FunctionAccess = {"environment": {}, "policy_statements": [], "subnet_ids": [], "security_group_ids": []}
    return {**nothing, **given}


def function(**args: Any) -> Recording:
    """Record an `ImageFunction` with these arguments beside the required ones."""
    required: ImageFunctionArgs = {"image_uri": "repo@sha256:0", "role": ROLE_ARN}
    return record(lambda: ImageFunction("f", {**required, **args}))


def statements(recording: Recording) -> list[dict[str, Any]]:
    return json.loads(recording.inputs(ROLE_POLICY, "f")["policy"])["Statement"]


def test_a_function_gets_all_that_it_uses_by_one_argument() -> None:
    """A function with a database and a queue could use only one of them, or four lists had to be kept together."""
    recording = function(
        access=[
            access(
                environment={"A": "1", "B": "1"},
                policy_statements=[READ_ONE],
                subnet_ids=["subnet-1", pulumi.Output.from_input("subnet-2")],
                security_group_ids=["sg-1"],
            ),
            pulumi.Output.from_input(
                access(
                    environment={"B": "2", "C": pulumi.Output.from_input("3")},
                    policy_statements=[READ_ONE, READ_TWO],
                    subnet_ids=["subnet-2", "subnet-3"],
                    security_group_ids=["sg-1", "sg-2"],
                )
            ),
        ]
    )
    assert recording.inputs(FUNCTION, "f")["environment"] == {"variables": {"A": "1", "B": "2", "C": "3"}}
    assert statements(recording)[2:] == [READ_BOTH]
    assert recording.inputs(FUNCTION, "f")["vpcConfig"] == {
        "subnetIds": ["subnet-1", "subnet-2", "subnet-3"],
        "securityGroupIds": ["sg-1", "sg-2"],
    }
    assert recording.of_type(ROLE_POLICY) == ["f", "f-code"]


def test_a_functions_own_variables_and_statements_come_last() -> None:
    """A program could not give a function what no component of ours offers."""
    recording = function(
        access=[access(environment={"A": "1", "B": "1"}, policy_statements=[READ_ONE])],
        environment={"B": pulumi.Output.from_input("2")},
        policy_statements=[READ_TWO, READ_ONE],
    )
    assert recording.inputs(FUNCTION, "f")["environment"] == {"variables": {"A": "1", "B": "2"}}
    assert statements(recording)[1:] == [READ_BOTH]


def test_statements_become_one_only_where_they_allow_no_more_together() -> None:
    """A function could do to one resource what it may do to another, or from anywhere what it may from one place."""
    write = {**READ_ONE, "Action": ["dynamodb:PutItem"]}
    from_ours = {**READ_ONE, "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-0a"}}}
    denied = {**READ_TWO, "Effect": "Deny"}
    any_table = {**READ_ONE, "Resource": "*"}
    all_but_one = {"Effect": "Allow", "Action": READ_ONE["Action"], "NotResource": READ_ONE["Resource"]}
    apart = [READ_ONE, write, from_ours, denied, any_table, all_but_one]
    recording = function(policy_statements=[*apart, any_table, READ_TWO, all_but_one])
    assert statements(recording)[1:] == [READ_BOTH, *apart[1:]]


def test_a_function_of_many_tables_keeps_room_for_its_next_policy() -> None:
    """A function was deployed once, and IAM refused its next policy: while one is replaced it counts both."""

    def program() -> None:
        tables = [StreamTable(f"items-{number}", {"table_name": f"items-{number}"}) for number in range(20)]
        ImageFunction("f", {"image_uri": "repo@sha256:0", "role": ROLE_ARN, "access": [each.access for each in tables]})

    policy = record(program).inputs(ROLE_POLICY, "f")["policy"]
    # IAM does not count white space.
    assert len("".join(policy.split())) < 10_240 / 2


def test_what_needs_no_network_attaches_the_function_to_none() -> None:
    """A function with a database outside any VPC would start slower, or AWS would refuse it."""
    recording = function(access=[access()])
    inputs = recording.inputs(FUNCTION, "f")
    assert "vpcConfig" not in inputs
    assert "replaceSecurityGroupsOnDestroy" not in inputs
    assert [statement["Action"] for statement in statements(recording)] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"]
    ]


def test_a_function_without_a_database_lives_in_a_network_too() -> None:
    """A function that calls what is in the VPC could not be attached to it."""

    def program() -> None:
        network = Network("n", {"vpc_id": "vpc-0a", "subnet_ids": ["subnet-1", "subnet-2"]})
        ImageFunction("f", {"image_uri": "repo@sha256:0", "role": ROLE_ARN, "access": [network.access]})

    recording = record(program)
    assert recording.inputs(FUNCTION, "f")["vpcConfig"] == {
        "subnetIds": ["subnet-1", "subnet-2"],
        "securityGroupIds": [recording.id("aws:ec2/securityGroup:SecurityGroup", "n-functions")],
    }


def test_an_access_with_a_misspelt_or_missing_key_is_refused() -> None:
    """A function would be deployed without a permission that its program seems to give."""
    wrong = {"environment": {}, "policy_statements": [], "subnets": [], "security_group_ids": []}
    message = (
        "^ImageFunction 'f': access has environment, policy_statements, security_group_ids, subnets;"
        " must be environment, policy_statements, security_group_ids, subnet_ids, each of them$"
    )
    with pytest.raises(ValueError, match=message):
        function(access=[wrong])


# An output belongs to the event loop that it was made in: none is made before the test runs.
@pytest.mark.parametrize("wrap", [lambda value: value, pulumi.Output.from_input], ids=["plain", "output"])
def test_a_role_is_given_by_its_arn(wrap: Callable[[str], pulumi.Input[str]]) -> None:
    """A role that another team makes could not be used, nor one from another language."""
    recording = function(role=wrap(ROLE_ARN))
    assert recording.inputs(FUNCTION, "f")["role"] == ROLE_ARN
    assert recording.inputs(ROLE_POLICY, "f")["role"] == "r"


def test_a_role_is_given_as_it_is_made() -> None:
    """A program would have to take a role apart that it has just made."""

    def program() -> None:
        ours = FunctionRole("ours", {})
        theirs = aws.iam.Role("theirs", assume_role_policy="{}")
        ImageFunction("f", {"image_uri": "repo@sha256:0", "role": ours})
        Migration("m", {"image_uri": "repo@sha256:0", "role": theirs, "access": [access()]})

    recording = record(program)
    for function_name, role in (("f", "ours"), ("m", "theirs")):
        assert recording.inputs(FUNCTION, function_name)["role"] == recording.output(ROLE, role, "arn")
        assert recording.inputs(ROLE_POLICY, function_name)["role"] == recording.output(ROLE, role, "name")
    assert recording.of_type(ROLE) == ["ours", "theirs"]


def test_a_roles_name_is_refused_where_its_arn_is_asked_for() -> None:
    """AWS would refuse the function after the database has been made."""
    with pytest.raises(ValueError, match="^ImageFunction 'f': role is 'r'; must be the ARN of an IAM role$"):
        function(role="r")
