"""What a program adds to its service: functions of the same image with the same database, and secrets for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from aurora_lambda.access import AccessList, FunctionAccess, merged_mapping
from aurora_lambda.alarms import Alarms, Watched
from aurora_lambda.arguments import suggestion
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.function import ImageFunction
from aurora_lambda.function_args import ImageFunctionArgs
from aurora_lambda.function_role import FunctionRole
from aurora_lambda.image import LambdaImage
from aurora_lambda.naming import output_prefix
from aurora_lambda.project import Project
from aurora_lambda.queue import Queue, QueueArgs
from aurora_lambda.schedule import Schedule
from aurora_lambda.secret import Secret, SecretArgs
from aurora_lambda.service.additions import Additions
from aurora_lambda.service.function_options import ARGUMENTS_OF_QUEUES, FunctionOptions, QueueOptions
from aurora_lambda.service.monitoring import further_alarms, watched_function
from aurora_lambda.service.names import Names
from aurora_lambda.service.parts import application_variables
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.stream_settings import NAME, RESERVED, stream_connections, stream_functions
from aurora_lambda.stream_table import StreamTable
from aurora_lambda_runtime.database.contract import COMMAND

# How long an invocation may take, in seconds, where nobody waits for an answer.
TIMEOUT = 60
# What is said of a function that uses an AWS service from isolated subnets, and what the endpoint costs.
WAYS_OUT = {"dynamodb": ("uses a DynamoDB table", "free"), "sqs": ("sends to a queue", "7 to 8 USD a month")}


@dataclass(frozen=True)
class ScheduledFunction:
    """A function, and what invokes it."""

    function: ImageFunction
    schedule: Schedule


@dataclass(frozen=True)
class QueueFunction:
    """A function, the queue whose messages it gets, and what other functions need to send to that."""

    function: ImageFunction
    queue: Queue

    @property
    def sender(self) -> pulumi.Output[FunctionAccess]:
        """For `access` of functions that send: the variable `QUEUE_<NAME>_URL`, and the right to send."""
        return self.queue.sender


class Functions:
    """Makes the functions and secrets of one service."""

    def __init__(
        self,
        settings: Settings,
        additions: Additions,
        *,
        image_uri: pulumi.Input[str],
        access: pulumi.Output[FunctionAccess] | None,
        tables: Iterable[StreamTable],
        alarms: Alarms | None,
        project: Project,
    ) -> None:
        self._settings, self._additions, self._project = settings, additions, project
        self._image_uri, self._access = image_uri, access
        # What is reached over AWS's API, with the service that the endpoint is of.
        self._remote = [(table.access, "dynamodb") for table in tables]
        self._names = dict.fromkeys(RESERVED, "a part of every service")
        self._names |= dict.fromkeys(stream_functions(settings.streams), "fed by a stream of the stack's file")
        self._alarms = alarms
        self._secrets: list[str] = []
        additions.checks.append(self._check_settings)
        self._connections = max(0, settings.handler_concurrency) + stream_connections(settings.streams)

    def function(self, name: str, command: str | None, options: FunctionOptions) -> ImageFunction:
        """Make a function that runs a command of the application."""
        if self._access is None:
            raise ValueError(f"function {name!r} runs commands, which use the database, and engine is none")
        self._check(name, options, FunctionOptions)
        self.check_way_out(name, options.get("access", ()))
        role = self._role(name, options, database=True)
        variables = {COMMAND: command} if command else {}
        return self._make(name, role, options, database=self._access, variables=variables)

    def schedule(
        self, name: str, expression: pulumi.Input[str], command: str, time_zone: str, options: FunctionOptions
    ) -> ScheduledFunction:
        """Make a function that runs a command of the application, and a schedule that invokes it."""
        _check_name("role", f"{name}-schedule")
        function = self.function(name, command, {"keep_failed_events": True, **options})
        schedule = Schedule(
            name,
            {
                "function_arn": function.arn,
                "expression": expression,
                "time_zone": time_zone,
                "tags": self._settings.stack_tags,
                "transform": {"role": self._settings.fence},
            },
        )
        self._additions.add(schedule)
        return ScheduledFunction(function, schedule)

    def queue(self, name: str, handler: str, *, database: bool, options: QueueOptions) -> QueueFunction:
        """Make a function of messages, and the queue that they come from."""
        if database and self._access is None:
            raise ValueError(f"function {name!r} uses the database, and engine is none: say database=False")
        self._check(name, options, QueueOptions)
        self.check_way_out(name, options.get("access", ()), database=database)
        settings, role = self._settings, self._role(name, options, database=database)
        if "." in handler:
            command = [handler]
        elif "image_uri" in options:
            command = []
        else:
            command = [f"{self._project.application.name}.queues.{handler.replace('-', '_')}.process"]
        function = self._make(name, role, options, database=self._access if database else None, command=command)
        own = {key: value for key, value in options.items() if key in ARGUMENTS_OF_QUEUES}
        args: QueueArgs = {
            "function_name": function.arn,
            "function_timeout": options.get("timeout", TIMEOUT),
            "role": role,
            "force_destroy": settings.force_destroy,
            "tags": settings.stack_tags,
            **settings.encryption,
            **own,
        }
        if self._alarms:
            args["alarm_topic_arn"] = self._alarms.topic_arn
        queue = Queue(name, args)
        self._additions.add(queue)
        self._remote.append((queue.sender, "sqs"))
        pulumi.export(f"{output_prefix(name)}QueueUrl", queue.queue_url)
        return QueueFunction(function, queue)

    def secret(self, name: str, value: pulumi.Input[str] | None, arn: pulumi.Input[str] | None) -> Secret:
        """Make a secret of a value, or name an existing one by its ARN."""
        _check_spelling("secret", name)
        if name in self._secrets:
            raise ValueError(f"secret {name!r} is there already: keep what service.secret returned the first time")
        self._secrets.append(name)
        settings = self._settings
        own: SecretArgs = {"recovery_days": settings.secret_recovery_days, "tags": settings.stack_tags}
        if value is not None:
            own = {**own, **settings.encryption, "value": value}
        secret = Secret(name, {**own, "arn": arn} if arn is not None else own)
        self._additions.add_secret(secret)
        return secret

    def check_way_out(self, name: str, access: AccessList, *, database: bool = True) -> None:
        """Refuse a function that uses a queue or a table from subnets with no way there: it would wait in vain."""
        settings = self._settings
        if not (database and settings.in_vpc) or settings.vpc_id:
            return
        used = {service for value, service in self._remote if any(each is value for each in access)}
        missing = [service for service in WAYS_OUT if service in used and service not in settings.endpoints]
        if missing:
            uses = " and ".join(WAYS_OUT[service][0] for service in missing)
            lines = "\n".join(
                f"pulumi config set --path 'endpoints[{index}]' {service} ({WAYS_OUT[service][1]})"
                for index, service in enumerate(missing, len(settings.endpoints))
            )
            raise ValueError(f"function {name!r} {uses}, and its subnets have no way there. Type: {lines}")

    def _role(self, name: str, options: FunctionOptions | QueueOptions, *, database: bool) -> FunctionRole:
        # What it uses besides, as another database, may attach it to the network too.
        in_vpc = self._settings.in_vpc and (database or bool(options.get("access")))
        role = FunctionRole(name, self._settings.role_arguments(in_vpc=in_vpc))
        self._additions.add_role(role, database=database, in_vpc=in_vpc)
        return role

    def _make(
        self,
        name: str,
        role: FunctionRole,
        options: FunctionOptions,
        *,
        database: pulumi.Output[FunctionAccess] | None,
        variables: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
    ) -> ImageFunction:
        settings = self._settings
        given = settings.function_arguments(name, {**application_variables(self._project), **(variables or {})})
        args: ImageFunctionArgs = {
            "timeout": TIMEOUT,
            **given,
            "publish": settings.publish_versions,
            **{key: value for key, value in options.items() if key not in ARGUMENTS_OF_QUEUES},
            "image_uri": _image_uri(name, options.get("image_uri", self._image_uri), settings.architecture),
            "role": role,
            "access": [*([database] if database else []), *options.get("access", ())],
            "environment": merged_mapping(options.get("environment", {}), given["environment"]),
            "policy_statements": pulumi.Output.from_input(options.get("policy_statements", [])).apply(
                lambda own: [*own, *given["policy_statements"]]
            ),
        }
        if command:
            args["command"] = command
        function = ImageFunction(name, args)
        self._additions.add(function)
        self._watch(name, function, options)
        pulumi.export(f"{output_prefix(name)}LambdaArn", function.arn)
        pulumi.export(f"{output_prefix(name)}LambdaName", function.function_name)
        if "url_auth_type" in options:
            pulumi.export(f"{output_prefix(name)}Url", function.url)
        return function

    def _watch(self, name: str, function: ImageFunction, options: FunctionOptions) -> None:
        watched: list[Watched] = [watched_function(name, function, options.get("timeout", TIMEOUT))]
        if "url_auth_type" in options:
            watched.append({"name": name, "kind": "url", "id": function.function_name})
        if options.get("keep_failed_events"):
            watched.append({"name": name, "kind": "events", "id": function.failed_events_queue})
        self._additions.watched += watched
        if self._alarms:
            self._additions.add(further_alarms(self._settings, name, watched, self._alarms))

    def _check(self, name: str, options: FunctionOptions | QueueOptions, kind: type) -> None:
        _check_spelling("function", name)
        if name in self._names:
            raise ValueError(f"function {name!r} has the name of a function that is {self._names[name]}")
        if unknown := sorted(options.keys() - kind.__annotations__.keys()):
            available = ", ".join(kind.__annotations__)
            raise ValueError(f"function {name!r} has no option {unknown[0]!r}; available: {available}")
        _check_name("function", name)
        self._check_connections(name, options.get("reserved_concurrency", options.get("maximum_concurrency")))
        self._names[name] = "added before"

    def _check_settings(self) -> None:
        """Refuse a stack's file that names a function that nobody has added."""
        names = [name for name in self._names if name != "migration-runner"]
        if self._access is None:
            names = [name for name in names if name not in RESERVED]
        for index, function in enumerate(self._settings.functions):
            if function.name not in names:
                remedy = suggestion(function.name, names) or f"available: {', '.join(sorted(names)) or 'none'}"
                raise ValueError(
                    f"functions[{index}].name is {function.name!r}, which the stack does not have; {remedy}"
                )

    def _check_connections(self, name: str, concurrency: object) -> None:
        """Refuse a function whose instances, each with one connection, need more than the cluster has left."""
        settings, engine = self._settings, RDS_ENGINES.get(self._settings.engine)
        if not isinstance(concurrency, int) or engine is None or settings.aurora_cluster_identifier:
            return
        left = engine.connections_for_functions(settings.max_capacity) - self._connections
        if concurrency > left:
            raise ValueError(
                f"function {name!r}: a concurrency of {concurrency} is more than the {left} connections that"
                f" {settings.engine} with maxCapacity {settings.max_capacity:g} has left beside the other functions"
            )
        self._connections += max(0, concurrency)


def _image_uri(name: str, image: pulumi.Input[str] | LambdaImage, architecture: str) -> pulumi.Input[str]:
    """Return an image's URI, of a `LambdaImage` once it is known to be for the processor of the functions."""
    if not isinstance(image, LambdaImage):
        return image

    def check(built_for: str) -> pulumi.Output[str]:
        if built_for != architecture:
            raise pulumi.RunError(
                f"function {name!r} runs on {architecture}, and its image {image.pulumi_resource_name!r} is built for"
                f" {built_for}: give the LambdaImage the architecture service.settings.architecture"
            )
        return image.image_uri

    return image.architecture.apply(check)


def _check_spelling(kind: str, name: str) -> None:
    try:
        NAME.check(name)
    except ValueError as error:
        raise ValueError(f"a {kind}'s name is {name!r}; {error}") from None


def _check_name(kind: str, name: str) -> None:
    if mistake := Names.of_this_stack().mistake(kind, name):
        raise ValueError(mistake)
