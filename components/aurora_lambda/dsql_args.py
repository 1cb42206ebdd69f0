"""Arguments of `DsqlDatabase`."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

from aurora_lambda.arguments import KMS_KEY, Argument, flag, text
from aurora_lambda.naming import Tags
from aurora_lambda.transform import Transform

MULTI_REGION_KEY = ":key/mrk-"
REGION = r"[a-z]{2}(-[a-z]+)+-\d"


class DsqlDatabaseArgs(TypedDict):
    """Which cluster to use, and what the application is called in it."""

    function_role_arns: pulumi.Input[Sequence[pulumi.Input[str]]]
    """ARNs of the IAM roles of the application's functions, which the migration runner maps to its database role."""
    schema: NotRequired[pulumi.Input[str]]
    """The application's schema. Applications that share a cluster have one each."""
    runtime_role: NotRequired[pulumi.Input[str]]
    """The application's database role. Default: `lambda_` and the schema's name."""
    owner: NotRequired[pulumi.Input[str]]
    """Whom the schema belongs to: the migration runner of another owner refuses to touch it. `project/*` is every stack
    of a project, as those of one application in several Regions. Default: the project and the stack."""
    cluster_identifier: NotRequired[pulumi.Input[str]]
    """An existing cluster to use instead of a new one."""
    deletion_protection: NotRequired[bool]
    """Whether AWS and Pulumi refuse to delete the cluster. Plain, since Pulumi has to know it first."""
    force_destroy: NotRequired[bool]
    """Whether destroying the stack deletes the cluster and all its data; else the cluster stays in the account. Plain,
    since Pulumi has to know it first."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the cluster. Default: a key of AWS's own. With `peer_region` a multi-Region key,
    whose replica there encrypts the second cluster."""
    peer_region: NotRequired[str]
    """A second Region that holds the same data and takes writes too. Needs `witness_region`. Given later,
    or taken away, it replaces the cluster by a new and empty one. Plain, since it decides which resources there are."""
    witness_region: NotRequired[str]
    """A third Region that keeps the log of a cluster in two Regions. Another one replaces the cluster too. Plain, since
    the two have to differ."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """A VPC to reach the cluster from, by a PrivateLink endpoint. Needs the two arguments below. Default: no VPC."""
    subnet_ids: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Subnets of that VPC for the functions, and for the endpoint, which takes the first in each availability zone."""
    function_security_group_id: NotRequired[pulumi.Input[str]]
    """The security group of the functions in that VPC: the only one that the endpoint listens to."""
    vpc_endpoint: NotRequired[bool]
    """Whether to make that endpoint. Say false where the VPC has one for the cluster, which lets the functions in: AWS
    refuses a second one with private DNS. Plain, since it decides which resources there are."""
    security_group_rules: NotRequired[bool]
    """Whether to make the rule by which the functions reach an endpoint that the VPC has. Say false for a second
    database that the same functions reach so: EC2 refuses a rule twice. Plain, since it decides which resources there
    are."""
    vpc_only: NotRequired[bool]
    """Whether a new cluster takes logins from that VPC alone. Say false where applications elsewhere share it. Plain,
    since it decides which resources there are."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "schema": text(
        r"(?!(?:pg_.*|public|sys|information_schema)$)[^\0]{1,56}", "the name of a schema, at most 56 characters", "app"
    ),
    "runtime_role": text(r"(?!(?:pg_.*|public|admin)$)[^\0]{1,63}", "the name of a role, at most 63 characters"),
    "owner": text(r"[\w.-]+/([\w.-]+|\*)", "a project and a stack, such as shop/prod or shop/*"),
    "cluster_identifier": text(r"[a-z0-9]{26}", "a cluster's identifier of 26 letters and digits"),
    "deletion_protection": flag(default=False),
    "force_destroy": flag(default=False),
    "kms_key_arn": KMS_KEY,
    "peer_region": text(REGION, "a Region such as us-east-2"),
    "witness_region": text(REGION, "a Region such as us-west-2"),
    "vpc_endpoint": flag(default=True),
    "security_group_rules": flag(default=True),
    "vpc_only": flag(default=True),
}
TOGETHER = (("peer_region", "witness_region"), ("vpc_id", "subnet_ids", "function_security_group_id"))
OF_NEW_CLUSTERS = ("deletion_protection", "force_destroy", "kms_key_arn", "peer_region")


def check_together(name: str, args: DsqlDatabaseArgs) -> None:
    """Check arguments together.

    Raises:
        ValueError: some of them do not go together.
    """
    for keys in TOGETHER:
        given = [key for key in keys if key in args]
        if given and (missing := [key for key in keys if key not in args]):
            raise ValueError(f"DsqlDatabase {name!r}: {given[0]} needs {' and '.join(missing)} too")
    if mistakes := peering_mistakes({key: str(args[key]) for key in TOGETHER[0] if key in args}):
        raise ValueError(f"DsqlDatabase {name!r}: {'; '.join(mistakes)}")
    key = args.get("kms_key_arn")
    if "peer_region" in args and isinstance(key, str) and MULTI_REGION_KEY not in key:
        raise ValueError(
            f"DsqlDatabase {name!r}: kms_key_arn is {key!r}; with peer_region it must be a multi-Region key, whose id"
            " begins with mrk-"
        )
    if "cluster_identifier" in args and (given := [key for key in OF_NEW_CLUSTERS if key in args]):
        raise ValueError(
            f"DsqlDatabase {name!r}: {given[0]} is for a new cluster, and cluster_identifier names an existing one;"
            " give one of the two"
        )


def peering_mistakes(regions: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the Regions of a cluster in two, by what each is called; an empty one is not known.

    Source: Aurora DSQL user guide, "Configuring multi-Region clusters".
    """
    known, mistakes = [(name, region) for name, region in regions.items() if region], []
    for number, (name, region) in enumerate(known):
        for earlier, other in known[:number]:
            if region == other:
                mistakes.append(
                    f"{name} is {region!r}, as {earlier} is: a cluster in two Regions needs three different ones"
                )
                break
            if region.partition("-")[0] != other.partition("-")[0]:
                mistakes.append(
                    f"{name} is {region!r}, on another continent than {other!r}: DSQL joins Regions of one alone"
                )
                break
    return mistakes
