"""Every configuration key of a stack: what it takes, its default and its meaning, declared once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from components import aurora_args, function, image, migration, network
from components.arguments import Argument, Value, strings, text
from components.schema import camel_case

_DATABASE, _FUNCTION, _MIGRATION = aurora_args.ARGUMENTS, function.ARGUMENTS, migration.ARGUMENTS
_IMAGE, _NETWORK = image.ARGUMENTS, network.ARGUMENTS


@dataclass(frozen=True)
class ConfigKey:
    """One configuration key: the field of `Settings` it sets, what it takes, its default, and what it means."""

    field: str
    argument: Argument
    default: Value
    description: str

    @property
    def name(self) -> str:
        """The key as it is typed."""
        return camel_case(self.field)


def _key(argument: Argument, description: str, default: Value | None = None) -> Any:
    """Declare a configuration key; the default is the argument's own where none is given."""
    default = argument.default if default is None else default
    return field(default=default, metadata={"argument": argument, "default": default, "description": description})


@dataclass(frozen=True)
class Settings:
    """One stack's configuration, checked. Each field is the configuration key of the same name in camelCase.

    An empty text or list stands for nothing given.
    """

    engine: str = _key(_DATABASE["engine"], "Database engine.", "mysql")
    engine_version: str = _key(
        _DATABASE["engine_version"], "RDS's engine version; empty: the version this project is tested with.", ""
    )
    schema: str = _key(_DATABASE["schema"], "Name of the database that the migration runner creates in the cluster.")
    runtime_role: str = _key(
        _DATABASE["runtime_role"],
        "Database role of the application; it reads and writes rows and changes no schema.",
    )
    database_auth: str = _key(
        _DATABASE["auth"], "How the application logs in: by an IAM token, or by a password from Secrets Manager."
    )
    min_capacity: float = _key(_DATABASE["min_capacity"], "Capacity at rest; 0 lets the cluster pause.")
    max_capacity: float = _key(_DATABASE["max_capacity"], "Capacity at most.")
    auto_pause_seconds: int = _key(
        _DATABASE["auto_pause_seconds"], "Idle time before the cluster pauses, where minCapacity is 0."
    )
    instance_count: int = _key(_DATABASE["instance_count"], "Database instances, the writer included.")
    backup_retention_days: int = _key(_DATABASE["backup_retention_days"], "Point-in-time recovery.")
    deletion_protection: bool = _key(
        _DATABASE["deletion_protection"], "Whether AWS and Pulumi refuse to delete the cluster."
    )
    final_snapshot: bool = _key(_DATABASE["final_snapshot"], "Whether deleting the cluster takes a snapshot first.")
    kms_key_arn: str = _key(
        _DATABASE["kms_key_id"], "ARN of the KMS key for storage and secrets; empty: the account's own keys.", ""
    )
    performance_insights: bool = _key(
        _DATABASE["performance_insights"], "Whether Performance Insights is on (seven days, free)."
    )
    extended_support: bool = _key(
        _DATABASE["extended_support"],
        "Whether a major version past its standard support runs on as RDS Extended Support, at a price.",
    )
    secret_recovery_days: int = _key(
        _DATABASE["secret_recovery_days"], "How long a deleted login of the application can be restored; 0: not at all."
    )
    allow_reset: bool = _key(_MIGRATION["allow_reset"], "Whether the migration runner's reset may drop everything.")
    vpc_cidr: str = _key(_NETWORK["cidr_block"], "Addresses of the new VPC.")
    vpc_id: str = _key(
        text(r"vpc-[0-9a-f]+", "a VPC's id, such as vpc-0a1b2c3d"),
        "An existing VPC to use instead of a new one.",
        "",
    )
    subnet_ids: tuple[str, ...] = _key(
        strings(r".*", "a list of strings. Type: pulumi config set --path 'subnetIds[0]' subnet-0a1b2c3d"),
        "Subnets of the existing VPC, in at least two availability zones.",
        (),
    )
    secrets_endpoint: bool = _key(
        _NETWORK["secrets_endpoint"],
        "Whether to make the Secrets Manager endpoint; false where the existing VPC has one or a NAT gateway.",
    )
    handler_memory: int = _key(_FUNCTION["memory_size"], "Memory of the handler.")
    handler_timeout: int = _key(_FUNCTION["timeout"], "How long an invocation of the handler may take.")
    handler_concurrency: int = _key(
        _FUNCTION["reserved_concurrency"],
        "Most instances of the handler at once, each with one connection to the database; -1: no limit of its own.",
        80,
    )
    function_url_auth: str = _key(
        _FUNCTION["url_auth_type"],
        "Who may call the function URL: signed requests only, or everybody.",
        "AWS_IAM",
    )
    function_url_cors: tuple[str, ...] = _key(
        strings(
            r"\*|https?://[\w.-]+(:\d+)?",
            "a list of origins, or *. Type: pulumi config set --path 'functionUrlCors[0]' https://example.com",
        ),
        "Web pages of other origins that may call the function URL.",
        (),
    )
    migration_memory: int = _key(_MIGRATION["memory_size"], "Memory of the migration runner.")
    migration_timeout: int = _key(_MIGRATION["timeout"], "How long a migration may take.")
    architecture: str = _key(_FUNCTION["architecture"], "Processor of the functions.")
    base_image: str = _key(
        text(r"[a-z0-9][\w./:@-]*", "an image reference"),
        "Base image of both functions.",
        "public.ecr.aws/lambda/python:3.13",
    )
    snap_start: bool = _key(
        _FUNCTION["snap_start"],
        "Whether the handler starts from a snapshot; AWS charges for it until a version is not called for 14 days.",
    )
    log_retention_days: int = _key(_FUNCTION["log_retention_days"], "How long logs are kept.")
    keep_images: int = _key(_IMAGE["keep_images"], "How many images each repository keeps, the newest ones.")
    force_delete: bool = _key(
        _IMAGE["force_delete"], "Whether destroying the stack deletes repositories that still hold images."
    )


CONFIG_KEYS: Mapping[str, ConfigKey] = {
    key.name: key for key in (ConfigKey(field=each.name, **each.metadata) for each in fields(Settings))
}
