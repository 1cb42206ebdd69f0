"""A Lambda function that runs a container image, with a role and a log group of its own."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import policies
from components.naming import stack_name, tagged

ARCHITECTURES = ("arm64", "x86_64")
URL_AUTH_TYPES = ("AWS_IAM", "NONE")
LIVE_ALIAS = "live"


class FunctionRoleArgs(TypedDict):
    """What a function's role is made of."""

    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of the role."""


class FunctionRole(pulumi.ComponentResource):
    """Who a function is: a role that Lambda may assume and that may do nothing yet.

    It is a component of its own so that others can name the function's role before the function exists: a migration
    that grants to it has to run first. Makes: `aws.iam.Role`. Free.
    """

    name: pulumi.Output[str]
    """The role's name."""
    arn: pulumi.Output[str]
    """The role's ARN."""

    def __init__(self, name: str, args: FunctionRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aurora-lambda:index:FunctionRole", name, {}, opts)
        role = aws.iam.Role(
            name,
            assume_role_policy=policies.LAMBDA_TRUST,
            tags=tagged(args.get("tags"), name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name, self.arn = role.name, role.arn
        self.register_outputs({"name": self.name, "arn": self.arn})


class ImageFunctionArgs(TypedDict):
    """What the function runs, who it is and what it may reach."""

    image_uri: pulumi.Input[str]
    """The image, by digest."""
    role_name: pulumi.Input[str]
    """Name of the function's role (see `FunctionRole`); this component gives it the permissions below."""
    role_arn: pulumi.Input[str]
    """ARN of the same role."""
    access: NotRequired[pulumi.Input[dict[str, Any]]]
    """The database the function uses, a `DatabaseAccess`: an `AuroraDatabase`'s `runtime` or `admin`."""
    environment: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Further environment variables. Never put a secret here: anyone who may read the function reads it."""
    architecture: NotRequired[str]
    """`arm64` (default) or `x86_64`; the image's."""
    memory_size: NotRequired[int]
    """Memory in MB, 128 to 10240. Default 256."""
    timeout: NotRequired[int]
    """Seconds an invocation may take, 1 to 900. Default 15."""
    reserved_concurrency: NotRequired[int]
    """Execution environments at most. Default: the account's limit."""
    log_retention_days: NotRequired[int]
    """Days that logs are kept. Default 30."""
    url_auth_type: NotRequired[str]
    """Give the function a URL: `AWS_IAM` (signed requests) or `NONE` (public). Default: no URL."""
    snap_start: NotRequired[bool]
    """Whether Lambda keeps a snapshot of the initialised function and starts from it. The URL then leads to the
    published version; `arn` stays the unpublished function, which has no snapshot. Default false."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of every resource."""


class ImageFunction(pulumi.ComponentResource):
    """A function of a container image, logging JSON into a log group that the stack owns and deletes.

    Makes: `aws.cloudwatch.LogGroup`, two `aws.iam.RolePolicy`s, `aws.lambda_.Function`, on demand
    `aws.lambda_.FunctionUrl`, and with `snap_start` an `aws.lambda_.Alias`. Free at rest, but for stored logs.

    Raises:
        ValueError: an architecture or URL authorisation that there is not.
    """

    arn: pulumi.Output[str]
    """The function's ARN."""
    function_name: pulumi.Output[str]
    """The function's name."""
    url: pulumi.Output[str]
    """The function URL; empty where none was asked for."""

    def __init__(self, name: str, args: ImageFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aurora-lambda:index:ImageFunction", name, {}, opts)
        _one_of(name, "architecture", args.get("architecture", "arm64"), ARCHITECTURES)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        log_group = self._log_group()
        role_policy = self._role_policy(log_group)
        function = self._function(log_group, role_policy)
        if "access" in args:
            self._keep_network_from_code(function)
        qualifier = self._alias(function).name if args.get("snap_start") else None
        self.arn, self.function_name = function.arn, function.name
        self.url = self._url(function, qualifier)
        self.register_outputs({"arn": self.arn, "functionName": self.function_name, "url": self.url})

    def _log_group(self) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            self._name,
            name=f"/aws/lambda/{stack_name(self._name)}",
            retention_in_days=self._args.get("log_retention_days", 30),
            tags=self._tags(),
            opts=self._child,
        )

    def _role_policy(self, log_group: aws.cloudwatch.LogGroup) -> aws.iam.RolePolicy:
        statements = self._access("statements", "[]")
        subnet_ids = self._access("subnets", [])

        def document(log_group_arn: str, statements: str, subnet_ids: list[str]) -> str:
            attach = [policies.attach_to_vpc()] if subnet_ids else []
            return policies.policy([policies.write_logs(log_group_arn), *attach, *json.loads(statements)])

        return aws.iam.RolePolicy(
            self._name,
            role=self._args["role_name"],
            policy=pulumi.Output.all(log_group.arn, statements, subnet_ids).apply(lambda values: document(*values)),
            opts=self._child,
        )

    def _function(self, log_group: aws.cloudwatch.LogGroup, role_policy: aws.iam.RolePolicy) -> aws.lambda_.Function:
        snap_start = self._args.get("snap_start", False)
        return aws.lambda_.Function(
            self._name,
            package_type="Image",
            image_uri=self._args["image_uri"],
            role=self._args["role_arn"],
            architectures=[self._args.get("architecture", "arm64")],
            memory_size=self._args.get("memory_size", 256),
            timeout=self._args.get("timeout", 15),
            reserved_concurrent_executions=self._args.get("reserved_concurrency"),
            environment={"variables": self._environment()},
            vpc_config=self._vpc_config(),
            logging_config={"log_format": "JSON", "log_group": log_group.name},
            publish=snap_start,
            snap_start={"apply_on": "PublishedVersions"} if snap_start else None,
            # Without this the security group's deletion waits up to 45 minutes for the function's network interfaces.
            replace_security_groups_on_destroy=True if "access" in self._args else None,
            tags=self._tags(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role_policy]),
        )

    def _environment(self) -> pulumi.Output[dict[str, str]]:
        own = pulumi.Output.from_input(self._args.get("environment", {}))
        return pulumi.Output.all(self._access("environment", {}), own).apply(lambda both: {**both[0], **both[1]})

    def _vpc_config(self) -> pulumi.Output[aws.lambda_.FunctionVpcConfigArgs | None] | None:
        if "access" not in self._args:
            return None
        attachment = pulumi.Output.all(self._access("subnets", []), self._access("groups", []))
        return attachment.apply(
            lambda ids: (
                aws.lambda_.FunctionVpcConfigArgs(subnet_ids=ids[0], security_group_ids=ids[1]) if ids[0] else None
            )
        )

    def _alias(self, function: aws.lambda_.Function) -> aws.lambda_.Alias:
        return aws.lambda_.Alias(
            self._name,
            name=LIVE_ALIAS,
            function_name=function.name,
            function_version=function.version,
            opts=self._child,
        )

    def _url(self, function: aws.lambda_.Function, qualifier: pulumi.Input[str] | None) -> pulumi.Output[str]:
        auth_type = self._args.get("url_auth_type")
        if auth_type is None:
            return pulumi.Output.from_input("")
        _one_of(self._name, "url_auth_type", auth_type, URL_AUTH_TYPES)
        # Under NONE the provider adds the two permissions that let the public in.
        return aws.lambda_.FunctionUrl(
            self._name,
            function_name=function.name,
            qualifier=qualifier,
            authorization_type=auth_type,
            opts=self._child,
        ).function_url

    def _keep_network_from_code(self, function: aws.lambda_.Function) -> None:
        aws.iam.RolePolicy(
            f"{self._name}-code",
            role=self._args["role_name"],
            policy=function.arn.apply(lambda arn: policies.policy([policies.keep_from_code(arn)])),
            opts=self._child,
        )

    def _access(self, key: str, default: object) -> pulumi.Output:
        access = pulumi.Output.from_input(self._args.get("access", {}))
        return access.apply(lambda access: access.get(key, default))

    def _tags(self) -> pulumi.Output[dict[str, str]]:
        return tagged(self._args.get("tags"), self._name)


def _one_of(name: str, key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"ImageFunction {name!r}: {key} {value!r} is not one of {', '.join(allowed)}")
