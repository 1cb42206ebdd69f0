"""The metrics that AWS documents of what a stack is made of, with their dimensions, by the pages that do."""

LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
URLS = "https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html"
# With https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/dimensions.html
AURORA = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html"
SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
DSQL = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/cloudwatch-monitoring.html"
BACKUP = "https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html"
DOCUMENTED: dict[str, tuple[str, dict[tuple[str, ...], set[str]]]] = {
    LAMBDA: (
        "AWS/Lambda",
        {
            ("FunctionName",): {
                "Invocations",
                "Errors",
                "Throttles",
                "Duration",
                "IteratorAge",
                "ConcurrentExecutions",
            },
            ("EventSourceMappingUUID",): {
                "PolledEventCount",
                "FilteredOutEventCount",
                "InvokedEventCount",
                "FailedInvokeEventCount",
                "DroppedEventCount",
                "OnFailureDestinationDeliveredEventCount",
                "DeletedEventCount",
            },
        },
    ),
    URLS: (
        "AWS/Lambda",
        {("FunctionName",): {"UrlRequestCount", "Url4xxCount", "Url5xxCount", "UrlRequestLatency"}},
    ),
    SQS: ("AWS/SQS", {("QueueName",): {"ApproximateNumberOfMessagesVisible"}}),
    AURORA: (
        "AWS/RDS",
        {
            ("DBClusterIdentifier", "Role"): {
                "ACUUtilization",
                "AuroraReplicaLag",
                "CommitLatency",
                "DatabaseConnections",
                "FreeableMemory",
                "ServerlessDatabaseCapacity",
            }
        },
    ),
    DSQL: (
        "AWS/AuroraDSQL",
        {
            ("ClusterId",): {
                "ReadOnlyTransactions",
                "TotalTransactions",
                "QueryTimeouts",
                "OccConflicts",
                "CommitLatency",
                "BytesWritten",
                "BytesRead",
                "ComputeTime",
                "ClusterStorageSize",
            },
            ("ResourceId",): {"WriteDPU", "ReadDPU", "ComputeDPU", "TotalDPU"},
        },
    ),
    BACKUP: ("AWS/Backup", {("BackupVaultName",): {"NumberOfBackupJobsCompleted", "NumberOfBackupJobsFailed"}}),
}


def is_documented(namespace: str, name: str, dimensions: tuple[str, ...]) -> bool:
    """Return whether a page documents the metric with exactly these dimensions."""
    return any(
        page_namespace == namespace and name in names.get(dimensions, ())
        for page_namespace, names in DOCUMENTED.values()
    )
