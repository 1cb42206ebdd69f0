"""An Aurora cluster that is made from the data of another one."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

RESTORED_FROM = ("snapshot_identifier", "restore_cluster_identifier", "restore_time")


def restored_from(args: Mapping[str, Any]) -> list[pulumi.Input[str]]:
    """Return what says which data a cluster is made from: another one is another cluster."""
    return [args[key] for key in RESTORED_FROM if key in args]


def restore_point(args: Mapping[str, Any]) -> aws.rds.ClusterRestoreToPointInTimeArgs | None:
    """Return what a cluster is restored from, where another cluster is given."""
    if "restore_cluster_identifier" not in args:
        return None
    when = args.get("restore_time")
    return aws.rds.ClusterRestoreToPointInTimeArgs(
        source_cluster_identifier=args["restore_cluster_identifier"],
        # RDS's default, which the provider would send as an empty text.
        restore_type="full-copy",
        restore_to_time=when,
        use_latest_restorable_time=True if when is None else None,
    )


def restored_as_asked(name: str, args: Mapping[str, Any], cluster: aws.rds.Cluster) -> list[pulumi.Output[None]]:
    """Return outputs that are known once a cluster made from other data is found to be as it was asked for.

    They raise `RunError` where it is not encrypted, as its snapshot is not, or takes no IAM tokens although the
    application logs in by them: the provider does not ask for them when it restores a snapshot, but in its next update.
    Source: https://github.com/hashicorp/terraform-provider-aws/issues/35189
    """
    if not restored_from(args):
        return []

    def check(identifier: str, encrypted: bool | None, takes_tokens: bool) -> None:
        start = f"AuroraDatabase {name!r}: the restored cluster {identifier!r}"
        # Pulumi's mocks say nothing of what the program leaves to AWS.
        if encrypted is False:
            raise pulumi.RunError(
                f"{start} is not encrypted, as its source is not; give kms_key_id, kmsKeyArn in a stack's file, which"
                " encrypts it"
            )
        if args["auth"] == "iam" and not takes_tokens:
            raise pulumi.RunError(f"{start} takes no IAM tokens yet. Type once more: pulumi up")

    known = (cluster.cluster_identifier, cluster.storage_encrypted, cluster.iam_database_authentication_enabled)
    return [pulumi.Output.all(*known).apply(lambda found: check(*found))]
