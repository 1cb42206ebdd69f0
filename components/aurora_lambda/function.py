"""A Lambda function that runs a container image, with permissions and a log group of its own."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import PolicyStatement, merge_statements, merged_access, merged_mapping, policy_of
from aurora_lambda.arguments import QUEUE_DAYS, SECONDS_PER_DAY
from aurora_lambda.component import Component, known_after
from aurora_lambda.function_args import ARGUMENTS, ImageFunctionArgs
from aurora_lambda.function_role import role_identity
from aurora_lambda.function_url import cors_settings, public_permissions
from aurora_lambda.transform import ChildTypes

LIVE_ALIAS = "live"
CHILDREN: ChildTypes = {
    "logGroup": aws.cloudwatch.LogGroup,
    "policy": aws.iam.RolePolicy,
    "function": aws.lambda_.Function,
    "codePolicy": aws.iam.RolePolicy,
    "alias": aws.lambda_.Alias,
    "url": aws.lambda_.FunctionUrl,
    "urlPermission": aws.lambda_.Permission,
    "invokePermission": aws.lambda_.Permission,
    "failedEvents": aws.sqs.Queue,
    "failedEventsPolicy": aws.iam.RolePolicy,
    "eventInvokeConfig": aws.lambda_.FunctionEventInvokeConfig,
}


class ImageFunction(Component[ImageFunctionArgs]):
    """A function of a container image, logging JSON into a log group that the stack owns and deletes.

    Makes: the function (`function` in `transform`), its log group (`logGroup`), the role's policy (`policy`); with
    `access` another one that denies the function's code what attaches it to a network (`codePolicy`); with `publish` or
    `snap_start` an alias (`alias`); on demand a function URL (`url`) and what makes it public (`urlPermission`,
    `invokePermission`); with `keep_failed_events` a queue (`failedEvents`) and what fills it
    (`failedEventsPolicy`, `eventInvokeConfig`). Free at rest, but for stored logs and snapshots.
    """

    arn: pulumi.Output[str]
    """The function's ARN."""
    function_name: pulumi.Output[str]
    """The function's name."""
    url: pulumi.Output[str]
    """The function URL; empty where none was asked for."""
    failed_events_queue: pulumi.Output[str]
    """The name of the queue of failed events; empty where they are not kept."""

    def __init__(self, name: str, args: ImageFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the function and what belongs to it."""
        super().__init__(name, args, opts, takes=ImageFunctionArgs, arguments=ARGUMENTS, children=CHILDREN)
        self._role_name, self._role_arn = role_identity("ImageFunction", name, self._args["role"])
        self._access = merged_access("ImageFunction", name, self._args.get("access", ()))

        log_group = self._log_group()
        function = self._function(log_group, self._role_policy(log_group))
        if self._args.get("access"):
            self._deny_network_interfaces_to_code(function)
        alias = self._alias(function) if self._publishes() else None
        self.arn, self.function_name = alias.arn if alias else function.arn, function.name
        self.url = self._url(function, alias.name if alias else None)
        self.failed_events_queue = self._failed_events(function, alias.name if alias else None)
        self._register_outputs()

    def _log_group(self) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            self._name,
            # No project and no stack has a slash in its name: two stacks never have one group.
            name=f"/aws/lambda/{pulumi.get_project()}/{pulumi.get_stack()}/{self._name}",
            retention_in_days=self._args["log_retention_days"],
            kms_key_id=self._args.get("kms_key_arn"),
            tags=self._tags(self._name),
            # Once it was called otherwise: a live stack keeps the group, and the logs in it.
            opts=self._child("logGroup", ignore_changes=["name"]),
        )

    def _role_policy(self, log_group: aws.cloudwatch.LogGroup) -> aws.iam.RolePolicy:
        statements = pulumi.Output.all(self._access["policy_statements"], self._args.get("policy_statements", []))
        return aws.iam.RolePolicy(
            self._name,
            role=self._role_name,
            policy=policy_of(_statements, log_group.arn, statements, self._access["subnet_ids"], self._args["tracing"]),
            # A new policy is created before the old one is deleted: the running function never lacks its rights.
            opts=self._child("policy", replace_on_changes=["policy"]),
        )

    def _function(self, log_group: aws.cloudwatch.LogGroup, role_policy: aws.iam.RolePolicy) -> aws.lambda_.Function:
        args, snap_start = self._args, self._args["snap_start"]
        environment, key = self._environment()
        return aws.lambda_.Function(
            self._name,
            package_type="Image",
            image_config={"commands": args["command"]} if "command" in args else None,
            image_uri=args["image_uri"],
            role=self._role_arn,
            architectures=[args["architecture"]],
            memory_size=args["memory_size"],
            timeout=args["timeout"],
            reserved_concurrent_executions=args["reserved_concurrency"],
            environment=environment,
            kms_key_arn=key,
            vpc_config=self._vpc_config(),
            # Said although Lambda's own: left out, each deployment would publish a version and undo a rollback. Source:
            # https://github.com/hashicorp/terraform-provider-aws/pull/42660
            logging_config={
                "log_format": "JSON",
                "log_group": log_group.name,
                "application_log_level": "INFO",
                "system_log_level": "INFO",
            },
            # Said either way: without it a function that was traced once stays so.
            tracing_config={
                "mode": pulumi.Output.from_input(args["tracing"]).apply(lambda on: "Active" if on else "PassThrough")
            },
            publish=self._publishes(),
            snap_start={"apply_on": "PublishedVersions"} if snap_start else None,
            tags=self._tags(self._name),
            opts=self._child("function", depends_on=[role_policy]),
        )

    def _environment(
        self,
    ) -> tuple[pulumi.Output[aws.lambda_.FunctionEnvironmentArgs | None], pulumi.Output[str | None]]:
        """Return the variables and their key; neither where there are none, since Lambda keeps neither.

        The function would change in each deployment, and publish a version. Source:
        https://github.com/hashicorp/terraform-provider-aws/issues/43763. Lambda gives the role a grant to decrypt.
        Source: AWS Lambda developer guide, "Securing Lambda environment variables".
        """
        variables = merged_mapping(self._access["environment"], self._args.get("environment", {}))
        environment = variables.apply(
            lambda known: aws.lambda_.FunctionEnvironmentArgs(variables=known) if known else None
        )
        key = pulumi.Output.all(variables, self._args.get("kms_key_arn"))
        return environment, key.apply(lambda known: known[1] if known[0] else None)

    def _vpc_config(self) -> pulumi.Output[aws.lambda_.FunctionVpcConfigArgs | None]:
        return pulumi.Output.all(self._access["subnet_ids"], self._access["security_group_ids"]).apply(
            lambda ids: (
                aws.lambda_.FunctionVpcConfigArgs(subnet_ids=ids[0], security_group_ids=ids[1]) if ids[0] else None
            )
        )

    def _publishes(self) -> bool:
        return self._args["publish"] or self._args["snap_start"]

    def _alias(self, function: aws.lambda_.Function) -> aws.lambda_.Alias:
        return aws.lambda_.Alias(
            self._name,
            name=LIVE_ALIAS,
            function_name=function.name,
            function_version=function.version,
            opts=self._child("alias"),
        )

    def _url(self, function: aws.lambda_.Function, qualifier: pulumi.Input[str] | None) -> pulumi.Output[str]:
        if "url_auth_type" not in self._args:
            return pulumi.Output.from_input("")
        auth_type, cors = self._args["url_auth_type"], self._args.get("cors")
        url = aws.lambda_.FunctionUrl(
            self._name,
            function_name=function.name,
            qualifier=qualifier,
            authorization_type=auth_type,
            cors=cors_settings(self._name, cors, auth_type) if cors else None,
            opts=self._child("url"),
        )
        public = auth_type == "NONE"
        permissions = public_permissions(self._name, function.name, qualifier, self._child) if public else []
        return known_after(url.function_url, *permissions)

    def _failed_events(self, function: aws.lambda_.Function, qualifier: pulumi.Input[str] | None) -> pulumi.Output[str]:
        """Let Lambda put the events that the function fails on into a queue, with its error, and return its name.

        As the function's logs do, the queue goes with the function.
        """
        args, key = self._args, self._args.get("kms_key_arn")
        if not args["keep_failed_events"]:
            return pulumi.Output.from_input("")
        name = f"{self._name}-failed-events"
        queue = aws.sqs.Queue(
            name,
            message_retention_seconds=QUEUE_DAYS * SECONDS_PER_DAY,
            sqs_managed_sse_enabled=True if key is None else None,
            kms_master_key_id=key,
            tags=self._tags(name),
            opts=self._child("failedEvents"),
        )
        policy = aws.iam.RolePolicy(
            name,
            role=self._role_name,
            policy=policy_of(policies.deliver_to_queue, queue.arn, key or ""),
            opts=self._child("failedEventsPolicy", replace_on_changes=["policy"]),
        )
        aws.lambda_.FunctionEventInvokeConfig(
            self._name,
            function_name=function.name,
            qualifier=qualifier,
            maximum_retry_attempts=args["maximum_retry_attempts"],
            maximum_event_age_in_seconds=args["maximum_event_age_in_seconds"],
            destination_config={"on_failure": {"destination": queue.arn}},
            # Lambda checks the role's permissions when it is told of the queue.
            opts=self._child("eventInvokeConfig", depends_on=[policy]),
        )
        return queue.name

    def _deny_network_interfaces_to_code(self, function: aws.lambda_.Function) -> None:
        aws.iam.RolePolicy(
            f"{self._name}-code",
            role=self._role_name,
            policy=policy_of(policies.deny_eni_to_code, function.arn),
            opts=self._child("codePolicy"),
        )


def _statements(
    log_group_arn: str, statements: Sequence[Sequence[PolicyStatement]], subnet_ids: Sequence[str], tracing: bool
) -> list[Mapping[str, object]]:
    """Return what the role may do: logs, network interfaces where there are subnets, traces, and all statements."""
    attach = [policies.attach_to_vpc()] if subnet_ids else []
    trace = [policies.write_traces()] if tracing else []
    return [policies.write_logs(log_group_arn), *attach, *trace, *merge_statements(statements)]
