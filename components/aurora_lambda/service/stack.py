"""One stack of a service: functions with a SQL database behind them, migrated before the functions are deployed."""

from typing import TypeVar, Unpack

import pulumi

from aurora_lambda import (
    Alarms,
    FunctionAccess,
    ImageFunction,
    LambdaImage,
    Migration,
    Network,
    Secret,
    StreamTable,
)
from aurora_lambda.access import AccessList, PolicyStatements, Variables, function_access
from aurora_lambda.arguments import without_none
from aurora_lambda.project import Project
from aurora_lambda.service.additions import Additions
from aurora_lambda.service.configuration import load_settings
from aurora_lambda.service.database import Database, register_database, register_network
from aurora_lambda.service.function_options import FunctionOptions, QueueOptions
from aurora_lambda.service.function_settings import arns_of_secrets
from aurora_lambda.service.functions import Functions, QueueFunction, ScheduledFunction
from aurora_lambda.service.keys import NO_DATABASE
from aurora_lambda.service.live_data import Protection, check_live_data, is_protected
from aurora_lambda.service.monitoring import register_alarms, register_dashboard, watched_application
from aurora_lambda.service.parts import (
    migrated_access,
    register_backup,
    register_handler,
    register_image,
    register_migration,
    register_role,
)
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.streams import Streams

Part = TypeVar("Part", bound=pulumi.Resource)


