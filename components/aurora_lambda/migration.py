"""The migration runner, and the deployment's own invocation of it."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import function, function_role
from aurora_lambda.access import AccessList, PolicyStatements, Variables, merged_access, merged_mapping
from aurora_lambda.arguments import ARCHITECTURE, KMS_KEY, Argument, flag, log_retention, whole_number
from aurora_lambda.component import Component
from aurora_lambda.function import ImageFunction
from aurora_lambda.function_args import ImageFunctionArgs
from aurora_lambda.function_role import FunctionRole, Role
from aurora_lambda.naming import Tags
from aurora_lambda.transform import ChildTypes, Transform
from aurora_lambda_runtime.database.contract import ALLOW_RESET, DROP_ON_DESTROY


class MigrationArgs(TypedDict):
    """What to run against which database, and when to run it again."""

    image_uri: pulumi.Input[str]
    """The migration image, by digest. A new image runs the migrations again."""
    access: AccessList
    """What the runner uses: which database to migrate, as its `admin` says it. Another cluster, schema, role or login
    runs the migrations again."""
    role: NotRequired[Role]
    """The runner's role, a `FunctionRole` or another one, or the role's ARN. Default: a role of its own. Plain where it
    is given or not, since that decides which resources there are."""
    environment: NotRequired[Variables]
    """Further environment variables, which win over those of `access`. Another value runs the migrations again."""
    policy_statements: NotRequired[PolicyStatements]
    """Further IAM policy statements: what the runner may do."""
    triggers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Further values whose change runs the migrations again, such as the ARN of the application's role."""
    allow_reset: NotRequired[pulumi.Input[bool]]
    """Whether the `reset` command may drop everything."""
    drop_on_destroy: NotRequired[bool]
    """Whether destroying the stack drops the application's schema and role in a DSQL cluster that stays. Plain, since
    it decides which resources there are."""
    architecture: NotRequired[pulumi.Input[str]]
    """The image's processor architecture."""
    memory_size: NotRequired[pulumi.Input[int]]
    """Memory in MB."""
    timeout: NotRequired[pulumi.Input[int]]
    """How long the runner may take, in seconds; the most is Lambda's limit."""
    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days that logs are kept."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts environment and logs, whose policy lets CloudWatch Logs use it. Default: keys of
    AWS's own."""
    tracing: NotRequired[pulumi.Input[bool]]
    """Whether Lambda samples invocations as traces for X-Ray, at a price for each trace."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "allow_reset": flag(default=False),
    "drop_on_destroy": flag(default=False),
    "architecture": ARCHITECTURE,
    "memory_size": whole_number(128, 10_240, "MB", 512),
    "timeout": whole_number(1, 900, "seconds", 900),
    "log_retention_days": log_retention(30),
    "kms_key_arn": KMS_KEY,
    "tracing": flag(default=False),
}
ROLE: ChildTypes = {"role": function_role.CHILDREN["role"]}
RUNNER: ChildTypes = {name: function.CHILDREN[name] for name in ("function", "logGroup", "policy", "codePolicy")}
INVOCATIONS: ChildTypes = {"deployment": aws.lambda_.Invocation, "drop": aws.lambda_.Invocation}
CHILDREN: ChildTypes = {**ROLE, **RUNNER, **INVOCATIONS}


class Migration(Component[MigrationArgs]):
    """The migration runner, invoked with `deploy` by every deployment that changes what it would do.

    A failed migration fails the deployment, and so does one that ran out of time; the next deployment goes on with it.
    What takes `revision` as an input is deployed after the migration.
    Makes: a `FunctionRole` (`role` in `transform`) unless it is given one, an `ImageFunction` (`function`, `logGroup`,
    `policy`, `codePolicy`), an invocation of it (`deployment`), and with `drop_on_destroy` another one (`drop`). Free
    at rest.
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
        """Register the runner and its invocation."""
        own_role = {} if args.get("role") is not None else ROLE
        children = {**own_role, **RUNNER, **INVOCATIONS}
        super().__init__(name, args, opts, takes=MigrationArgs, arguments=ARGUMENTS, children=children)
        access = merged_access("Migration", name, self._args["access"])
        self._environment = merged_mapping(access["environment"], self._args.get("environment", {}))

        runner = self._runner()
        self.arn, self.function_name = runner.arn, runner.function_name
        deployment = self._invocation(runner)
        if self._args["drop_on_destroy"]:
            self._drop_on_destroy(runner, deployment)
        self.result = deployment.result
        self.revision = self.result.apply(lambda result: json.loads(result)["after"])
        self._register_outputs()

    def _runner(self) -> ImageFunction:
        args = self._args
        allowed: dict[str, pulumi.Input[str]] = {
            ALLOW_RESET: pulumi.Output.from_input(args["allow_reset"]).apply(lambda allow: "true" if allow else "false")
        }
        if args["drop_on_destroy"]:
            allowed[DROP_ON_DESTROY] = "true"
        alike: dict[str, Any] = {key: each for key, each in args.items() if key in ImageFunctionArgs.__annotations__}
        return ImageFunction(
            self._name,
            {
                **alike,
                "image_uri": args["image_uri"],
                "role": args["role"] if "role" in args else self._own_role(),
                "environment": merged_mapping(args.get("environment", {}), allowed),
                "transform": self._transform_of(RUNNER),
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _own_role(self) -> FunctionRole:
        return FunctionRole(
            self._name,
            {"tags": self._args.get("tags", {}), "transform": self._transform_of(ROLE)},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _transform_of(self, children: ChildTypes) -> Transform:
        return {child: given for child, given in self._args.get("transform", {}).items() if child in children}

    def _invocation(self, runner: ImageFunction) -> aws.lambda_.Invocation:
        database = pulumi.Output.json_dumps(self._environment, sort_keys=True)
        own = {"image": self._args["image_uri"], "database": database}
        return aws.lambda_.Invocation(
            self._name,
            function_name=runner.function_name,
            input=json.dumps({"command": "deploy", "complete": True}),
            triggers=merged_mapping(own, self._args.get("triggers", {})),
            opts=self._child("deployment"),
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
            opts=self._child("drop", depends_on=[deployment]),
        )
