"""The IAM role of a function, apart from the function so that others can name it before the function exists."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import policy_of
from aurora_lambda.arguments import Argument, check_value, text
from aurora_lambda.component import Component
from aurora_lambda.naming import Tags
from aurora_lambda.transform import ChildTypes, Transform


class FunctionRoleArgs(TypedDict):
    """What a function's role is made of."""

    network_interfaces: NotRequired[bool]
    """Whether Lambda may make and delete network interfaces by it, for functions in a VPC. The network then depends on
    the role: the network's deletion waits for the interfaces, and Lambda needs this right to delete them. Plain, since
    it decides which resources there are."""
    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of the policy beyond which the role allows nothing, whatever its own policies say. Default: none."""
    path: NotRequired[pulumi.Input[str]]
    """The role's path, which policies can match it by. Another one replaces the role."""
    tags: NotRequired[Tags]
    """Tags of the role."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "permissions_boundary": text(r"arn:[\w-]+:iam::(\d{12}|aws):policy/.+", "the ARN of an IAM policy"),
    # Source: IAM API reference, CreateRole.
    "path": text(r"/([!-~]{1,510}/)?", "a path that begins and ends with /, such as /service/", "/"),
}
CHILDREN: ChildTypes = {"role": aws.iam.Role, "networkPolicy": aws.iam.RolePolicy}


class FunctionRole(Component[FunctionRoleArgs]):
    """A role that Lambda may assume and that allows nothing until a function adds its permissions.

    It is a component of its own so that others can name the role before the function exists: a migration that grants
    database rights to it has to run first.
    Makes: an IAM role (`role` in `transform`), and with `network_interfaces` a policy of it (`networkPolicy`). Free.
    """

    name: pulumi.Output[str]
    """The role's name."""
    arn: pulumi.Output[str]
    """The role's ARN."""

    def __init__(self, name: str, args: FunctionRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the role."""
        super().__init__(name, args, opts, takes=FunctionRoleArgs, arguments=ARGUMENTS, children=CHILDREN)
        account_id = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        role = aws.iam.Role(
            name,
            assume_role_policy=policy_of(policies.trust, "lambda.amazonaws.com", account_id),
            path=self._args["path"],
            permissions_boundary=self._args.get("permissions_boundary"),
            tags=self._tags(name),
            opts=self._child("role"),
        )
        if self._args.get("network_interfaces"):
            # Apart from the function's policy, which is deleted before the network is. Source: AWS Lambda developer
            # guide, "Giving Lambda functions access to resources in an Amazon VPC", hyperplane ENI lifecycle.
            aws.iam.RolePolicy(
                f"{name}-network",
                role=role.name,
                policy=policies.policy_document([policies.attach_to_vpc()]),
                opts=self._child("networkPolicy"),
            )
        self.name, self.arn = role.name, role.arn
        self._register_outputs()


# In Python a role itself, in every language its ARN.
Role = pulumi.Input[str] | FunctionRole | aws.iam.Role
ROLE_ARN = text(r"arn:[\w-]+:iam::\d{12}:role/.+", "the ARN of an IAM role")


def role_identity(component: str, name: str, role: Role) -> tuple[pulumi.Input[str], pulumi.Input[str]]:
    """Return a role's name and its ARN, for a component's argument `role`.

    Raises:
        ValueError: it is neither a role nor the ARN of one.
    """
    if isinstance(role, FunctionRole | aws.iam.Role):
        return role.name, role.arn
    arn = check_value(f"{component} {name!r}: role", role, ROLE_ARN)
    # A role may have a path, which is no part of its name.
    return pulumi.Output.from_input(arn).apply(lambda arn: arn.rpartition("/")[2]), arn
