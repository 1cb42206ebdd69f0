"""The configuration keys of the engine, the database and the network."""

from dataclasses import dataclass
from functools import partial

from aurora_lambda import aurora_args, dsql_args, migration, network
from aurora_lambda.arguments import choice, flag, strings, text, whole_number
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.service.keys import WITHOUT_DATABASE_TOO, config_key

_DATABASE, _DSQL = aurora_args.ARGUMENTS, dsql_args.ARGUMENTS
_MIGRATION, _NETWORK = migration.ARGUMENTS, network.ARGUMENTS
AURORA = tuple(RDS_ENGINES)
# Keys that mean something on Aurora alone, on DSQL alone, and without a database too.
aurora_key, dsql_key = partial(config_key, engines=AURORA), partial(config_key, engines=("dsql",))
common_key = partial(config_key, engines=WITHOUT_DATABASE_TOO)
_CLUSTER = "Aurora's cluster by a new and empty one"
_DSQL_CLUSTER = "the cluster by a new and empty one"


@dataclass(frozen=True)
class DatabaseSettings:
    """The first half of `Settings`."""

    engine: str = common_key(
        choice(*WITHOUT_DATABASE_TOO),
        "Database engine: Aurora MySQL, Aurora PostgreSQL or Aurora DSQL; none: streams alone, without a handler.",
        "mysql",
    )
    engine_version: str = aurora_key(
        _DATABASE["engine_version"],
        "RDS's engine version; empty: the version this project is tested with.",
        "",
    )
    schema: str = config_key(
        _DATABASE["schema"],
        "Database that the migration runner creates in the cluster; on DSQL, the schema.",
        replaces="the database by an empty one, beside the old one",
    )
    runtime_role: str = config_key(
        _DATABASE["runtime_role"],
        "Database role of the application; empty: `app_runtime`, on DSQL `lambda_<schema>`, in an existing"
        " Aurora cluster `<schema>_runtime`.",
        "",
        replaces="the application's role, and the old one keeps its rights",
    )
    database_auth: str = aurora_key(
        _DATABASE["auth"],
        "How the application logs in: by an IAM token, or by a password from Secrets Manager. On a live stack another"
        " value keeps the functions from new connections, from the migration until they are updated.",
    )
    min_capacity: float = aurora_key(_DATABASE["min_capacity"], "Capacity at rest; 0 lets the cluster pause.")
    max_capacity: float = aurora_key(
        _DATABASE["max_capacity"],
        "Capacity at most. A live instance takes as many connections as before until it is rebooted.",
    )
    auto_pause_seconds: int = aurora_key(
        _DATABASE["auto_pause_seconds"], "Idle time before the cluster pauses, where minCapacity is 0."
    )
    instance_count: int = aurora_key(_DATABASE["instance_count"], "Database instances, the writer included.")
    backup_retention_days: int = aurora_key(_DATABASE["backup_retention_days"], "Point-in-time recovery.")
    backup_window: str = aurora_key(
        _DATABASE["backup_window"],
        "When the cluster's daily backup is taken, in UTC; empty: RDS chooses.",
        "",
    )
    maintenance_window: str = aurora_key(
        _DATABASE["maintenance_window"],
        "When RDS may work on the cluster each week, in UTC; empty: RDS chooses.",
        "",
    )
    snapshot_identifier: str = aurora_key(
        _DATABASE["snapshot_identifier"],
        "Snapshot that the cluster is made from; it stays here afterwards.",
        "",
        replaces="Aurora's cluster by one from the snapshot",
    )
    restore_cluster_identifier: str = aurora_key(
        _DATABASE["restore_cluster_identifier"],
        "Cluster whose data the cluster is made from; it stays here afterwards.",
        "",
        replaces="Aurora's cluster by one with that data",
    )
    restore_time: str = aurora_key(
        _DATABASE["restore_time"],
        "As of when restoreClusterIdentifier's data are, in UTC; empty: the latest.",
        "",
        replaces="Aurora's cluster by one with the data of that time",
    )
    daily_backup_days: int = common_key(
        whole_number(0, 36_500, "days", 0),
        "How long AWS Backup keeps daily backups of the DSQL cluster and the streams' tables of the stack; 0: it makes"
        " none.",
    )
    deletion_protection: bool = common_key(
        _DATABASE["deletion_protection"],
        "Whether AWS and Pulumi refuse to delete the cluster, the streams' tables and the repositories of images.",
    )
    force_destroy: bool = common_key(
        _DSQL["force_destroy"],
        "Whether destroying the stack deletes the data: Aurora takes no final snapshot, a DSQL cluster and records that"
        " streams gave up do not stay.",
    )
    replace_data: bool = common_key(
        flag(default=False),
        "Whether a deployment may replace what holds data, where a key says that it does; take it away afterwards.",
    )
    dsql_cluster_identifier: str = dsql_key(
        _DSQL["cluster_identifier"],
        "An existing DSQL cluster to use instead of a new one.",
        "",
        replaces="the cluster by another",
    )
    dsql_peer_region: str = dsql_key(
        _DSQL["peer_region"], "A second Region that holds the same data.", "", replaces=_DSQL_CLUSTER
    )
    dsql_witness_region: str = dsql_key(
        _DSQL["witness_region"], "A third Region that a cluster in two needs.", "", replaces=_DSQL_CLUSTER
    )
    aurora_cluster_identifier: str = aurora_key(
        _DATABASE["cluster_identifier"],
        "An existing Aurora cluster to use instead of a new one, in the VPC of vpcId.",
        "",
        replaces="the cluster by another",
    )
    schema_owner: str = dsql_key(
        choice("stack", "project", default="stack"),
        "Whose the schema is, which no other may deploy to: this stack's, or every stack's of the project, as for one"
        " application in several Regions.",
    )
    dsql_endpoint: bool = dsql_key(
        _DSQL["vpc_endpoint"],
        "Whether to make the cluster's endpoint in the existing VPC; false where it has one, open to the functions.",
    )
    dsql_vpc_only: bool = dsql_key(
        _DSQL["vpc_only"],
        "Whether a new cluster of a stack in a VPC takes logins from there alone; false where applications elsewhere"
        " share it.",
    )
    final_snapshot: bool = aurora_key(
        _DATABASE["final_snapshot"], "Whether deleting the cluster takes a snapshot first."
    )
    kms_key_arn: str = common_key(
        _DATABASE["kms_key_id"],
        "ARN of the KMS key for all that the stack keeps: data, secrets, messages, images, logs, environment variables;"
        " empty: AWS's own keys. Its policy has to let CloudWatch Logs use it.",
        "",
        replaces=_CLUSTER,
        replaced_on=AURORA,
    )
    performance_insights: bool = aurora_key(
        _DATABASE["performance_insights"], "Whether Performance Insights is on (seven days, free)."
    )
    extended_support: bool = aurora_key(
        _DATABASE["extended_support"],
        "Whether a major version past its standard support runs on as RDS Extended Support, at a price. A live cluster"
        " keeps what it was made with: no update changes it.",
    )
    secret_recovery_days: int = common_key(
        _DATABASE["secret_recovery_days"],
        "How long a deleted secret can be restored: the application's login, or the program's own; 0: not at all.",
    )
    allow_reset: bool = config_key(
        _MIGRATION["allow_reset"], "Whether the migration runner's reset may drop everything."
    )
    vpc_cidr: str = aurora_key(
        _NETWORK["cidr_block"], "Addresses of the new VPC.", replaces=_CLUSTER, replaced_on=AURORA
    )
    vpc_id: str = config_key(
        text(r"vpc-[0-9a-f]+", "a VPC's id, such as vpc-0a1b2c3d"),
        "An existing VPC to use instead of a new one.",
        "",
        replaces=_CLUSTER,
        replaced_on=AURORA,
    )
    subnet_ids: tuple[str, ...] = config_key(
        strings(r".*", "a list of strings. Type: pulumi config set --path 'subnetIds[0]' subnet-0a1b2c3d"),
        "Subnets of the existing VPC, in at least two availability zones. RDS lets none go that an instance is in.",
    )
    secrets_endpoint: bool = aurora_key(
        _NETWORK["secrets_endpoint"],
        "Whether to make the Secrets Manager endpoint; false where the existing VPC has one or a NAT gateway.",
    )
    endpoints: tuple[str, ...] = config_key(
        _NETWORK["endpoints"],
        "AWS services to reach from a VPC without a way out: s3 and dynamodb free, each other 7 to 8 USD a month.",
    )
