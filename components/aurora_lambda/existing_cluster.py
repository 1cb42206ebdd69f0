"""An Aurora cluster that exists already, looked up and never changed, or one that is made from another's data."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from aurora_lambda.aurora_args import DEFAULT_ROLE, AuroraDatabaseArgs
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.database_access import MASTER_USERNAME

# What is made beside a cluster that exists.
MADE_BESIDE = ("ingressRule", "egressRule", "secret", "secretsEndpointPolicy")
ROLE_LENGTH = 32
RESTORED_FROM = ("snapshot_identifier", "restore_cluster_identifier", "restore_time")


def looked_up(name: str, args: AuroraDatabaseArgs, parent: pulumi.Resource) -> aws.rds.Cluster:
    """Return the cluster that `cluster_identifier` names, read from AWS."""
    return aws.rds.Cluster.get(
        name,
        args["cluster_identifier"],
        # What follows is replaced by what AWS answers; where there is no AWS, it is all that is known.
        cluster_identifier=args["cluster_identifier"],
        engine=RDS_ENGINES[args["engine"]].name,
        iam_database_authentication_enabled=True,
        manage_master_user_password=True,
        master_username=MASTER_USERNAME,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def usable(name: str, args: AuroraDatabaseArgs, cluster: aws.rds.Cluster) -> pulumi.Output[None]:
    """Return an output that is known once the cluster is found to be of use.

    It raises `RunError` where the cluster is of another engine, keeps its master password elsewhere, or takes no IAM
    tokens although the application logs in by them.
    """
    identifier, wanted = args["cluster_identifier"], RDS_ENGINES[args["engine"]].name

    def check(engine: str, secrets: list[object] | None, takes_tokens: bool | None) -> None:
        start = f"AuroraDatabase {name!r}: the cluster {identifier!r}"
        if engine != wanted:
            raise pulumi.RunError(f"{start} is of engine {engine}; must be {wanted}")
        if not secrets:
            raise pulumi.RunError(
                f"{start} has no master password that RDS manages, which the migration runner logs in with. Type: aws"
                f" rds modify-db-cluster --db-cluster-identifier {identifier} --manage-master-user-password"
            )
        if args.get("auth", "iam") == "iam" and not takes_tokens:
            raise pulumi.RunError(
                f"{start} takes no IAM tokens. Type: aws rds modify-db-cluster --db-cluster-identifier {identifier}"
                " --enable-iam-database-authentication; or let the application log in by a password"
            )

    known = pulumi.Output.all(cluster.engine, cluster.master_user_secrets, cluster.iam_database_authentication_enabled)
    return known.apply(lambda found: check(*found))


def master_key(args: AuroraDatabaseArgs, cluster: aws.rds.Cluster) -> pulumi.Input[str]:
    """Return the ARN of the key of an existing cluster's master password; empty for a cluster of one's own."""
    if "cluster_identifier" not in args:
        return ""
    return cluster.master_user_secrets.apply(lambda found: (found[0].kms_key_id or "") if found else "")


def owner(args: AuroraDatabaseArgs) -> pulumi.Input[str]:
    """Return whose the database in an existing cluster is; empty for a cluster of one's own."""
    if "cluster_identifier" not in args:
        return ""
    return args.get("owner", f"{pulumi.get_project()}/{pulumi.get_stack()}")


def runtime_role(args: AuroraDatabaseArgs) -> pulumi.Input[str]:
    """Return the application's role: in an existing cluster one of its own, as other applications have theirs."""
    if "runtime_role" in args or "cluster_identifier" not in args:
        return args.get("runtime_role", DEFAULT_ROLE)
    suffix = "_runtime"
    return pulumi.Output.from_input(args["schema"]).apply(lambda name: f"{name[: ROLE_LENGTH - len(suffix)]}{suffix}")


def restored_from(args: Mapping[str, Any]) -> list[pulumi.Input[str]]:
    """Return what says which data a cluster is made from: another one is another cluster."""
    return [args[key] for key in RESTORED_FROM if key in args]


def restore_point(args: AuroraDatabaseArgs) -> aws.rds.ClusterRestoreToPointInTimeArgs | None:
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


def restored_as_asked(name: str, args: AuroraDatabaseArgs, cluster: aws.rds.Cluster) -> list[pulumi.Output[None]]:
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