class Service:
    """One stack of the service: a handler with a SQL database behind it, migrated first, and functions behind streams.

    What adds to it raises `RunError` where an argument is not allowed or a name is taken, and `RuntimeError` where the
    program has awaited something since it made the service.

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

    def __init__(self, settings: Settings | None = None) -> None:
        """Register the whole stack as its file configures it, and export its outputs.

        `settings` are those of a program with keys of its own, as `load_settings` returns them.

        Raises:
            SettingsError: the configuration is wrong; nothing has been registered then.
        """
        self._project = Project.find()
        self.settings = settings or load_settings(Settings)
        self._live = check_live_data(self.settings)
        self._additions = Additions()
        self.image = register_image("handler", self.settings, self._project)
        self._streams = Streams(self.settings)
        parts: list[pulumi.Resource] = [self.image, *self._streams.roles.values()]
        if self.settings.engine != NO_DATABASE:
            parts += self._sql_application()
        watched = (
            watched_application(self.settings, self.handler, self.migration, self.database) if self._handler else []
        )
        self.alarms = register_alarms(self.settings, watched)
        self._streams.register_tables(self._live)
        parts += self._streams.register(self.image.image_uri, self.access, self._project.application.name, self.alarms)
        parts += [*([self.alarms] if self.alarms else []), *register_backup(self.settings, parts, self.alarms)]
        parts += register_dashboard(self.settings, watched, parts, self._additions)
        Protection(self._additions.with_parts(parts), protected=is_protected(self.settings))
        self._functions = Functions(
            self.settings,
            self._additions,
            image_uri=self.image.image_uri,
            access=self.access,
            tables=self._streams.tables.values(),
            alarms=self.alarms,
            project=self._project,
        )
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

    def table(self, name: str) -> StreamTable:
        """Return a DynamoDB table whose stream feeds a function, by its name in the stack's file.

        Its `access` is for functions that read or write it.

        Raises:
            RunError: no stream of the stack is one of that table.
        """
        tables = {stream.table: self._streams.tables[stream.name] for stream in self.settings.streams}
        with self._additions.adding(f"table {name!r}"):
            if name not in tables:
                raise ValueError(f"no stream reads a table {name!r}; available: {', '.join(sorted(tables)) or 'none'}")
        return tables[name]

    def extend_handler(
        self,
        *,
        environment: Variables | None = None,
        policy_statements: PolicyStatements = (),
        access: AccessList = (),
    ) -> None:
        """Give the handler environment variables, IAM statements, and what it uses besides the database.

        Raises:
            RunError: it uses a queue or a table that its subnets do not reach.
        """
        own = function_access(environment or {}, policy_statements)
        with self._additions.adding("extend_handler"):
            self._made(self._handler, "handler")
            self._functions.check_way_out("handler", access)
            self._additions.handler += [*access, own]

    def function(self, name: str, *, command: str | None = None, **options: Unpack[FunctionOptions]) -> ImageFunction:
        """Add a function of the same image with the same database access, and a role and a log group of its own.

        Args:
            name: What the function is called, to `aurora-lambda invoke` and `logs` too.
            command: The application's command that it runs when its payload names none; by default the first.
            options: Arguments of `ImageFunction`.
        """
        with self._additions.adding(f"function {name!r}"):
            return self._functions.function(name, command, without_none(options))

    def schedule(
        self,
        name: str,
        expression: pulumi.Input[str],
        *,
        command: str | None = None,
        time_zone: str = "UTC",
        **options: Unpack[FunctionOptions],
    ) -> ScheduledFunction:
        """Add a function, as `function` does, and the schedule that invokes it.

        Args:
            name: What both are called.
            expression: `rate(5 minutes)`, `cron(0 8 ? * MON-FRI *)` or `at(2026-12-24T18:00:00)`.
            command: The application's command that it runs; by default the one called `name`, `-` as `_`.
            time_zone: That of `cron` and `at`.
            options: Arguments of `ImageFunction`.
        """
        with self._additions.adding(f"schedule {name!r}"):
            command = command or name.replace("-", "_")
            return self._functions.schedule(name, expression, command, time_zone, without_none(options))

    def queue(
        self, name: str, *, handler: str | None = None, database: bool = True, **options: Unpack[QueueOptions]
    ) -> QueueFunction:
        """Add a function of messages, and the SQS queue that they come from; `.sender` is for those that send.

        Args:
            name: What both are called.
            handler: The module in the application's `queues/` whose `process` gets the messages, or the path of
                another function; by default the module called `name`, `-` as `_`.
            database: Whether the function uses the service's SQL database.
            options: Arguments of `ImageFunction` and `Queue`.
        """
        with self._additions.adding(f"queue {name!r}"):
            return self._functions.queue(name, handler or name, database=database, options=without_none(options))

    def secret(
        self, name: str, value: pulumi.Input[str] | None = None, *, arn: pulumi.Input[str] | None = None
    ) -> Secret:
        """Make a secret of `value`, or name an existing one; its `reader` is for `access` of functions that read it.

        They read it by `get_secret(name)` of `aurora_lambda_runtime.secrets`.

        Args:
            name: What the code calls it.
            value: Its value, such as a secret of the configuration.
            arn: The whole ARN of an existing secret, in place of a value.
        """
        with self._additions.adding(f"secret {name!r}"):
            return self._functions.secret(name, value, arn)

    def _made(self, part: Part | None, name: str) -> Part:
        if part is None:
            raise AttributeError(f"the service has no {name}: engine is {self.settings.engine}")
        return part

    def _sql_application(self) -> list[pulumi.Resource]:
        """Register the database, its migration and the handler, and return all components registered."""
        settings, project = self.settings, self._project
        migrations_image = register_image("migrations", settings, project)
        role, runner_role = register_role("handler", settings), register_role("migrations", settings)
        # Deleted before the roles by which Lambda lets go of it.
        self.network = register_network(
            settings,
            self._additions.with_roles([role, runner_role, *self._streams.roles.values(), self._live.checked]),
        )
        # After the images: a build that fails must not cost the ten minutes and the money that a cluster takes.
        self._database = register_database(
            settings,
            self.network,
            self._additions.with_role_arns([role.arn, *self._streams.database_role_arns]),
            secret_arns=self._additions.with_secret_arns(arns_of_secrets(settings.functions)),
            live=self._live,
            depends_on=[self.image, migrations_image],
        )
        self._migration = register_migration(
            settings, project, migrations_image, self._database, role=runner_role, application_role=role
        )
        self.access = migrated_access(self._database, self._migration)
        self._handler = register_handler(
            settings, project, self.image, role, [self.access, self._additions.handler_access()]
        )
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
