"""The stream of a DynamoDB table, delivered to a function."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from aurora_lambda import metrics, policies
from aurora_lambda.access import PolicyStatements, merge_statements, policy_of
from aurora_lambda.alarms import register_alarm
from aurora_lambda.arguments import QUEUE_DAYS, SECONDS_PER_DAY
from aurora_lambda.component import Component
from aurora_lambda.filter_patterns import filter_mistakes
from aurora_lambda.function_role import role_identity
from aurora_lambda.naming import function_name
from aurora_lambda.table_stream_args import ARGUMENTS, TableStreamArgs
from aurora_lambda.transform import ChildTypes

CHILDREN: ChildTypes = {
    "bucket": aws.s3.Bucket,
    "bucketEncryption": aws.s3.BucketServerSideEncryptionConfiguration,
    "bucketPublicAccess": aws.s3.BucketPublicAccessBlock,
    "bucketPolicy": aws.s3.BucketPolicy,
    "bucketLifecycle": aws.s3.BucketLifecycleConfiguration,
    "queue": aws.sqs.Queue,
    "policy": aws.iam.RolePolicy,
    "mapping": aws.lambda_.EventSourceMapping,
    "ageAlarm": aws.cloudwatch.MetricAlarm,
    "lostAlarm": aws.cloudwatch.MetricAlarm,
    "givenUpAlarm": aws.cloudwatch.MetricAlarm,
}


@dataclass(frozen=True)
class FailureDestination:
    """Where records go that are given up, and what the function's role needs to deliver them there."""

    arn: pulumi.Output[str]
    statements: pulumi.Output[list[policies.Statement]]


