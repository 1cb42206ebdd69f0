"""What becomes of events that a function is invoked with and nobody waits for: tries, and a queue in the end."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.arguments import Argument, flag, whole_number
from aurora_lambda.failure_destination import QUEUE_DAYS, SECONDS_PER_DAY
from aurora_lambda.transform import ChildTypes

# Source: Lambda API reference, PutFunctionEventInvokeConfig.
ARGUMENTS: Mapping[str, Argument] = {
    "keep_failed_events": flag(default=False),
    "maximum_retry_attempts": whole_number(0, 2, "attempts", 2),
    "maximum_event_age_in_seconds": whole_number(60, 21_600, "seconds", 21_600),
}
CHILDREN: ChildTypes = {
    "failedEvents": aws.sqs.Queue,
    "failedEventsPolicy": aws.iam.RolePolicy,
    "eventInvokeConfig": aws.lambda_.FunctionEventInvokeConfig,
}


def keep_failed_events(
    name: str,
    args: Mapping[str, Any],
    function_name: pulumi.Input[str],
    qualifier: pulumi.Input[str] | None,
    *,
    role_name: pulumi.Input[str],
    tags: pulumi.Input[Mapping[str, str]],
    child: Callable[..., pulumi.ResourceOptions],
) -> pulumi.Output[str]:
    """Let Lambda put the events that a function fails on into a queue, with its error, and return the queue's name.

    `args` are those of the function, `child` gives the options of what is made. As its logs do, the queue goes with the
    function.
    """
    key = args.get("kms_key_arn")
    queue = aws.sqs.Queue(
        f"{name}-failed-events",
        message_retention_seconds=QUEUE_DAYS * SECONDS_PER_DAY,
        sqs_managed_sse_enabled=True if key is None else None,
        kms_master_key_id=key,
        tags=tags,
        opts=child("failedEvents"),
    )
    policy = aws.iam.RolePolicy(
        f"{name}-failed-events",
        role=role_name,
        policy=pulumi.Output.all(queue.arn, key or "").apply(
            lambda known: policies.policy_document(policies.deliver_to_queue(*known))
        ),
        opts=child("failedEventsPolicy", replace_on_changes=["policy"]),
    )
    aws.lambda_.FunctionEventInvokeConfig(
        name,
        function_name=function_name,
        qualifier=qualifier,
        maximum_retry_attempts=args["maximum_retry_attempts"],
        maximum_event_age_in_seconds=args["maximum_event_age_in_seconds"],
        destination_config={"on_failure": {"destination": queue.arn}},
        # Lambda checks the role's permissions when it is told of the queue.
        opts=child("eventInvokeConfig", depends_on=[policy]),
    )
    return queue.name
