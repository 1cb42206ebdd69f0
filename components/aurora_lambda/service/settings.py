"""Every configuration key of a stack: what it takes, its default and its meaning, declared once."""

from collections.abc import Mapping
from dataclasses import dataclass

from aurora_lambda import alarms, aurora_args, dsql, function, function_role, image, migration, network
from aurora_lambda.arguments import choice, flag, objects, strings, text
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.function_url import ORIGINS
from aurora_lambda.service import function_settings, stream_settings
from aurora_lambda.service.function_settings import FunctionSettings
from aurora_lambda.service.keys import WITHOUT_DATABASE_TOO, ConfigKey, config_key, declared_keys
from aurora_lambda.service.stream_settings import StreamSettings
from aurora_lambda.service.tags import TAGS

_DATABASE, _FUNCTION, _MIGRATION = aurora_args.ARGUMENTS, function.ARGUMENTS, migration.ARGUMENTS
_IMAGE, _NETWORK, _DSQL = image.ARGUMENTS, network.ARGUMENTS, dsql.ARGUMENTS
_ROLE, _ALARMS = function_role.ARGUMENTS, alarms.ARGUMENTS
# The engines on which some of the keys mean something.
AURORA, DSQL = tuple(RDS_ENGINES), ("dsql",)
_CLUSTER = "Aurora's cluster by a new and empty one"
_DSQL_CLUSTER = "the cluster by a new and empty one"


