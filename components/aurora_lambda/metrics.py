"""CloudWatch's metrics of what a stack is made of, the alarms on them and their graphs: values, made without Pulumi."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

Id = TypeVar("Id")


@dataclass(frozen=True)
class Metric:
    """A metric as AWS documents it, of one resource, and how its samples of a period become one value.

    `role` is the second dimension of a metric that Aurora gives for its writer or its readers. Source: Aurora user
    guide, "Creating CloudWatch alarms to monitor Amazon Aurora", which asks for these in place of those of an instance.
    """

    namespace: str
    name: str
    dimension: str
    statistic: str = "Sum"
    unit: str = "Count"
    role: str = ""

    def dimensions(self, id_: Id) -> dict[str, Id | str]:
        """Return the metric's dimensions for the resource of this id."""
        return {self.dimension: id_, **({"Role": self.role} if self.role else {})}


@dataclass(frozen=True)
class Window:
    """How long a metric is looked at: an alarm rings for `datapoints` of the last `periods`, each of `period` seconds.

    A period without data never counts: an idle function and a paused cluster send none.
    """

    period: int
    periods: int = 1
    datapoints: int = 1


@dataclass(frozen=True)
class Alarm:
    """When a metric raises an alarm: above its threshold, or `below`, for as long as its window says.

    `threshold` is a value of the metric, or for each unit of the resource's limit `per`; with `percent_of` the metric
    is taken in percent of that one.
    """

    suffix: str
    metric: Metric
    threshold: float
    window: Window
    meaning: str
    per: str = ""
    percent_of: Metric | None = None
    below: bool = False


@dataclass(frozen=True)
class Kind:
    """What is watched of one kind of resource: its alarms, and its graphs by their titles."""

    alarms: tuple[Alarm, ...]
    graphs: Mapping[str, tuple[Metric, ...]]


MINUTE, FIVE_MINUTES, QUARTER_OF_AN_HOUR = Window(60), Window(300), Window(300, periods=3, datapoints=3)
# The first request after a pause waits for the cluster and may fail, at most every six minutes.
THREE_MINUTES_OF_FIVE = Window(60, periods=5, datapoints=3)
# What is tried once a day is well again when the next one is.
DAY = Window(3600, periods=24)
LAMBDA, FUNCTION, MAPPING = "AWS/Lambda", "FunctionName", "EventSourceMappingUUID"
AURORA, CLUSTER, WRITER = "AWS/RDS", "DBClusterIdentifier", "WRITER"
DSQL = "AWS/AuroraDSQL"

# https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html: by FunctionName for every alias too.
REQUESTS = Metric(LAMBDA, "UrlRequestCount", FUNCTION)
CLIENT_ERRORS = Metric(LAMBDA, "Url4xxCount", FUNCTION)
SERVER_ERRORS = Metric(LAMBDA, "Url5xxCount", FUNCTION)
LATENCY = Metric(LAMBDA, "UrlRequestLatency", FUNCTION, "Average", "Milliseconds")
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
INVOCATIONS = Metric(LAMBDA, "Invocations", FUNCTION)
ERRORS = Metric(LAMBDA, "Errors", FUNCTION)
THROTTLES = Metric(LAMBDA, "Throttles", FUNCTION)
MEDIAN_DURATION = Metric(LAMBDA, "Duration", FUNCTION, "p50", "Milliseconds")
LONG_DURATION = Metric(LAMBDA, "Duration", FUNCTION, "p99", "Milliseconds")
CONCURRENCY = Metric(LAMBDA, "ConcurrentExecutions", FUNCTION, "Maximum")
ITERATOR_AGE = Metric(LAMBDA, "IteratorAge", FUNCTION, "Maximum", "Milliseconds")
# The same page, "Event source mapping metrics": those of EventCount, which a mapping has to ask for.
POLLED = Metric(LAMBDA, "PolledEventCount", MAPPING)
INVOKED = Metric(LAMBDA, "InvokedEventCount", MAPPING)
GIVEN_UP = Metric(LAMBDA, "OnFailureDestinationDeliveredEventCount", MAPPING)
DROPPED = Metric(LAMBDA, "DroppedEventCount", MAPPING)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
WAITING = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "Maximum")
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
# A paused instance sends zero for the first two and none of the others. Source: Aurora user guide, "Scaling to Zero
# ACUs with automatic pause and resume", monitoring. FreeableMemory counts what the largest capacity would have free.
CAPACITY = Metric(AURORA, "ServerlessDatabaseCapacity", CLUSTER, "Maximum", role=WRITER)
UTILIZATION = Metric(AURORA, "ACUUtilization", CLUSTER, "Minimum", "Percent", WRITER)
CONNECTIONS = Metric(AURORA, "DatabaseConnections", CLUSTER, "Maximum", role=WRITER)
FREE_MEMORY = Metric(AURORA, "FreeableMemory", CLUSTER, "Maximum", "Bytes", WRITER)
COMMITS = Metric(AURORA, "CommitLatency", CLUSTER, "Average", "Milliseconds", WRITER)
REPLICA_LAG = Metric(AURORA, "AuroraReplicaLag", CLUSTER, "Maximum", "Milliseconds", "READER")
# https://docs.aws.amazon.com/aurora-dsql/latest/userguide/cloudwatch-monitoring.html
TRANSACTIONS = Metric(DSQL, "TotalTransactions", "ClusterId")
READ_ONLY = Metric(DSQL, "ReadOnlyTransactions", "ClusterId")
CONFLICTS = Metric(DSQL, "OccConflicts", "ClusterId")
TIMEOUTS = Metric(DSQL, "QueryTimeouts", "ClusterId")
DSQL_COMMITS = Metric(DSQL, "CommitLatency", "ClusterId", "Average", "Milliseconds")
STORAGE = Metric(DSQL, "ClusterStorageSize", "ClusterId", "Maximum", "Bytes")
# What is billed has another dimension than what is observed.
USAGE = Metric(DSQL, "TotalDPU", "ResourceId")
# https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
BACKED_UP = Metric("AWS/Backup", "NumberOfBackupJobsCompleted", "BackupVaultName")
NOT_BACKED_UP = Metric("AWS/Backup", "NumberOfBackupJobsFailed", "BackupVaultName")

