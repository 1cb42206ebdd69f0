"""The on-failure destination of a stream, for records that its function failed on: a private bucket, or a queue."""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.naming import Tags, resource_tags
from aurora_lambda.transform import ChildTypes

SECONDS_PER_DAY = 86_400
# Source: Amazon SQS API reference, SetQueueAttributes.
QUEUE_DAYS = 14
CHILDREN: ChildTypes = {
    "bucket": aws.s3.Bucket,
    "bucketEncryption": aws.s3.BucketServerSideEncryptionConfiguration,
    "bucketPublicAccess": aws.s3.BucketPublicAccessBlock,
    "bucketPolicy": aws.s3.BucketPolicy,
    "bucketLifecycle": aws.s3.BucketLifecycleConfiguration,
    "queue": aws.sqs.Queue,
}


@dataclass(frozen=True)
class FailureDestination:
    """A destination, and what a function's role needs to deliver to it."""

    arn: pulumi.Output[str]
    statements: pulumi.Output[list[policies.Statement]]


@dataclass(frozen=True)
class FailureDestinations:
    """Makes the destination of one stream; `child` gives its parts their resource options."""

    child: Callable[..., pulumi.ResourceOptions]
    name: str
    retention_days: pulumi.Input[int]
    kms_key_arn: pulumi.Input[str] | None
    force_destroy: bool
    tags: Tags | None

    def bucket(self) -> FailureDestination:
        """Return an encrypted, private bucket, which keeps each record whole for the retention time."""
        bucket = aws.s3.Bucket(
            self.name,
            force_destroy=self.force_destroy,
            tags=resource_tags(self.tags, self.name),
            opts=self._options("bucket"),
        )
        self._encrypt(bucket)
        self._keep_private(bucket)
        aws.s3.BucketLifecycleConfiguration(
            self.name,
            bucket=bucket.bucket,
            # The filter is for all objects; without one the provider warns that it is going to refuse.
            rules=[
                {"id": "expire", "status": "Enabled", "filter": {}, "expiration": {"days": self.retention_days}},
            ],
            opts=self._options("bucketLifecycle"),
        )
        return FailureDestination(bucket.arn, self._known(bucket.arn, policies.deliver_to_bucket))

    def queue(self) -> FailureDestination:
        """Return an encrypted queue, whose messages say where in the stream the records were."""
        queue = aws.sqs.Queue(
            self.name,
            message_retention_seconds=pulumi.Output.from_input(self.retention_days).apply(
                lambda days: min(days, QUEUE_DAYS) * SECONDS_PER_DAY
            ),
            sqs_managed_sse_enabled=True if self.kms_key_arn is None else None,
            kms_master_key_id=self.kms_key_arn,
            tags=resource_tags(self.tags, self.name),
            opts=self._options("queue"),
        )
        return FailureDestination(queue.arn, self._known(queue.arn, policies.deliver_to_queue))

    def _known(
        self, arn: pulumi.Output[str], statements: Callable[[str, str], list[policies.Statement]]
    ) -> pulumi.Output[list[policies.Statement]]:
        return pulumi.Output.all(arn, self.kms_key_arn or "").apply(lambda known: statements(*known))

    def _encrypt(self, bucket: aws.s3.Bucket) -> None:
        default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256" if self.kms_key_arn is None else "aws:kms",
            kms_master_key_id=self.kms_key_arn,
        )
        rule = aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=default, bucket_key_enabled=True
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            self.name, bucket=bucket.bucket, rules=[rule], opts=self._options("bucketEncryption")
        )

    def _keep_private(self, bucket: aws.s3.Bucket) -> None:
        aws.s3.BucketPublicAccessBlock(
            self.name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._options("bucketPublicAccess"),
        )
        aws.s3.BucketPolicy(
            self.name,
            bucket=bucket.bucket,
            policy=bucket.arn.apply(lambda arn: policies.policy_document([policies.deny_without_tls(arn)])),
            opts=self._options("bucketPolicy"),
        )

    def _options(self, child: str) -> pulumi.ResourceOptions:
        # A bucket that stays in the account stays private, encrypted and emptied with time.
        return self.child(child, retain_on_delete=not self.force_destroy)
