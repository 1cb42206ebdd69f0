"""What a stack is configured to be: the only reader of `pulumi.Config`."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from lambda_images.database.contract import AUTHS, ENGINES
from stacks import values

NAMESPACE = "aurora-lambda"
RDS_ROOTS = Path(__file__).parents[1] / "lambda_images" / "certificates" / "rds.pem"
DEFAULT_BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"


class SettingsError(pulumi.RunError):
    """The configuration is wrong; the message lists every mistake and what to type instead."""

    def __init__(self, stack: str, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__("\n  ".join([f"stack {stack!r} has {count} in its configuration:", *mistakes]))


@dataclass(frozen=True)
class Settings:
    """One stack's configuration, checked. Each field is the configuration key of the same name in camelCase."""

    engine: str = "mysql"
    engine_version: str = ""
    schema: str = "app"
    runtime_role: str = "app_runtime"
    database_auth: str = "iam"
    min_capacity: float = 0.0
    max_capacity: float = 2.0
    auto_pause_seconds: int = 300
    instance_count: int = 1
    backup_retention_days: int = 7
    deletion_protection: bool = False
    final_snapshot: bool = True
    kms_key_arn: str = ""
    performance_insights: bool = True
    allow_reset: bool = False
    vpc_cidr: str = "10.0.0.0/16"
    vpc_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    secrets_endpoint: bool = True
    handler_memory: int = 256
    handler_timeout: int = 15
    handler_concurrency: int = -1
    function_url_auth: str = "AWS_IAM"
    migration_memory: int = 512
    migration_timeout: int = 900
    architecture: str = "arm64"
    base_image: str = DEFAULT_BASE_IMAGE
    snap_start: bool = False
    log_retention_days: int = 30
    keep_images: int = 10
    force_delete: bool = False


SECONDS_PER_DAY = 86_400


def load() -> Settings:
    """The current stack's settings.

    Raises:
        SettingsError: unknown keys, values out of range, keys that contradict each other; all of them at once.
    """
    config = pulumi.Config(NAMESPACE)
    given = {key: value for key in _given_keys() if (value := config.get(key)) is not None}
    region = pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION", "")
    return read(given, pulumi.get_stack(), region)


def read(config: Mapping[str, str], stack: str, region: str = "") -> Settings:
    """Check raw configuration, in Pulumi's form: each value a string, structured ones as JSON.

    `region` is where the stack is deployed; empty where only the AWS provider knows.

    Raises:
        SettingsError: as `load`.
    """
    mistakes = [_unknown(key) for key in config if key not in _PARSERS]
    checked: dict[str, Any] = {}
    for key, parse in _PARSERS.items():
        if key not in config:
            continue
        try:
            checked[_field_name(key)] = parse(config[key])
        except ValueError as error:
            mistakes.append(f"{key} is {config[key]!r}; {error}{_nearest(key, config[key])}")
    settings = Settings(**checked)
    mistakes += _contradictions(settings)
    if region and f"Amazon RDS {region} Root CA" not in RDS_ROOTS.read_text():
        mistakes.append(
            f"aws:region is {region!r}, and lambda_images/certificates/rds.pem has no certificate authority "
            "of RDS there; put AWS's global-bundle.pem in its place"
        )
    if mistakes:
        raise SettingsError(stack, mistakes)
    return settings


def _given_keys() -> list[str]:
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    return sorted(key.partition(":")[2] for key in everything if key.startswith(f"{NAMESPACE}:"))


def _unknown(key: str) -> str:
    near = get_close_matches(key, _PARSERS, n=1)
    remedy = f"did you mean {near[0]!r}? " if near else ""
    return f"{key} is not a configuration key; {remedy}remove it with: pulumi config rm {key}"


def _nearest(key: str, value: str) -> str:
    near = get_close_matches(value, _CHOICES.get(key, ()), n=1)
    return f". Type: pulumi config set {key} {near[0]}" if near else ""


def _contradictions(settings: Settings) -> list[str]:
    mistakes = []
    if settings.min_capacity > settings.max_capacity:
        mistakes.append(f"minCapacity {settings.min_capacity:g} is above maxCapacity {settings.max_capacity:g}")
    if settings.max_capacity < 1 and settings.database_auth == "iam":
        mistakes.append("maxCapacity below 1 is too small for databaseAuth iam; raise it, or use databaseAuth password")
    if bool(settings.vpc_id) != bool(settings.subnet_ids):
        mistakes.append("vpcId and subnetIds go together: give both to use an existing VPC, or neither for a new one")
    if not settings.secrets_endpoint and not settings.vpc_id:
        mistakes.append("secretsEndpoint false needs vpcId: a new VPC has no other way to Secrets Manager")
    if len(settings.subnet_ids) == 1:
        mistakes.append("subnetIds names 1 subnet; Aurora needs subnets in at least two availability zones")
    return mistakes


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "engine": ENGINES,
    "databaseAuth": AUTHS,
    "functionUrlAuth": ("AWS_IAM", "NONE"),
    "architecture": ("arm64", "x86_64"),
}

_SYSTEM_SCHEMAS = "mysql|sys|information_schema|performance_schema|postgres|template[01]|rdsadmin|pg_.*"
_SYSTEM_ROLES = "public|postgres|root|admin|mysql|dbadmin|rdsadmin|rds_.*|pg_.*"

_PARSERS: Mapping[str, values.Parser] = {
    **{key: values.choice(*allowed) for key, allowed in _CHOICES.items()},
    "engineVersion": values.matching(r"|\d[\w.]*", "RDS's version string, such as 17.10 or 8.0.mysql_aurora.3.12.0"),
    "schema": values.identifier(_SYSTEM_SCHEMAS),
    "runtimeRole": values.identifier(_SYSTEM_ROLES),
    "minCapacity": values.capacity(0),
    "maxCapacity": values.capacity(0.5),
    "autoPauseSeconds": values.integer(300, SECONDS_PER_DAY, "seconds"),
    "instanceCount": values.integer(1, 16, "instances"),
    "backupRetentionDays": values.integer(1, 35, "days"),
    "deletionProtection": values.boolean,
    "finalSnapshot": values.boolean,
    "kmsKeyArn": values.matching(r"|arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+", "the ARN of a KMS key"),
    "performanceInsights": values.boolean,
    "allowReset": values.boolean,
    "vpcCidr": values.cidr_block,
    "vpcId": values.matching(r"|vpc-[0-9a-f]+", "a VPC's id, such as vpc-0a1b2c3d"),
    "subnetIds": values.strings,
    "secretsEndpoint": values.boolean,
    "handlerMemory": values.integer(128, 10_240, "MB"),
    "handlerTimeout": values.integer(1, 900, "seconds"),
    "handlerConcurrency": values.integer(-1, 1000, "execution environments (-1: no limit of its own)"),
    "migrationMemory": values.integer(128, 10_240, "MB"),
    "migrationTimeout": values.integer(1, 900, "seconds"),
    "baseImage": values.matching(r"[a-z0-9][\w./:@-]*", "an image reference"),
    "snapStart": values.boolean,
    "logRetentionDays": values.retention,
    "keepImages": values.integer(1, 1000, "images"),
    "forceDelete": values.boolean,
}


def _field_name(key: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", key)


def keys() -> list[str]:
    """Every configuration key, in the order of `Settings`."""
    return [re.sub(r"_([a-z])", lambda match: match[1].upper(), field.name) for field in fields(Settings)]
