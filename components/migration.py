"""The migration runner, and the deployment's own invocation of it."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.function import FunctionRole, ImageFunction
from lambda_images.database.contract import ALLOW_RESET


class MigrationArgs(TypedDict):
    """What to run against which database, and when to run it again."""

    image_uri: pulumi.Input[str]
    """The migration image, by digest. A new image runs the migrations again."""
    access: pulumi.Input[dict[str, Any]]
    """The database, a `DatabaseAccess`: an `AuroraDatabase`'s `admin`. Another cluster, schema, role or login runs the
    migrations again."""
    triggers: NotRequired[dict[str, pulumi.Input[str]]]
    """Further values whose change runs the migrations again, such as the ARN of the application's role."""
    allow_reset: NotRequired[bool]
    """Whether the `reset` command may drop everything. Default false."""
    architecture: NotRequired[str]
    """`arm64` (default) or `x86_64`; the image's."""
    memory_size: NotRequired[int]
    """Memory in MB. Default 512."""
    timeout: NotRequired[int]
    """Seconds the runner may take, at most 900, which is the default and Lambda's limit."""
    log_retention_days: NotRequired[int]
    """Days that logs are kept. Default 30."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of every resource."""


class Migration(pulumi.ComponentResource):
    """The migration runner, invoked with `deploy` by every deployment that changes what it would do.

    A failed migration fails the deployment, and so does one that ran out of time; the next deployment goes on with it.
    What takes `revision` as an input is deployed after the migration.
    Makes: a `FunctionRole`, an `ImageFunction` and an `aws.lambda_.Invocation`. Free at rest.
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
        super().__init__("aurora-lambda:index:Migration", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        runner = self._runner()
        self.arn, self.function_name = runner.arn, runner.function_name
        self.result = self._invocation(runner).result
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
        role = FunctionRole(self._name, {"tags": args.get("tags", {})}, opts=self._child)
        return ImageFunction(
            self._name,
            {
                "image_uri": args["image_uri"],
                "role_name": role.name,
                "role_arn": role.arn,
                "access": args["access"],
                "environment": {ALLOW_RESET: "true" if args.get("allow_reset", False) else "false"},
                "architecture": args.get("architecture", "arm64"),
                "memory_size": args.get("memory_size", 512),
                "timeout": args.get("timeout", 900),
                "log_retention_days": args.get("log_retention_days", 30),
                "tags": args.get("tags", {}),
            },
            opts=self._child,
        )

    def _invocation(self, runner: ImageFunction) -> aws.lambda_.Invocation:
        access = pulumi.Output.from_input(self._args["access"])
        database = access.apply(lambda access: json.dumps(access["environment"], sort_keys=True))
        return aws.lambda_.Invocation(
            self._name,
            function_name=runner.function_name,
            input=json.dumps({"command": "deploy", "complete": True}),
            triggers={"image": self._args["image_uri"], "database": database, **self._args.get("triggers", {})},
            opts=self._child,
        )
