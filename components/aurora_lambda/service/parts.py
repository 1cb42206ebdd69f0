"""The parts of a service with a database: its images, its migration runner and its handler."""

import os

import pulumi

from aurora_lambda import FunctionAccess, FunctionRole, ImageFunction, LambdaImage, Migration
from aurora_lambda.access import AccessList
from aurora_lambda.function_url import FunctionUrlCors
from aurora_lambda.project import Project, ProjectError
from aurora_lambda.service.common_arguments import function_arguments, role_arguments
from aurora_lambda.service.database import Database
from aurora_lambda.service.function_settings import settings_of
from aurora_lambda.service.image_context import write_context
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
    return FunctionRole(name, role_arguments(settings, in_vpc=settings.in_vpc), pulumi.ResourceOptions(aliases=former))


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
    given = settings_of(settings.functions, "migrations")
    return Migration(
        "migrations",
        {
            "image_uri": image.image_uri,
            "role": role,
            "access": [database.admin],
            "environment": {**application_variables(project), **given.variables},
            "policy_statements": given.statements,
            "triggers": {"cluster": database.identifier, "role": application_role.arn},
            "allow_reset": settings.allow_reset,
            # In a cluster that other stacks use too, the stack deletes what is its own.
            "drop_on_destroy": bool(settings.dsql_cluster_identifier) and settings.force_destroy,
            "memory_size": settings.migration_memory,
            "timeout": settings.migration_timeout,
            **function_arguments(settings),
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
    given = settings_of(settings.functions, "handler")
    return ImageFunction(
        "handler",
        {
            "image_uri": image.image_uri,
            "role": role,
            "access": access,
            "environment": {**application_variables(project), **_database_routes(settings), **given.variables},
            "policy_statements": given.statements,
            "memory_size": settings.handler_memory,
            "timeout": settings.handler_timeout,
            "reserved_concurrency": settings.handler_concurrency,
            "url_auth_type": settings.function_url_auth,
            "snap_start": settings.snap_start,
            "publish": settings.publish_versions,
            **_cors(settings),
            **function_arguments(settings),
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