# Of a stream, on the function and on the mapping: `TableStream` makes these itself.
AGE_ALARM = Alarm("age", ITERATOR_AGE, 1000, MINUTE, "records wait too long", "age_seconds")
LOST_ALARM = Alarm("lost", DROPPED, 0, MINUTE, "records are lost")
GIVEN_UP_ALARM = Alarm("given-up", GIVEN_UP, 0, MINUTE, "records are given up and kept")
# Of the dead letters of a `Queue`, which makes it itself.
DEAD_LETTERS_ALARM = Alarm("dead-letters", WAITING, 0, MINUTE, "messages are given up and kept")
# A fraction of a unit's 2 GiB, and of what a DSQL cluster may hold by default. Source: Aurora DSQL user guide, "Cluster
# quotas and database limits".
FREE_BYTES_PER_UNIT, DSQL_BYTES = 0.05 * 2 * 1024**3, 0.9 * 10 * 1024**4

KINDS: Mapping[str, Kind] = {
    "url": Kind(
        (Alarm("5xx", SERVER_ERRORS, 0, THREE_MINUTES_OF_FIVE, "the function URL answers with 5xx"),),
        {"Requests": (REQUESTS, CLIENT_ERRORS, SERVER_ERRORS), "Latency": (LATENCY,)},
    ),
    "function": Kind(
        (
            Alarm("errors", ERRORS, 0, THREE_MINUTES_OF_FIVE, "invocations fail or run out of time"),
            Alarm("throttles", THROTTLES, 0, THREE_MINUTES_OF_FIVE, "invocations are refused for want of concurrency"),
            Alarm(
                "duration", LONG_DURATION, 900, THREE_MINUTES_OF_FIVE, "one in a hundred nearly times out", "timeout"
            ),
        ),
        {
            "Invocations": (INVOCATIONS, ERRORS, THROTTLES),
            "Duration": (MEDIAN_DURATION, LONG_DURATION),
            "Concurrency": (CONCURRENCY,),
            "Age of records": (ITERATOR_AGE,),
        },
    ),
    "events": Kind(
        (Alarm("failed-events", WAITING, 0, MINUTE, "events were given up and are kept"),),
        {"Failed events": (WAITING,)},
    ),
    "migrations": Kind(
        (Alarm("failed", ERRORS, 0, MINUTE, "a migration failed"),),
        {"Migrations": (INVOCATIONS, ERRORS), "Duration": (LONG_DURATION,)},
    ),
    "stream": Kind((), {"Records": (POLLED, INVOKED), "Not processed": (GIVEN_UP, DROPPED)}),
    "aurora": Kind(
        (
            Alarm("capacity", UTILIZATION, 1, QUARTER_OF_AN_HOUR, "the writer stays at its largest", "busy"),
            Alarm("connections", CONNECTIONS, 0.9, THREE_MINUTES_OF_FIVE, "nearly all are taken", "connections"),
            Alarm("memory", FREE_MEMORY, FREE_BYTES_PER_UNIT, QUARTER_OF_AN_HOUR, "runs out", "capacity", below=True),
        ),
        {"Capacity": (CAPACITY,), "Connections": (CONNECTIONS,), "Commits": (COMMITS,), "Memory": (FREE_MEMORY,)},
    ),
    "readers": Kind(
        (Alarm("lag", REPLICA_LAG, 1000, Window(60, 5, 5), "a reader is a second behind the writer"),),
        {"Lag of the readers": (REPLICA_LAG,)},
    ),
    "dsql": Kind(
        (
            Alarm("conflicts", CONFLICTS, 10, QUARTER_OF_AN_HOUR, "one transaction in ten", percent_of=TRANSACTIONS),
            Alarm("timeouts", TIMEOUTS, 0, FIVE_MINUTES, "a query ran into the time limit of a transaction"),
            Alarm("storage", STORAGE, DSQL_BYTES, FIVE_MINUTES, "the cluster holds nearly as much as it may"),
        ),
        {
            "Transactions": (TRANSACTIONS, READ_ONLY, CONFLICTS, TIMEOUTS),
            "Commits": (DSQL_COMMITS,),
            "Usage": (USAGE,),
            "Storage": (STORAGE,),
        },
    ),
    "backup": Kind(
        (Alarm("failed", NOT_BACKED_UP, 0, DAY, "a backup failed: the copies before it are the last"),),
        {"Backups": (BACKED_UP, NOT_BACKED_UP)},
    ),
}
