"""The arguments of `TableStream`: what they mean, what they take, and their defaults."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from aurora_lambda.access import PolicyStatements
from aurora_lambda.arguments import KMS_KEY, Argument, choice, flag, text, whole_number
from aurora_lambda.function_role import Role
from aurora_lambda.naming import Tags
from aurora_lambda.transform import Transform

HOUR = 3600
DAY = 24 * HOUR
MIN_FILTER_QUOTA = 5
# An event filter in Lambda's own words, such as {"dynamodb": {"Keys": {"id": {"S": ["1"]}}}}.
FilterPattern = dict[str, Any]


class TableStreamArgs(TypedDict):
    """Which table's changes go to which function, and what becomes of those it cannot process."""

    stream_arn: pulumi.Input[str]
    """ARN of the table's stream, as a `StreamTable` has it. At most two functions can read one stream."""
    function_name: pulumi.Input[str]
    """Name of the function that gets the records."""
    role: Role
    """The function's role, a `FunctionRole` or another one, or the role's ARN. This component gives it the right to
    read the stream."""
    table_kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the table, which reading its stream takes. Default, and where empty: AWS's own."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the records given up. Default: AWS's own keys. Filters are encrypted by Lambda's own
    key in any case: with another one Lambda would need a statement in the key's policy."""
    starting_position: NotRequired[pulumi.Input[str]]
    """Where to begin: with the oldest record that the stream still has, or with the next one. A change replaces the
    mapping, which begins there anew."""
    batch_size: NotRequired[pulumi.Input[int]]
    """Records in a batch at most."""
    maximum_batching_window_in_seconds: NotRequired[pulumi.Input[int]]
    """How long to wait for a batch to fill."""
    parallelization_factor: NotRequired[pulumi.Input[int]]
    """Batches of one shard that are processed at the same time; the changes of one item stay in order."""
    maximum_retry_attempts: NotRequired[pulumi.Input[int]]
    """How often a failing batch is tried again; -1: until its records are too old."""
    maximum_record_age_in_seconds: NotRequired[pulumi.Input[int]]
    """Age at which a record is given up; -1: when the stream drops it, after a day."""
    bisect_batch_on_function_error: NotRequired[pulumi.Input[bool]]
    """Whether a failing batch is halved, which finds the record that fails."""
    report_batch_item_failures: NotRequired[pulumi.Input[bool]]
    """Whether the function's answer names the first record that failed, so that those before it are done."""
    tumbling_window_in_seconds: NotRequired[pulumi.Input[int]]
    """Length of the windows over which the function aggregates; 0: none."""
    filters: NotRequired[Sequence[FilterPattern]]
    """Event filter patterns; a record that none matches does not reach the function. Default: all do.
    Plain, since they are checked first."""
    filter_quota: NotRequired[int]
    """How many filters a mapping may have; more than 5 where AWS has raised the account's quota. Plain, since the
    filters are checked by it."""
    enabled: NotRequired[pulumi.Input[bool]]
    """Whether records are delivered."""
    on_failure: NotRequired[str]
    """Where records that are given up go: a bucket, which keeps them whole, a queue, which is told where they were, or
    nowhere. A change replaces the mapping, which begins at the starting position anew. Plain, since it decides which
    resources there are."""
    force_destroy: NotRequired[bool]
    """Whether the destination is deleted with the records in it once it is no longer part of the stack. Otherwise it
    stays in the account, as it is. Plain, since Pulumi has to know it first."""
    failure_retention_days: NotRequired[pulumi.Input[int]]
    """How long they are kept there; a queue keeps them 14 days at most."""
    policy_statements: NotRequired[PolicyStatements]
    """IAM policy statements in place of those generated for the stream."""
    alarm_iterator_age_seconds: NotRequired[pulumi.Input[int]]
    """Age of the oldest unprocessed record that raises an alarm."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic that is told of alarms. Default: nobody is."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


# Sources: Lambda API reference, CreateEventSourceMapping.
ARGUMENTS: Mapping[str, Argument] = {
    "stream_arn": text(
        r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/[\w.-]+/stream/[\w.:-]+", "the ARN of a table's stream"
    ),
    "kms_key_arn": KMS_KEY,
    "starting_position": choice("TRIM_HORIZON", "LATEST", default="TRIM_HORIZON"),
    "batch_size": whole_number(1, 10_000, "records", 100),
    "maximum_batching_window_in_seconds": whole_number(0, 300, "seconds", 0),
    "parallelization_factor": whole_number(1, 10, "batches", 1),
    "maximum_retry_attempts": whole_number(-1, 10_000, "attempts", 5),
    "maximum_record_age_in_seconds": whole_number(60, 7 * DAY, "seconds", 6 * HOUR, or_minus_one=True),
    "bisect_batch_on_function_error": flag(default=True),
    "report_batch_item_failures": flag(default=True),
    "tumbling_window_in_seconds": whole_number(0, 900, "seconds", 0),
    # Source: AWS Lambda developer guide, "Control which events Lambda sends to your function".
    "filter_quota": whole_number(MIN_FILTER_QUOTA, 10, "filters", MIN_FILTER_QUOTA),
    "enabled": flag(default=True),
    "on_failure": choice("bucket", "queue", "nowhere", default="bucket"),
    "force_destroy": flag(default=False),
    "failure_retention_days": whole_number(1, 3650, "days", 30),
    "alarm_iterator_age_seconds": whole_number(1, DAY, "seconds", HOUR // 4),
}
