"""The parts of a service: its images, its migration runner, its handler, and the backups of its data."""

import os
from collections.abc import Sequence

import pulumi

from aurora_lambda import (
    Alarms,
    Backup,
    BackupArgs,
    DsqlDatabase,
    FunctionAccess,
    FunctionRole,
    ImageFunction,
    LambdaImage,
    Migration,
    StreamTable,
)
from aurora_lambda.access import AccessList
from aurora_lambda.function_url import FunctionUrlCors
from aurora_lambda.naming import physical_name
from aurora_lambda.project import Project, ProjectError
from aurora_lambda.service.database import Database
from aurora_lambda.service.image_context import write_context
from aurora_lambda.service.monitoring import further_alarms, watched_backup
from aurora_lambda.service.settings import Settings
from aurora_lambda_runtime.database.contract import (
    APPLICATION,
    DATABASE_ROUTES,
    DEFAULT_APPLICATION,
    MAIN_DATABASE,
    environment_name,
)

MIGRATION = "aurora-lambda:index:Migration"
CORS_HEADERS = ["authorization", "content-type"]


def register_role(name: str, settings: Settings) -> FunctionRole:
    """Register the role of a function that uses the database."""
    # The runner's was a part of its component once.
    former = [pulumi.Alias(parent=pulumi.create_urn(name, MIGRATION))] if name == "migrations" else []
    return FunctionRole(name, settings.role_arguments(in_vpc=settings.in_vpc), pulumi.ResourceOptions(aliases=former))


def register_image(target: str, settings: Settings, project: Project) -> LambdaImage:
    """Register the image of this target, with the service's application."""
    try:
        # Relative to the program, as Pulumi runs it, so that the stack's state is the same from every checkout.
        context = os.path.relpath(write_context(project, target))
    except ProjectError as error:
        # Pulumi prints its message alone.
        raise pulumi.RunError(str(error)) from None
    return LambdaImage(
        target,
        {
            "context": context,
            "dockerfile": f"{context}/Dockerfile",
            "target": target,
            "build_args": _build_arguments(settings, project),
            "architecture": settings.architecture,
            "keep_images": settings.keep_images,
            "force_delete": settings.force_delete and not settings.deletion_protection,
            **settings.encryption,
            "tags": settings.stack_tags,
        },
    )


def _build_arguments(settings: Settings, project: Project) -> dict[str, str]:
    """Return the base image, where it is another one, and what the images' labels say of the service."""
    said = {
        "BASE_IMAGE": settings.base_image,
        "SERVICE": project.name,
        "VERSION": project.version,
        "LICENSES": project.licence,
    }
    return {name: value for name, value in said.items() if value}


def register_migration(
    settings: Settings,
    project: Project,
    image: LambdaImage,
    database: Database,
    *,
    role: FunctionRole,
    application_role: FunctionRole,
) -> Migration:
    """Register the migration runner of `database`, and the deployment's invocation of it."""
    return Migration(
        "migrations",
        {
            "image_uri": image.image_uri,
            "role": role,
            "access": [database.admin],
            "triggers": {"cluster": database.identifier, "role": application_role.arn},
            "allow_reset": settings.allow_reset,
            # In a cluster that other stacks use too, the stack deletes what is its own.
            "drop_on_destroy": bool(settings.dsql_cluster_identifier) and settings.force_destroy,
            "memory_size": settings.migration_memory,
            "timeout": settings.migration_timeout,
            **settings.function_arguments("migrations", application_variables(project)),
        },
    )


def migrated_access(database: Database, migration: Migration) -> pulumi.Output[FunctionAccess]:
    """Return what the application needs to use the database, known once the database is at the code's revision."""
    variable = environment_name(MAIN_DATABASE, "REVISION")
    return pulumi.Output.all(database.runtime, migration.revision).apply(
        lambda known: {**known[0], "environment": {**known[0]["environment"], variable: known[1]}}
    )


def register_handler(
    settings: Settings,
    project: Project,
    image: LambdaImage,
    role: FunctionRole,
    access: AccessList,
) -> ImageFunction:
    """Register the function that answers the function URL and commands."""
    return ImageFunction(
        "handler",
        {
            "image_uri": image.image_uri,
            "role": role,
            "access": access,
            "memory_size": settings.handler_memory,
            "timeout": settings.handler_timeout,
            "reserved_concurrency": settings.handler_concurrency,
            "url_auth_type": settings.function_url_auth,
            "snap_start": settings.snap_start,
            "publish": settings.publish_versions,
            **_cors(settings),
            **settings.function_arguments("handler", {**application_variables(project), **_database_routes(settings)}),
        },
    )


def application_variables(project: Project) -> dict[str, str]:
    """Return the variable by which functions find the application, where its package has a name of its own."""
    name = project.application.name
    return {} if name == DEFAULT_APPLICATION else {APPLICATION: name}


def _database_routes(settings: Settings) -> dict[str, str]:
    """Return the variable that lets the handler say where its database is, to whoever signs a request or is let in."""
    return {DATABASE_ROUTES: "true"} if settings.function_url_auth == "AWS_IAM" or settings.database_routes else {}


def _cors(settings: Settings) -> dict[str, FunctionUrlCors]:
    if not settings.function_url_cors:
        return {}
    return {
        "cors": {"allow_origins": settings.function_url_cors, "allow_methods": ["*"], "allow_headers": CORS_HEADERS}
    }


def register_backup(
    settings: Settings, parts: Sequence[pulumi.Resource], alarms: Alarms | None
) -> list[pulumi.Resource]:
    """Register daily backups of what `parts` have made, and export their vault; nothing where there is no need.

    The topic of the stack's `alarms` is told of one that fails. A DSQL cluster that is shared, and tables that exist
    already, are for their owners to back up.
    """
    clusters = [part for part in parts if isinstance(part, DsqlDatabase) and not settings.dsql_cluster_identifier]
    made = {stream.full_table(physical_name("")) for stream in settings.streams if not stream.existing_table}
    # Streams of one table have it in common.
    tables = dict.fromkeys(part for part in parts if isinstance(part, StreamTable))
    arns = [table.table_arn for table in tables if table.pulumi_resource_name in made]
    if not settings.daily_backup_days or not [*clusters, *arns]:
        return []
    args: BackupArgs = {
        "resource_arns": [*(cluster.arn for cluster in clusters), *arns],
        "retention_days": settings.daily_backup_days,
        "force_destroy": settings.force_destroy,
        "tags": settings.stack_tags,
        "transform": {"role": settings.fence},
        **settings.encryption,
    }
    backup = Backup("backups", args)
    pulumi.export("backupVault", backup.vault_name)
    pulumi.export("backupRoleArn", backup.role_arn)
    told = [further_alarms(settings, "backup-alarms", [watched_backup(backup)], alarms)] if alarms else []
    return [backup, *told]
