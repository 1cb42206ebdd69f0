"""The IAM role of a function, apart from the function so that others can name it before the function exists."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.naming import Tags, resource_tags


class FunctionRoleArgs(TypedDict):
    """What a function's role is made of."""

    network_interfaces: NotRequired[bool]
    """Whether Lambda may make and delete network interfaces by it, for functions in a VPC. The network then depends on
    the role: the network's deletion waits for the interfaces, and Lambda needs this right to delete them."""
    tags: NotRequired[Tags]
    """Tags of the role."""


class FunctionRole(pulumi.ComponentResource):
    """A role that Lambda may assume and that allows nothing until a function adds its permissions.

    It is a component of its own so that others can name the role before the function exists: a migration that grants
    database rights to it has to run first. Makes: an IAM role, and on demand a policy of it.
    Free.
    """

    name: pulumi.Output[str]
    """The role's name."""
    arn: pulumi.Output[str]
    """The role's ARN."""

    def __init__(self, name: str, args: FunctionRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aurora-lambda:index:FunctionRole", name, {}, opts)
        account_id = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        role = aws.iam.Role(
            name,
            assume_role_policy=account_id.apply(lambda id_: policies.policy_document([policies.trust_lambda(id_)])),
            tags=resource_tags(args.get("tags"), name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if args.get("network_interfaces"):
            # Apart from the function's policy, which is deleted before the network is. Source: AWS Lambda developer
            # guide, "Giving Lambda functions access to resources in an Amazon VPC", hyperplane ENI lifecycle.
            aws.iam.RolePolicy(
                f"{name}-network",
                role=role.name,
                policy=policies.policy_document([policies.attach_to_vpc()]),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.name, self.arn = role.name, role.arn
        self.register_outputs({"name": self.name, "arn": self.arn})
