"""The migration runner, and the deployment's own invocation of it."""

import json
from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda.access import EnvironmentSources, IdSources, PolicySources, merged_mapping
from aurora_lambda.arguments import (
    ARCHITECTURE,
    Argument,
    check_arguments,
    flag,
    log_retention,
    whole_number,
)
from aurora_lambda.function import ImageFunction
from aurora_lambda.function_role import FunctionRole
from aurora_lambda.naming import Tags
from aurora_lambda_runtime.database.contract import ALLOW_RESET, DROP_ON_DESTROY


class MigrationArgs(TypedDict):
    """What to run against which database, and when to run it again."""

    image_uri: pulumi.Input[str]
    """The migration image, by digest. A new image runs the migrations again."""
    environment: EnvironmentSources
    """Environment variables from any number of sources, merged: which database to migrate, as its `admin` says. Another
    cluster, schema, role or login runs the migrations again."""
    role_name: NotRequired[pulumi.Input[str]]
    """Name of the runner's role (see `FunctionRole`). Default: a role of its own."""
    role_arn: NotRequired[pulumi.Input[str]]
    """ARN of the same role."""
    policy_statements: NotRequired[PolicySources]
    """IAM policy statements from any number of sources, merged: what the runner may do."""
    subnet_ids: NotRequired[IdSources]
    """Subnets from any number of sources, merged: the runner is attached to them. Default: no VPC."""
    security_group_ids: NotRequired[IdSources]
    """Security groups from any number of sources, merged."""
    triggers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Further values whose change runs the migrations again, such as the ARN of the application's role."""
    allow_reset: NotRequired[bool]
    """Whether the `reset` command may drop everything."""
    drop_on_destroy: NotRequired[bool]
    """Whether destroying the stack drops the application's schema and role in a DSQL cluster that stays."""
    architecture: NotRequired[str]
    """The image's processor architecture."""
    memory_size: NotRequired[int]
    """Memory in MB."""
    timeout: NotRequired[int]
    """How long the runner may take, in seconds; the most is Lambda's limit."""
    log_retention_days: NotRequired[int]
    """Days that logs are kept."""
    tags: NotRequired[Tags]
    """Tags of every resource."""


ARGUMENTS: Mapping[str, Argument] = {
    "allow_reset": flag(default=False),
    "drop_on_destroy": flag(default=False),
    "architecture": ARCHITECTURE,
    "memory_size": whole_number(128, 10_240, "MB", 512),
    "timeout": whole_number(1, 900, "seconds", 900),
    "log_retention_days": log_retention(30),
}


class Migration(pulumi.ComponentResource):
    """The migration runner, invoked with `deploy` by every deployment that changes what it would do.

    A failed migration fails the deployment, and so does one that ran out of time; the next deployment goes on with it.
    What takes `revision` as an input is deployed after the migration.
    Makes: a `FunctionRole` unless it is given one, an `ImageFunction` and an invocation of it. Free at rest.
    """

    arn: pulumi.Output[str]
    """The runner's ARN."""
    function_name: pulumi.Output[str]
    """The runner's name."""
    result: pulumi.Output[str]
    """What the deployment's invocation answered: a JSON object."""
    revision: pulumi.Output[str]
    """The revision the database is at after the deployment."""

    def __init__(self, name: str, args: MigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the runner and its invocation.

        Raises:
            ValueError: an argument that is not allowed.
        """
        super().__init__("aurora-lambda:index:Migration", name, {}, opts)
        self._name, self._args = name, check_arguments("Migration", name, args, ARGUMENTS)
        self._child = pulumi.ResourceOptions(parent=self)

        runner = self._runner()
        self.arn, self.function_name = runner.arn, runner.function_name
        deployment = self._invocation(runner)
        if self._args["drop_on_destroy"]:
            self._drop_on_destroy(runner, deployment)
        self.result = deployment.result
        self.revision = self.result.apply(lambda result: json.loads(result)["after"])
        self.register_outputs(
            {
                "arn": self.arn,
                "functionName": self.function_name,
                "result": self.result,
                "revision": self.revision,
            }
        )

    def _runner(self) -> ImageFunction:
        args = self._args
        role_name, role_arn = self._role()
        allowed = {ALLOW_RESET: "true" if args["allow_reset"] else "false"}
        if args["drop_on_destroy"]:
            allowed[DROP_ON_DESTROY] = "true"
        return ImageFunction(
            self._name,
            {
                "image_uri": args["image_uri"],
                "role_name": role_name,
                "role_arn": role_arn,
                "environment": [merged_mapping(args["environment"]), allowed],
                "policy_statements": args.get("policy_statements", []),
                "subnet_ids": args.get("subnet_ids", []),
                "security_group_ids": args.get("security_group_ids", []),
                "architecture": args["architecture"],
                "memory_size": args["memory_size"],
                "timeout": args["timeout"],
                "log_retention_days": args["log_retention_days"],
                "tags": args.get("tags", {}),
            },
            opts=self._child,
        )

    def _role(self) -> tuple[pulumi.Input[str], pulumi.Input[str]]:
        if "role_name" in self._args and "role_arn" in self._args:
            return self._args["role_name"], self._args["role_arn"]
        role = FunctionRole(self._name, {"tags": self._args.get("tags", {})}, opts=self._child)
        return role.name, role.arn

    def _invocation(self, runner: ImageFunction) -> aws.lambda_.Invocation:
        database = pulumi.Output.json_dumps(merged_mapping(self._args["environment"]), sort_keys=True)
        own = {"image": self._args["image_uri"], "database": database}
        return aws.lambda_.Invocation(
            self._name,
            function_name=runner.function_name,
            input=json.dumps({"command": "deploy", "complete": True}),
            triggers=merged_mapping([own, self._args.get("triggers", {})]),
            opts=self._child,
        )

    def _drop_on_destroy(self, runner: ImageFunction, deployment: aws.lambda_.Invocation) -> None:
        """Invoke the runner when the stack is destroyed; until then this does nothing but ask for the status.

        It has no triggers: the provider would delete it, and so drop everything, whenever one changed.
        """
        aws.lambda_.Invocation(
            f"{self._name}-drop",
            function_name=runner.function_name,
            input=json.dumps({"command": "status"}),
            lifecycle_scope="CRUD",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
