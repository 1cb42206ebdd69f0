"""What one stack consists of: a function with a SQL database behind it, migrated before the function is deployed."""

from collections.abc import Sequence

import pulumi

from components import AuroraDatabase, FunctionRole, ImageFunction, LambdaImage, Migration, Network
from lambda_images.database.contract import environment_name
from stacks.configuration import load
from stacks.settings import Settings

DATABASE = "main-db"
# Relative to this folder, where Pulumi runs the program. The handler's context leaves the migrations out, so an edit
# there builds no handler. SOURCE is where the context holds the code.
DOCKERFILE = "../lambda_images/Dockerfile"
CONTEXTS = {"handler": "../lambda_images", "migrations": ".."}
SOURCES = {"handler": ".", "migrations": "lambda_images"}


def deploy() -> None:
    """Register the whole stack and export its outputs.

    Raises:
        SettingsError: the configuration is wrong; nothing has been registered then.
    """
    settings = load()

    handler_image, migrations_image = (_image(target, settings) for target in CONTEXTS)
    network = _network(settings)
    database = _database(settings, network, [handler_image, migrations_image])
    handler_role = FunctionRole("handler", {"tags": _tags()})
    migration = Migration(
        "migrations",
        {
            "image_uri": migrations_image.image_uri,
            "environment": [database.admin["environment"]],
            "policy_statements": [database.admin["policy_statements"]],
            "subnet_ids": [database.admin["subnet_ids"]],
            "security_group_ids": [database.admin["security_group_ids"]],
            "triggers": {"cluster": database.identifier, "role": handler_role.arn},
            "allow_reset": settings.allow_reset,
            "architecture": settings.architecture,
            "memory_size": settings.migration_memory,
            "timeout": settings.migration_timeout,
            "log_retention_days": settings.log_retention_days,
            "tags": _tags(),
        },
    )
    handler = _handler(settings, handler_image, handler_role, database, migration)

    pulumi.export("handlerLambdaArn", handler.arn)
    pulumi.export("handlerLambdaName", handler.function_name)
    pulumi.export("migrationRunnerLambdaArn", migration.arn)
    pulumi.export("migrationRunnerLambdaName", migration.function_name)
    pulumi.export("functionUrl", handler.url)
    pulumi.export("databaseEndpoint", database.endpoint)
    pulumi.export("engine", settings.engine)
    pulumi.export("migration", migration.revision)


def _tags() -> dict[str, pulumi.Input[str]]:
    return {"project": pulumi.get_project(), "stack": pulumi.get_stack()}


def _network(settings: Settings) -> Network:
    # Handlers that log in by password read it at every cold start: then the endpoint is in each zone.
    zones = 3 if settings.database_auth == "password" else 1
    if settings.vpc_id:
        return Network(
            "network",
            {
                "vpc_id": settings.vpc_id,
                "subnet_ids": list(settings.subnet_ids),
                "secrets_endpoint": settings.secrets_endpoint,
                "endpoint_zones": zones,
                "tags": _tags(),
            },
        )
    return Network("network", {"cidr_block": settings.vpc_cidr, "endpoint_zones": zones, "tags": _tags()})


def _database(settings: Settings, network: Network, images: Sequence[LambdaImage]) -> AuroraDatabase:
    version = {"engine_version": settings.engine_version} if settings.engine_version else {}
    key = {"kms_key_id": settings.kms_key_arn} if settings.kms_key_arn else {}
    return AuroraDatabase(
        DATABASE,
        {
            "engine": settings.engine,
            "vpc_id": network.vpc_id,
            "subnet_ids": network.subnet_ids,
            "function_security_group_id": network.function_security_group_id,
            "schema": settings.schema,
            "runtime_role": settings.runtime_role,
            "auth": settings.database_auth,
            "min_capacity": settings.min_capacity,
            "max_capacity": settings.max_capacity,
            "auto_pause_seconds": settings.auto_pause_seconds,
            "instance_count": settings.instance_count,
            "backup_retention_days": settings.backup_retention_days,
            "deletion_protection": settings.deletion_protection,
            "final_snapshot": settings.final_snapshot,
            "performance_insights": settings.performance_insights,
            "tags": _tags(),
            **version,
            **key,
        },
        # A build that fails, for want of a Docker engine or of the other processor, fails before the ten minutes and
        # the money that a cluster takes.
        opts=pulumi.ResourceOptions(depends_on=images),
    )


def _image(target: str, settings: Settings) -> LambdaImage:
    return LambdaImage(
        target,
        {
            "context": CONTEXTS[target],
            "dockerfile": DOCKERFILE,
            "target": target,
            "build_args": {"BASE_IMAGE": settings.base_image, "SOURCE": SOURCES[target]},
            "architecture": settings.architecture,
            "keep_images": settings.keep_images,
            "force_delete": settings.force_delete,
            "tags": _tags(),
        },
    )


def _handler(
    settings: Settings,
    image: LambdaImage,
    role: FunctionRole,
    database: AuroraDatabase,
    migration: Migration,
) -> ImageFunction:
    return ImageFunction(
        "handler",
        {
            "image_uri": image.image_uri,
            "role_name": role.name,
            "role_arn": role.arn,
            # The revision comes out of the migration, so the function is deployed after it.
            "environment": [
                database.runtime["environment"],
                {environment_name(DATABASE, "REVISION"): migration.revision},
            ],
            "policy_statements": [database.runtime["policy_statements"]],
            "subnet_ids": [database.runtime["subnet_ids"]],
            "security_group_ids": [database.runtime["security_group_ids"]],
            "architecture": settings.architecture,
            "memory_size": settings.handler_memory,
            "timeout": settings.handler_timeout,
            "reserved_concurrency": settings.handler_concurrency,
            "log_retention_days": settings.log_retention_days,
            "url_auth_type": settings.function_url_auth,
            "snap_start": settings.snap_start,
            "tags": _tags(),
        },
    )
