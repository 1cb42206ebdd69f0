"""An Aurora cluster that exists already, as another stack made it: looked up, checked, and never changed."""

import pulumi
import pulumi_aws as aws

from aurora_lambda.aurora_access import MASTER_USERNAME
from aurora_lambda.aurora_args import DEFAULT_ROLE, AuroraDatabaseArgs
from aurora_lambda.aurora_engines import RDS_ENGINES

# What is made beside a cluster that exists.
BESIDE_EXISTING = ("ingressRule", "egressRule", "secret", "secretsEndpointPolicy")
ROLE_LENGTH = 32


def existing_cluster(name: str, args: AuroraDatabaseArgs, parent: pulumi.Resource) -> aws.rds.Cluster:
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
