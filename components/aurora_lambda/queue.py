"""An SQS queue, delivered to a function, with a second queue for the messages that it cannot process."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import FunctionAccess, function_access, policy_of
from aurora_lambda.alarms import register_alarm
from aurora_lambda.arguments import (
    KMS_KEY,
    QUEUE_DAYS,
    SECONDS_PER_DAY,
    SNS_TOPIC,
    Argument,
    flag,
    whole_number,
)
from aurora_lambda.component import Component
from aurora_lambda.function_role import Role, role_identity
from aurora_lambda.metrics import DEAD_LETTERS_ALARM
from aurora_lambda.naming import Tags
from aurora_lambda.transform import ChildTypes, Transform
from aurora_lambda_runtime.database.contract import queue_variable

# Source: AWS Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping".
TIMEOUTS_OF_VISIBILITY = 6
BATCH_WITHOUT_WINDOW = 10


class QueueArgs(TypedDict):
    """Which function gets the messages, and what becomes of those that it cannot process."""

    function_name: pulumi.Input[str]
    """Name or ARN of the function that gets the messages, or the ARN of its alias."""
    function_timeout: pulumi.Input[int]
    """The function's timeout in seconds: a message that it has been given comes again after six times as long, and the
    time that it waited for its batch."""
    role: Role
    """The function's role, a `FunctionRole` or another one, or the role's ARN. This component gives it the right to
    read the queue."""
    batch_size: NotRequired[pulumi.Input[int]]
    """Messages that the function gets at once, at most. More than 10 need a window to wait for them."""
    maximum_batching_window_in_seconds: NotRequired[pulumi.Input[int]]
    """How long to wait for a batch to fill."""
    maximum_concurrency: NotRequired[pulumi.Input[int]]
    """How many batches are processed at the same time, at most. Default: no limit but the function's."""
    max_receive_count: NotRequired[pulumi.Input[int]]
    """How often a message is tried before it goes to the dead letters."""
    retention_days: NotRequired[pulumi.Input[int]]
    """How long a message waits to be processed."""
    force_destroy: NotRequired[bool]
    """Whether the queues are deleted with the messages in them once they are no longer part of the stack. Otherwise
    they stay in the account. Plain, since Pulumi has to know it first."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the messages. Default: a key of SQS's own."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic that is told of dead letters. Default: nobody is."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


# Sources: Lambda API reference, CreateEventSourceMapping; SQS API reference, SetQueueAttributes.
ARGUMENTS: Mapping[str, Argument] = {
    "function_timeout": whole_number(1, 900, "seconds"),
    "batch_size": whole_number(1, 10_000, "messages", 10),
    "maximum_batching_window_in_seconds": whole_number(0, 300, "seconds", 0),
    "maximum_concurrency": whole_number(2, 1000, "batches"),
    "max_receive_count": whole_number(1, 1000, "times", 5),
    "retention_days": whole_number(1, QUEUE_DAYS, "days", 4),
    "force_destroy": flag(default=False),
    "kms_key_arn": KMS_KEY,
    "alarm_topic_arn": SNS_TOPIC,
}
CHILDREN: ChildTypes = {
    "queue": aws.sqs.Queue,
    "deadLetterQueue": aws.sqs.Queue,
    "policy": aws.iam.RolePolicy,
    "mapping": aws.lambda_.EventSourceMapping,
    "alarm": aws.cloudwatch.MetricAlarm,
}


class Queue(Component[QueueArgs]):
    """An encrypted SQS queue whose messages a function gets, each alone done or tried again.

    Makes: the queue (`queue` in `transform`), another one for dead letters (`deadLetterQueue`), which keeps them for 14
    days, an alarm for those (`alarm`), a policy of the function's role (`policy`) and the event source mapping
    (`mapping`). At rest 0.10 USD a month for the alarm, and Lambda's polling: some 650,000 requests a month, 0.26 USD
    where they are beyond the million that is free.
    """

    queue_url: pulumi.Output[str]
    """URL of the queue, to which senders send."""
    queue_arn: pulumi.Output[str]
    """ARN of the queue."""
    dead_letter_queue_url: pulumi.Output[str]
    """URL of the queue of dead letters."""
    sender: pulumi.Output[FunctionAccess]
    """What a function needs to send to the queue: the variable `QUEUE_<NAME>_URL`, and the right to."""

    def __init__(self, name: str, args: QueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the queues and what delivers the messages."""
        super().__init__(name, args, opts, takes=QueueArgs, arguments=ARGUMENTS, children=CHILDREN)
        _check_combinations(name, self._args)

        self._key = self._args.get("kms_key_arn")
        dead_letters = self._dead_letters()
        queue = self._queue(dead_letters)
        self._mapping(queue)
        self._alarm(dead_letters)
        self.queue_url, self.queue_arn, self.dead_letter_queue_url = queue.url, queue.arn, dead_letters.url
        self.sender = pulumi.Output.all(queue.url, queue.arn, self._key or "").apply(self._sender)
        self._register_outputs()

    def _sender(self, known: list[str]) -> FunctionAccess:
        url, arn, key_arn = known
        return function_access({queue_variable(self._name): url}, policies.deliver_to_queue(arn, key_arn))

    def _dead_letters(self) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"{self._name}-dead-letters",
            message_retention_seconds=QUEUE_DAYS * SECONDS_PER_DAY,
            tags=self._tags(f"{self._name}-dead-letters"),
            opts=self._kept("deadLetterQueue"),
            sqs_managed_sse_enabled=True if self._key is None else None,
            kms_master_key_id=self._key,
        )

    def _queue(self, dead_letters: aws.sqs.Queue) -> aws.sqs.Queue:
        args = self._args
        redrive = {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": args["max_receive_count"]}
        return aws.sqs.Queue(
            self._name,
            # A message is out of sight from when Lambda takes it, the wait for its batch included.
            visibility_timeout_seconds=pulumi.Output.all(
                args["function_timeout"], args["maximum_batching_window_in_seconds"]
            ).apply(lambda seconds: seconds[0] * TIMEOUTS_OF_VISIBILITY + seconds[1]),
            message_retention_seconds=pulumi.Output.from_input(args["retention_days"]).apply(
                lambda days: days * SECONDS_PER_DAY
            ),
            redrive_policy=pulumi.Output.json_dumps(redrive, sort_keys=True),
            tags=self._tags(self._name),
            opts=self._kept("queue"),
            sqs_managed_sse_enabled=True if self._key is None else None,
            kms_master_key_id=self._key,
        )

    def _mapping(self, queue: aws.sqs.Queue) -> None:
        args = self._args
        role_name, _ = role_identity("Queue", self._name, args["role"])
        policy = aws.iam.RolePolicy(
            f"{self._name}-queue",
            role=role_name,
            policy=policy_of(policies.receive_from_queue, queue.arn, self._key or ""),
            opts=self._child("policy", replace_on_changes=["policy"]),
        )
        concurrency = args.get("maximum_concurrency")
        aws.lambda_.EventSourceMapping(
            self._name,
            event_source_arn=queue.arn,
            function_name=args["function_name"],
            batch_size=args["batch_size"],
            maximum_batching_window_in_seconds=args["maximum_batching_window_in_seconds"],
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": concurrency} if concurrency else None,
            tags=self._tags(self._name),
            # Lambda checks the role's permissions when the mapping is created.
            opts=self._child("mapping", depends_on=[policy]),
        )

    def _alarm(self, dead_letters: aws.sqs.Queue) -> None:
        topic, tags = self._args.get("alarm_topic_arn"), self._args.get("tags")
        opts = self._child("alarm")
        register_alarm(
            self._name, DEAD_LETTERS_ALARM, dead_letters.name, limit=1, topic_arn=topic, tags=tags, opts=opts
        )

    def _kept(self, child: str) -> pulumi.ResourceOptions:
        # What holds messages goes only when the program says so.
        return self._child(child, retain_on_delete=not self._args["force_destroy"])


def _check_combinations(name: str, args: QueueArgs) -> None:
    size, window = args["batch_size"], args["maximum_batching_window_in_seconds"]
    # What comes as an output Lambda checks.
    if isinstance(size, int) and isinstance(window, int) and size > BATCH_WITHOUT_WINDOW and not window:
        raise ValueError(
            f"Queue {name!r}: batch_size {size} needs maximum_batching_window_in_seconds: without it a batch has at"
            f" most {BATCH_WITHOUT_WINDOW} messages"
        )
