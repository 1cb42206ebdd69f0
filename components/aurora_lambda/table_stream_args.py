"""The arguments of `TableStream`: what they mean, what they take, and their defaults."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from aurora_lambda.access import PolicySources
from aurora_lambda.arguments import Argument, choice, flag, text, whole_number
from aurora_lambda.naming import Tags

HOUR = 3600
DAY = 24 * HOUR
# An event filter in Lambda's own words, such as {"dynamodb": {"Keys": {"id": {"S": ["1"]}}}}.
FilterPattern = dict[str, Any]


class TableStreamArgs(TypedDict):
    """Which table's changes go to which function, and what becomes of those it cannot process."""

    table_name: str
    """The table, without the prefix."""
    function_name: pulumi.Input[str]
    """Name of the function that gets the records."""
    role_name: pulumi.Input[str]
    """Name of the function's role; this component gives it the right to read the stream."""
    name_prefix: NotRequired[str]
    """What the table's name begins with; empty for nothing. Default: the project and the stack, as in `demo-dev-`."""
    stream_arn: NotRequired[pulumi.Input[str]]
    """ARN of the table's stream, where that is known, such as from another `TableStream` of the table. The table's own
    arguments below then mean nothing. At most two functions can read one stream."""
    existing_table: NotRequired[bool]
    """Whether the table exists already. Its stream has to be enabled; the keys, the view type, the protection and the
    encryption below are then ignored."""
    partition_key: NotRequired[str]
    """Name of the partition key."""
    partition_key_type: NotRequired[str]
    """Type of the partition key: string, number or binary."""
    sort_key: NotRequired[str]
    """Name of the sort key. Default: none."""
    sort_key_type: NotRequired[str]
    """Type of the sort key: string, number or binary."""
    stream_view_type: NotRequired[str]
    """What a record holds of the item."""
    point_in_time_recovery: NotRequired[bool]
    """Whether the table can be restored to any second of the last 35 days."""
    deletion_protection: NotRequired[bool]
    """Whether AWS and Pulumi refuse to delete the table."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the table and the records given up. Default: AWS's own keys."""
    starting_position: NotRequired[str]
    """Where to begin: with the oldest record that the stream still has, or with the next one."""
    batch_size: NotRequired[int]
    """Records in a batch at most."""
    maximum_batching_window_in_seconds: NotRequired[int]
    """How long to wait for a batch to fill."""
    parallelization_factor: NotRequired[int]
    """Batches of one shard that are processed at the same time; the changes of one item stay in order."""
    maximum_retry_attempts: NotRequired[int]
    """How often a failing batch is tried again; -1: until its records are too old."""
    maximum_record_age_in_seconds: NotRequired[int]
    """Age at which a record is given up; -1: when the stream drops it, after a day."""
    bisect_batch_on_function_error: NotRequired[bool]
    """Whether a failing batch is halved, which finds the record that fails."""
    report_batch_item_failures: NotRequired[bool]
    """Whether the function's answer names the first record that failed, so that those before it are done."""
    tumbling_window_in_seconds: NotRequired[int]
    """Length of the windows over which the function aggregates; 0: none."""
    filters: NotRequired[Sequence[FilterPattern]]
    """Event filter patterns; a record that none matches does not reach the function. Default: all do."""
    enabled: NotRequired[bool]
    """Whether records are delivered."""
    on_failure: NotRequired[str]
    """Where records that are given up go: a bucket, which keeps them whole, a queue, which is told where they were, or
    nowhere."""
    failure_retention_days: NotRequired[int]
    """How long they are kept there; a queue keeps them 14 days at most."""
    policy_statements: NotRequired[PolicySources]
    """IAM policy statements from any number of sources, in place of those generated for the stream."""
    alarm_iterator_age_seconds: NotRequired[int]
    """Age of the oldest unprocessed record that raises an alarm."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic that is told of alarms. Default: nobody is."""
    tags: NotRequired[Tags]
    """Tags of every resource."""


KEY_TYPES = ("S", "N", "B")
# Sources: DynamoDB developer guide, "Naming rules"; Lambda API reference, CreateEventSourceMapping.
ARGUMENTS: Mapping[str, Argument] = {
    "table_name": text(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, '_', '-' and '.'"),
    "name_prefix": text(r"[A-Za-z0-9_.-]*", "letters, digits, '_', '-' and '.'"),
    "stream_arn": text(
        r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/[\w.-]+/stream/[\w.:-]+", "the ARN of a table's stream"
    ),
    "existing_table": flag(default=False),
    "partition_key": text(r".{1,255}", "1 to 255 characters", "id"),
    "partition_key_type": choice(*KEY_TYPES, default="S"),
    "sort_key": text(r".{1,255}", "1 to 255 characters"),
    "sort_key_type": choice(*KEY_TYPES, default="S"),
    "stream_view_type": choice(
        "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY", default="NEW_AND_OLD_IMAGES"
    ),
    "point_in_time_recovery": flag(default=True),
    "deletion_protection": flag(default=False),
    "kms_key_arn": text(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+", "the ARN of a KMS key"),
    "starting_position": choice("TRIM_HORIZON", "LATEST", default="TRIM_HORIZON"),
    "batch_size": whole_number(1, 10_000, "records", 100),
    "maximum_batching_window_in_seconds": whole_number(0, 300, "seconds", 0),
    "parallelization_factor": whole_number(1, 10, "batches", 1),
    "maximum_retry_attempts": whole_number(-1, 10_000, "attempts", 5),
    "maximum_record_age_in_seconds": whole_number(60, 7 * DAY, "seconds", 6 * HOUR, or_minus_one=True),
    "bisect_batch_on_function_error": flag(default=True),
    "report_batch_item_failures": flag(default=True),
    "tumbling_window_in_seconds": whole_number(0, 900, "seconds", 0),
    "enabled": flag(default=True),
    "on_failure": choice("bucket", "queue", "nowhere", default="bucket"),
    "failure_retention_days": whole_number(1, 3650, "days", 30),
    "alarm_iterator_age_seconds": whole_number(1, DAY, "seconds", HOUR // 4),
}