class TableStream(Component[TableStreamArgs]):
    """The changes of a DynamoDB table, delivered to a function, and a place for those that it cannot process.

    Makes: the event source mapping (`mapping` in `transform`); a policy of the function's role (`policy`); a private,
    encrypted bucket (`bucket`, `bucketEncryption`, `bucketPublicAccess`, `bucketPolicy`) with its lifecycle
    (`bucketLifecycle`), or a queue (`queue`); and alarms for records that wait too long (`ageAlarm`), are lost
    (`lostAlarm`) or given up (`givenUpAlarm`). At rest: what is in the bucket, and 0.30 USD a month for the alarms.
    """

    mapping_id: pulumi.Output[str]
    """Id of the event source mapping."""
    failure_destination_arn: pulumi.Output[str]
    """ARN of the bucket or queue for records that are given up; empty where there is none."""
    alarm_arns: pulumi.Output[list[str]]
    """ARNs of the alarms."""

    def __init__(self, name: str, args: TableStreamArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register what delivers the stream's records.

        Raises:
            ValueError: an argument that is not allowed, or a filter that Lambda would refuse.
        """
        super().__init__(name, args, opts, takes=TableStreamArgs, arguments=ARGUMENTS, children=CHILDREN)
        _check_combinations(name, self._args)
        self._role_name, _ = role_identity("TableStream", name, self._args["role"])

        destination = self._failure_destination()
        mapping = self._mapping(self._role_policy(destination), destination)
        self.mapping_id = mapping.uuid
        self.failure_destination_arn = destination.arn if destination else pulumi.Output.from_input("")
        self.alarm_arns = self._alarms(mapping, destination)
        self._register_outputs()

    def _failure_destination(self) -> FailureDestination | None:
        make = {"bucket": self._bucket, "queue": self._queue}.get(self._args["on_failure"])
        return make(f"{self._name}-failures") if make else None

    def _bucket(self, name: str) -> FailureDestination:
        """Register an encrypted, private bucket, which keeps each record whole for the retention time."""
        args, key = self._args, self._args.get("kms_key_arn")
        bucket = aws.s3.Bucket(
            name, force_destroy=args["force_destroy"], tags=self._tags(name), opts=self._kept("bucket")
        )
        default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256" if key is None else "aws:kms", kms_master_key_id=key
        )
        rule = aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=default, bucket_key_enabled=True
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name, bucket=bucket.bucket, rules=[rule], opts=self._kept("bucketEncryption")
        )
        self._keep_private(name, bucket)
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            # The filter is for all objects; without one the provider warns that it is going to refuse.
            rules=[
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {},
                    "expiration": {"days": args["failure_retention_days"]},
                }
            ],
            opts=self._kept("bucketLifecycle"),
        )
        statements = pulumi.Output.all(bucket.arn, key or "").apply(lambda known: policies.deliver_to_bucket(*known))
        return FailureDestination(bucket.arn, statements)

    def _keep_private(self, name: str, bucket: aws.s3.Bucket) -> None:
        aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept("bucketPublicAccess"),
        )
        aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=policy_of(policies.deny_without_tls, bucket.arn),
            opts=self._kept("bucketPolicy"),
        )

    def _queue(self, name: str) -> FailureDestination:
        """Register an encrypted queue, whose messages say where in the stream the records were."""
        key = self._args.get("kms_key_arn")
        queue = aws.sqs.Queue(
            name,
            message_retention_seconds=pulumi.Output.from_input(self._args["failure_retention_days"]).apply(
                lambda days: min(days, QUEUE_DAYS) * SECONDS_PER_DAY
            ),
            sqs_managed_sse_enabled=True if key is None else None,
            kms_master_key_id=key,
            tags=self._tags(name),
            opts=self._kept("queue"),
        )
        statements = pulumi.Output.all(queue.arn, key or "").apply(lambda known: policies.deliver_to_queue(*known))
        return FailureDestination(queue.arn, statements)

    def _kept(self, child: str) -> pulumi.ResourceOptions:
        # A bucket that stays in the account stays private, encrypted and emptied with time.
        return self._child(child, retain_on_delete=not self._args["force_destroy"])

    def _role_policy(self, destination: FailureDestination | None) -> aws.iam.RolePolicy:
        statements = self._args.get("policy_statements", self._statements(destination))
        return aws.iam.RolePolicy(
            self._name,
            role=self._role_name,
            policy=pulumi.Output.all(statements).apply(lambda known: policies.policy_document(merge_statements(known))),
            # The new policy is made first and the old one deleted last: a record that is given up before the mapping
            # is changed can still be delivered, and one that is given up after it already.
            opts=self._child("policy", replace_on_changes=["policy"]),
        )

    def _statements(self, destination: FailureDestination | None) -> PolicyStatements:
        arns = pulumi.Output.all(self._args["stream_arn"], self._args.get("table_kms_key_arn", ""))
        read = arns.apply(lambda known: policies.read_stream(*known))
        deliver = [destination.statements] if destination else []
        return pulumi.Output.all(read, *deliver).apply(
            lambda known: [dict(statement) for statements in known for statement in statements]
        )

    def _mapping(
        self, role_policy: aws.iam.RolePolicy, destination: FailureDestination | None
    ) -> aws.lambda_.EventSourceMapping:
        args = self._args
        filters = [
            aws.lambda_.EventSourceMappingFilterCriteriaFilterArgs(pattern=json.dumps(pattern, sort_keys=True))
            for pattern in args.get("filters", ())
        ]
        return aws.lambda_.EventSourceMapping(
            self._name,
            event_source_arn=args["stream_arn"],
            function_name=args["function_name"],
            starting_position=args["starting_position"],
            batch_size=args["batch_size"],
            maximum_batching_window_in_seconds=args["maximum_batching_window_in_seconds"],
            parallelization_factor=args["parallelization_factor"],
            maximum_retry_attempts=args["maximum_retry_attempts"],
            maximum_record_age_in_seconds=args["maximum_record_age_in_seconds"],
            bisect_batch_on_function_error=args["bisect_batch_on_function_error"],
            function_response_types=pulumi.Output.from_input(args["report_batch_item_failures"]).apply(
                lambda report: ["ReportBatchItemFailures"] if report else []
            ),
            tumbling_window_in_seconds=args["tumbling_window_in_seconds"],
            filter_criteria=aws.lambda_.EventSourceMappingFilterCriteriaArgs(filters=filters) if filters else None,
            destination_config={"on_failure": {"destination_arn": destination.arn}} if destination else None,
            metrics_config={"metrics": ["EventCount"]},
            enabled=args["enabled"],
            tags=self._tags(self._name),
            # Lambda checks the role's permissions when the mapping is created, takes no second mapping of a stream to
            # a function, and the provider's update does not take a destination away. It does change one, by which no
            # record comes again.
            opts=self._child(
                "mapping",
                depends_on=[role_policy],
                delete_before_replace=True,
                replace_on_changes=None if destination else ["destinationConfig"],
            ),
        )

    def _alarms(
        self, mapping: aws.lambda_.EventSourceMapping, destination: FailureDestination | None
    ) -> pulumi.Output[list[str]]:
        """Register alarms for a stream that falls behind, for records that are given up and for those that are lost.

        A record that its destination does not take, for want of a permission or a key, is lost: it counts as dropped.
        """
        args, age = self._args, self._args["alarm_iterator_age_seconds"]
        name = pulumi.Output.from_input(args["function_name"]).apply(function_name)
        alarms = {
            "ageAlarm": (metrics.AGE_ALARM, name, age),
            "lostAlarm": (metrics.LOST_ALARM, mapping.uuid, 1),
            "givenUpAlarm": (metrics.GIVEN_UP_ALARM, mapping.uuid, 1),
        }
        if destination is None:
            del alarms["givenUpAlarm"]
        topic, tags = args.get("alarm_topic_arn"), args.get("tags")
        made = [
            register_alarm(self._name, alarm, id_, limit=limit, topic_arn=topic, tags=tags, opts=self._child(child))
            for child, (alarm, id_, limit) in alarms.items()
        ]
        return pulumi.Output.all(*(alarm.arn for alarm in made))


def _check_combinations(name: str, args: TableStreamArgs) -> None:
    if mistakes := filter_mistakes(args.get("filters", ()), args["filter_quota"]):
        raise ValueError(f"TableStream {name!r}: {'; '.join(mistakes)}")
    window, factor = args["tumbling_window_in_seconds"], args["parallelization_factor"]
    # What comes as an output Lambda checks.
    if isinstance(window, int) and isinstance(factor, int) and window and factor > 1:
        raise ValueError(
            f"TableStream {name!r}: parallelization_factor is {factor}; must be 1 beside"
            " tumbling_window_in_seconds, since a shard has one window at a time"
        )
