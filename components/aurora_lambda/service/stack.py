"""One stack of a service: functions with a SQL database behind them, migrated before the functions are deployed."""

import os
from collections.abc import Mapping
from typing import TypeVar

import pulumi

from aurora_lambda import Alarms, FunctionAccess, FunctionRole, ImageFunction, LambdaImage, Migration, Network, Watched
from aurora_lambda.function_url import FunctionUrlCors
from aurora_lambda.project import Project
from aurora_lambda.service.configuration import load
from aurora_lambda.service.database import DATABASE, Database, register_database, register_network
from aurora_lambda.service.image_context import write_context
from aurora_lambda.service.keys import NO_DATABASE
from aurora_lambda.service.live_data import check_live_data
from aurora_lambda.service.monitoring import register_alarms, register_dashboard, watched_application
from aurora_lambda.service.protection import Protection, is_protected
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.streams import database_role_arns, register_stream_roles, register_streams, role_args
from aurora_lambda_runtime.database.contract import APPLICATION, DATABASE_ROUTES, DEFAULT_APPLICATION, environment_name

Part = TypeVar("Part", bound=pulumi.Resource)
MIGRATION = "aurora-lambda:index:Migration"
CORS_HEADERS = ["authorization", "content-type"]


class Service:
    """One stack of the service: a handler with a SQL database behind it, migrated first, and functions behind streams.

    Attributes:
        settings: The stack's configuration.
        image: The image that all functions run.
        network: The network of the functions and the database; none where the database is reached without a VPC.
        access: What a function needs to use the database, known once it is at the code's revision.
        alarms: The alarms and the topic that is told of them; none where nobody is.
    """

    settings: Settings
    image: LambdaImage
    network: Network | None = None
    access: pulumi.Output[FunctionAccess] | None = None
    alarms: Alarms | None = None
    _database: Database | None = None
    _migration: Migration | None = None
    _handler: ImageFunction | None = None

    def __init__(self) -> None:
        """Register the whole stack as its file configures it, and export its outputs.

        Raises:
            SettingsError: the configuration is wrong; nothing has been registered then.
        """
        self._project = Project.find()
        self.settings = load(self._project)
        self._live = check_live_data(self.settings)
        self.image = _image("handler", self.settings, self._project)
        roles = register_stream_roles(self.settings, _tags(self.settings))
        parts: list[pulumi.Resource] = [self.image, *roles.values()]
        if self.settings.engine != NO_DATABASE:
            parts += self._sql_application(roles)
        watched = self._watched()
        self.alarms = register_alarms(self.settings, _tags(self.settings), watched)
        parts += register_streams(
            self.settings,
            _tags(self.settings),
            self.image.image_uri,
            self.access,
            roles,
            application=self._project.application.name,
            live=self._live,
            alarms=self.alarms,
        )
        parts += [self.alarms] if self.alarms else []
        parts += register_dashboard(self.settings, watched, parts)
        Protection(parts, protected=is_protected(self.settings))
        pulumi.export("engine", self.settings.engine)

    @property
    def database(self) -> Database:
        """The database; an AttributeError on engine none."""
        return self._made(self._database, "database")

    @property
    def migration(self) -> Migration:
        """The migration runner and the deployment's invocation of it; an AttributeError on engine none."""
        return self._made(self._migration, "migration")

    @property
    def handler(self) -> ImageFunction:
        """The function that answers the function URL and commands; an AttributeError on engine none."""
        return self._made(self._handler, "handler")

    def _watched(self) -> list[Watched]:
        if self._handler is None:
            return []
        return watched_application(self.settings, self._handler, self.migration, self.database)

    def _made(self, part: Part | None, name: str) -> Part:
        if part is None:
            raise AttributeError(f"the service has no {name}: engine is {self.settings.engine}")
        return part

    def _sql_application(self, stream_roles: Mapping[str, FunctionRole]) -> list[pulumi.Resource]:
        """Register the database, its migration and the handler, and return all components registered."""
        settings, project = self.settings, self._project
        migrations_image = _image("migrations", settings, project)
        role, runner_role = _role("handler", settings), _role("migrations", settings)
        # Deleted before the roles by which Lambda lets go of it.
        self.network = register_network(
            settings, _tags(settings), [role, runner_role, *stream_roles.values(), self._live.checked]
        )
        # After the images: a build that fails must not cost the ten minutes and the money that a cluster takes.
        self._database = register_database(
            settings,
            self.network,
            [role.arn, *database_role_arns(settings, stream_roles)],
            _tags(settings),
            live=self._live,
            depends_on=[self.image, migrations_image],
        )
        self._migration = _migration(
            settings, project, migrations_image, self._database, role=runner_role, application_role=role
        )
        self.access = _migrated(self._database, self._migration)
        self._handler = _handler(settings, project, self.image, role, self.access)
        self._export()
        parts = [migrations_image, role, runner_role, self.network, self._database, self._migration, self._handler]
        return [part for part in parts if part]

    def _export(self) -> None:
        pulumi.export("handlerLambdaArn", self.handler.arn)
        pulumi.export("handlerLambdaName", self.handler.function_name)
        pulumi.export("migrationRunnerLambdaArn", self.migration.arn)
        pulumi.export("migrationRunnerLambdaName", self.migration.function_name)
        pulumi.export("functionUrl", self.handler.url)
        pulumi.export("databaseEndpoint", self.database.endpoint)
        pulumi.export("migration", self.migration.revision)