@dataclass(frozen=True)
class Settings:
    """One stack's configuration, checked. Each field is the configuration key of the same name in camelCase.

    An empty text or list stands for nothing given.
    """

    engine: str = config_key(
        choice(*WITHOUT_DATABASE_TOO),
        "Database engine: Aurora MySQL, Aurora PostgreSQL or Aurora DSQL; none: streams alone, without a handler.",
        "mysql",
        engines=WITHOUT_DATABASE_TOO,
    )
    engine_version: str = config_key(
        _DATABASE["engine_version"],
        "RDS's engine version; empty: the version this project is tested with.",
        "",
        engines=AURORA,
    )
    schema: str = config_key(
        _DATABASE["schema"],
        "Database that the migration runner creates in the cluster; on DSQL, the schema.",
        replaces="the database by an empty one, beside the old one",
    )
    runtime_role: str = config_key(
        _DATABASE["runtime_role"],
        "Database role of the application; empty: `app_runtime`, on DSQL `lambda_<schema>`.",
        "",
        replaces="the application's role, and the old one keeps its rights",
    )
    database_auth: str = config_key(
        _DATABASE["auth"],
        "How the application logs in: by an IAM token, or by a password from Secrets Manager.",
        engines=AURORA,
    )
    min_capacity: float = config_key(
        _DATABASE["min_capacity"], "Capacity at rest; 0 lets the cluster pause.", engines=AURORA
    )
    max_capacity: float = config_key(_DATABASE["max_capacity"], "Capacity at most.", engines=AURORA)
    auto_pause_seconds: int = config_key(
        _DATABASE["auto_pause_seconds"], "Idle time before the cluster pauses, where minCapacity is 0.", engines=AURORA
    )
    instance_count: int = config_key(
        _DATABASE["instance_count"], "Database instances, the writer included.", engines=AURORA
    )
    backup_retention_days: int = config_key(
        _DATABASE["backup_retention_days"], "Point-in-time recovery.", engines=AURORA
    )
    deletion_protection: bool = config_key(
        _DATABASE["deletion_protection"],
        "Whether AWS and Pulumi refuse to delete the cluster, the streams' tables and the repositories of images.",
        engines=WITHOUT_DATABASE_TOO,
    )
    force_destroy: bool = config_key(
        _DSQL["force_destroy"],
        "Whether destroying the stack deletes the data: Aurora takes no final snapshot, a DSQL cluster and records that"
        " streams gave up do not stay.",
        engines=WITHOUT_DATABASE_TOO,
    )
    replace_data: bool = config_key(
        flag(default=False),
        "Whether a deployment may replace what holds data, where a key says that it does; take it away afterwards.",
        engines=WITHOUT_DATABASE_TOO,
    )
    dsql_cluster_identifier: str = config_key(
        _DSQL["cluster_identifier"],
        "An existing DSQL cluster to use instead of a new one.",
        "",
        DSQL,
        replaces="the cluster by another",
    )
    dsql_peer_region: str = config_key(
        _DSQL["peer_region"], "A second Region that holds the same data.", "", DSQL, replaces=_DSQL_CLUSTER
    )
    dsql_witness_region: str = config_key(
        _DSQL["witness_region"], "A third Region that a cluster in two needs.", "", DSQL, replaces=_DSQL_CLUSTER
    )
    schema_owner: str = config_key(
        choice("stack", "project", default="stack"),
        "Whose the schema is, which no other may deploy to: this stack's, or every stack's of the project, as for one"
        " application in several Regions.",
        engines=DSQL,
    )
    dsql_endpoint: bool = config_key(
        _DSQL["vpc_endpoint"],
        "Whether to make the cluster's endpoint in the existing VPC; false where it has one, open to the functions.",
        engines=DSQL,
    )
    final_snapshot: bool = config_key(
        _DATABASE["final_snapshot"], "Whether deleting the cluster takes a snapshot first.", engines=AURORA
    )
    kms_key_arn: str = config_key(
        _DATABASE["kms_key_id"],
        "ARN of the KMS key for storage and secrets; empty: the account's own keys.",
        "",
        engines=WITHOUT_DATABASE_TOO,
        replaces=_CLUSTER,
        replaced_on=AURORA,
    )
    performance_insights: bool = config_key(
        _DATABASE["performance_insights"], "Whether Performance Insights is on (seven days, free).", engines=AURORA
    )
    extended_support: bool = config_key(
        _DATABASE["extended_support"],
        "Whether a major version past its standard support runs on as RDS Extended Support, at a price. A live cluster"
        " keeps what it was made with: no update changes it.",
        engines=AURORA,
    )
    secret_recovery_days: int = config_key(
        _DATABASE["secret_recovery_days"],
        "How long a deleted secret can be restored: the application's login, or the program's own; 0: not at all.",
        engines=WITHOUT_DATABASE_TOO,
    )
    allow_reset: bool = config_key(
        _MIGRATION["allow_reset"], "Whether the migration runner's reset may drop everything."
    )
    vpc_cidr: str = config_key(
        _NETWORK["cidr_block"], "Addresses of the new VPC.", engines=AURORA, replaces=_CLUSTER, replaced_on=AURORA
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
        "Subnets of the existing VPC, in at least two availability zones.",
        (),
        replaces=f"{_CLUSTER}, where one of them goes",
        replaced_on=AURORA,
    )
    secrets_endpoint: bool = config_key(
        _NETWORK["secrets_endpoint"],
        "Whether to make the Secrets Manager endpoint; false where the existing VPC has one or a NAT gateway.",
        engines=AURORA,
    )
    endpoints: tuple[str, ...] = config_key(
        _NETWORK["endpoints"],
        "AWS services to reach from a VPC without a way out: s3 and dynamodb free, each other 7 to 8 USD a month.",
        (),
    )
    handler_memory: int = config_key(_FUNCTION["memory_size"], "Memory of the handler.")
    handler_timeout: int = config_key(_FUNCTION["timeout"], "How long an invocation of the handler may take.")
    handler_concurrency: int = config_key(
        _FUNCTION["reserved_concurrency"],
        "Most instances of the handler at once, each with one connection to the database; -1: no limit but the"
        " account's, which is 10 in a new one, 1000 later. A limit takes from what the account has.",
    )
    function_url_auth: str = config_key(
        _FUNCTION["url_auth_type"],
        "Who may call the function URL: signed requests only, or everybody.",
        "AWS_IAM",
    )
    database_routes: bool = config_key(
        flag(default=False),
        "Whether a public function URL answers `/info` and `/init` too, which say where the database is; a signed one"
        " always does.",
    )
    function_url_cors: tuple[str, ...] = config_key(
        ORIGINS,
        "Web pages of other origins that may call the function URL.",
        (),
    )
    migration_memory: int = config_key(_MIGRATION["memory_size"], "Memory of the migration runner.")
    migration_timeout: int = config_key(_MIGRATION["timeout"], "How long a migration may take.")
    architecture: str = config_key(
        _FUNCTION["architecture"], "Processor of the functions.", engines=WITHOUT_DATABASE_TOO
    )
    base_image: str = config_key(
        text(r"[a-z0-9][\w./:@-]*", "an image reference"),
        "Base image of the functions, in place of the one that the runtime's Dockerfile names.",
        "",
        engines=WITHOUT_DATABASE_TOO,
    )
    snap_start: bool = config_key(
        _FUNCTION["snap_start"],
        "Whether the handler starts from a snapshot, at a price; aurora-lambda prune-versions deletes old ones.",
    )
    log_retention_days: int = config_key(
        _FUNCTION["log_retention_days"], "How long logs are kept.", engines=WITHOUT_DATABASE_TOO
    )
    database_logs: bool = config_key(
        _DATABASE["export_logs"],
        "Whether the database's errors and statements of ten seconds and more are in CloudWatch Logs, at its price.",
        engines=AURORA,
    )
    tracing: bool = config_key(
        _FUNCTION["tracing"],
        "Whether Lambda samples invocations as traces for X-Ray, at a price for each trace.",
        engines=WITHOUT_DATABASE_TOO,
    )
    alarm_email: str = config_key(
        _ALARMS["email"],
        "Address that gets mail when an alarm rings, once its owner has followed the link in the first one.",
        "",
        engines=WITHOUT_DATABASE_TOO,
    )
    alarm_topic_arn: str = config_key(
        _ALARMS["topic_arn"],
        "SNS topic that is told of alarms; empty: one of the stack's own, where alarmEmail is given.",
        "",
        engines=WITHOUT_DATABASE_TOO,
    )
    alarms: bool = config_key(
        flag(default=True),
        "Whether there are alarms on functions and database, where alarmEmail or alarmTopicArn says who is told; 0.10"
        " USD a month each.",
        engines=WITHOUT_DATABASE_TOO,
    )
    dashboard: bool = config_key(
        flag(default=False),
        "Whether there is a CloudWatch dashboard of the stack, its link being the output dashboardUrl; 3 USD a month.",
        engines=WITHOUT_DATABASE_TOO,
    )
    permissions_boundary: str = config_key(
        _ROLE["permissions_boundary"],
        "Policy beyond which no role of the stack allows anything; empty: none.",
        "",
        engines=WITHOUT_DATABASE_TOO,
    )
    role_path: str = config_key(
        _ROLE["path"],
        "Path of the stack's roles, which policies can match them by. Another value replaces the roles.",
        engines=WITHOUT_DATABASE_TOO,
    )
    tags: tuple[str, ...] = config_key(
        TAGS,
        "Tags of every resource, beside its project, stack and Name.",
        (),
        engines=WITHOUT_DATABASE_TOO,
    )
    keep_images: int = config_key(
        _IMAGE["keep_images"],
        "How many images each repository keeps, the newest ones.",
        engines=WITHOUT_DATABASE_TOO,
    )
    force_delete: bool = config_key(
        _IMAGE["force_delete"],
        "Whether destroying the stack deletes repositories that hold images; never with deletionProtection.",
        engines=WITHOUT_DATABASE_TOO,
    )
    streams: tuple[StreamSettings, ...] = config_key(
        objects(stream_settings.TAKES),
        "Streams of DynamoDB tables and the functions they feed, each with the keys below.",
        engines=WITHOUT_DATABASE_TOO,
    )

    functions: tuple[FunctionSettings, ...] = config_key(
        objects(function_settings.TAKES),
        "What functions get besides: environment variables, secrets, IAM statements; each entry with the keys below.",
        engines=WITHOUT_DATABASE_TOO,
    )

    @property
    def in_vpc(self) -> bool:
        """Whether the functions that use the database are in a VPC."""
        return self.engine in AURORA or bool(self.vpc_id)

    @property
    def tells_of_alarms(self) -> bool:
        """Whether there are alarms, and somebody who is told of them."""
        return self.alarms and bool(self.alarm_email or self.alarm_topic_arn)

    @property
    def own_tags(self) -> dict[str, str]:
        """The tags that the configuration gives, by their keys."""
        return {key: value for key, _, value in (tag.partition("=") for tag in self.tags)}


CONFIG_KEYS: Mapping[str, ConfigKey] = declared_keys(Settings)


def keys_of_other_engines(engine: str) -> list[ConfigKey]:
    """Return the keys that mean nothing on `engine`; none where there is no such engine."""
    known = engine in WITHOUT_DATABASE_TOO
    return [key for key in CONFIG_KEYS.values() if known and engine not in key.engines]