def _role(name: str, settings: Settings) -> FunctionRole:
    # The runner's was a part of its component once.
    former = [pulumi.Alias(parent=pulumi.create_urn(name, MIGRATION))] if name == "migrations" else []
    return FunctionRole(
        name, role_args(settings, _tags(settings), settings.in_vpc), pulumi.ResourceOptions(aliases=former)
    )


def _tags(settings: Settings) -> dict[str, pulumi.Input[str]]:
    return {**settings.own_tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}


def _image(target: str, settings: Settings, project: Project) -> LambdaImage:
    # Relative to the program, as Pulumi runs it, so that the stack's state is the same from every checkout.
    context = os.path.relpath(write_context(project, target))
    return LambdaImage(
        target,
        {
            "context": context,
            "dockerfile": f"{context}/Dockerfile",
            "target": target,
            "build_args": {"BASE_IMAGE": settings.base_image} if settings.base_image else {},
            "architecture": settings.architecture,
            "keep_images": settings.keep_images,
            "force_delete": settings.force_delete and not settings.deletion_protection,
            "tags": _tags(settings),
        },
    )


def _migration(
    settings: Settings,
    project: Project,
    image: LambdaImage,
    database: Database,
    *,
    role: FunctionRole,
    application_role: FunctionRole,
) -> Migration:
    return Migration(
        "migrations",
        {
            "image_uri": image.image_uri,
            "role": role,
            "access": [database.admin],
            "environment": _application(project),
            "triggers": {"cluster": database.identifier, "role": application_role.arn},
            "allow_reset": settings.allow_reset,
            # In a cluster that other stacks use too, the stack deletes what is its own.
            "drop_on_destroy": bool(settings.dsql_cluster_identifier) and settings.force_destroy,
            "architecture": settings.architecture,
            "memory_size": settings.migration_memory,
            "timeout": settings.migration_timeout,
            "log_retention_days": settings.log_retention_days,
            "tracing": settings.tracing,
            "tags": _tags(settings),
        },
    )


def _migrated(database: Database, migration: Migration) -> pulumi.Output[FunctionAccess]:
    """Return what the application needs to use the database, known once the database is at the code's revision."""
    variable = environment_name(DATABASE, "REVISION")
    return pulumi.Output.all(database.runtime, migration.revision).apply(
        lambda known: {**known[0], "environment": {**known[0]["environment"], variable: known[1]}}
    )


def _handler(
    settings: Settings,
    project: Project,
    image: LambdaImage,
    role: FunctionRole,
    access: pulumi.Output[FunctionAccess],
) -> ImageFunction:
    return ImageFunction(
        "handler",
        {
            "image_uri": image.image_uri,
            "role": role,
            "access": [access],
            "environment": {**_application(project), **_database_routes(settings)},
            "architecture": settings.architecture,
            "memory_size": settings.handler_memory,
            "timeout": settings.handler_timeout,
            "reserved_concurrency": settings.handler_concurrency,
            "log_retention_days": settings.log_retention_days,
            "tracing": settings.tracing,
            "url_auth_type": settings.function_url_auth,
            "snap_start": settings.snap_start,
            **_cors(settings),
            "tags": _tags(settings),
        },
    )


def _application(project: Project) -> dict[str, str]:
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
