"""The functions that a program adds to its service, in the same image and with the same database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import pulumi

from aurora_lambda.access import AccessList, FunctionAccess, PolicyStatements, Variables
from aurora_lambda.alarms import Alarms, Watched
from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.function import ImageFunction, ImageFunctionArgs
from aurora_lambda.function_role import FunctionRole
from aurora_lambda.naming import camel_case
from aurora_lambda.schedule import Schedule
from aurora_lambda.service.additions import Additions
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.stream_settings import NAME, RESERVED, stream_connections, stream_functions
from aurora_lambda.service.streams import role_args
from aurora_lambda.transform import Transform
from aurora_lambda_runtime.database.contract import COMMAND

# How long an invocation may take, in seconds, where nobody waits for an answer.
TIMEOUT = 60


class FunctionOptions(TypedDict, total=False):
    """What a program may say of a function that it adds: arguments of `ImageFunction`."""

    environment: Variables
    """Further environment variables. Never put a secret here."""
    policy_statements: PolicyStatements
    """Further IAM policy statements: what the function may do."""
    access: AccessList
    """What the function uses besides the database."""
    memory_size: pulumi.Input[int]
    """Memory in MB."""
    timeout: pulumi.Input[int]
    """How long an invocation may take, in seconds; 60 by default."""
    reserved_concurrency: pulumi.Input[int]
    """Most instances at once, each with one connection to the database; -1: no limit but the account's."""
    transform: Transform
    """What to set of the function's resources, by resource and property."""


@dataclass(frozen=True)
class ScheduledFunction:
    """A function, and what invokes it."""

    function: ImageFunction
    schedule: Schedule


class Functions:
    """Makes the functions of one service; `variables` and `tags` are those of all of them."""

    def __init__(
        self,
        settings: Settings,
        additions: Additions,
        *,
        image_uri: pulumi.Input[str],
        access: pulumi.Output[FunctionAccess] | None,
        alarms: Alarms | None,
        variables: Mapping[str, str],
        tags: Mapping[str, pulumi.Input[str]],
    ) -> None:
        self._settings, self._additions = settings, additions
        self._image_uri, self._access, self._variables, self._tags = image_uri, access, variables, tags
        self._names = dict.fromkeys(RESERVED, "a part of every service")
        self._names |= dict.fromkeys(stream_functions(settings.streams), "fed by a stream of the stack's file")
        self._alarms = alarms
        self._connections = max(0, settings.handler_concurrency) + stream_connections(settings.streams)

    def function(self, name: str, command: str | None, options: FunctionOptions) -> ImageFunction:
        """Make a function that runs a command of the application."""
        if self._access is None:
            raise ValueError(f"function {name!r} runs commands, which use the database, and engine is none")
        return self._make(name, {COMMAND: command} if command else {}, options, {})

    def schedule(
        self, name: str, expression: pulumi.Input[str], command: str, time_zone: str, options: FunctionOptions
    ) -> ScheduledFunction:
        """Make a function that runs a command of the application, and a schedule that invokes it."""
        function = self.function(name, command, options)
        schedule = Schedule(
            name,
            {
                "function_arn": function.arn,
                "expression": expression,
                "time_zone": time_zone,
                "tags": self._tags,
                "transform": {"role": self._fence()},
            },
        )
        self._additions.add(schedule)
        return ScheduledFunction(function, schedule)

    def _make(
        self,
        name: str,
        variables: Mapping[str, str],
        options: FunctionOptions,
        more: ImageFunctionArgs | dict[str, object],
    ) -> ImageFunction:
        self._check(name, options)
        settings = self._settings
        role = FunctionRole(name, role_args(settings, self._tags, settings.in_vpc))
        self._additions.add_role(role)
        function = ImageFunction(
            name,
            {
                "timeout": TIMEOUT,
                "architecture": settings.architecture,
                "log_retention_days": settings.log_retention_days,
                "tracing": settings.tracing,
                **options,
                "image_uri": self._image_uri,
                "role": role,
                "access": [*([self._access] if self._access else []), *options.get("access", ())],
                "environment": pulumi.Output.all(options.get("environment", {})).apply(
                    lambda known: {**known[0], **self._variables, **variables}
                ),
                "tags": self._tags,
                **more,
            },
        )
        self._additions.add(function)
        if self._alarms:
            watched = _watched(name, function, options.get("timeout", TIMEOUT))
            alarms = Alarms(name, {"watched": [watched], "topic_arn": self._alarms.topic_arn, "tags": self._tags})
            self._additions.add(alarms)
        label = camel_case(name.replace("-", "_"))
        pulumi.export(f"{label}LambdaArn", function.arn)
        pulumi.export(f"{label}LambdaName", function.function_name)
        return function

    def _fence(self) -> dict[str, str]:
        """Return what fences every role of the stack."""
        args = role_args(self._settings, self._tags, in_vpc=False)
        return {key: str(args[key]) for key in ("path", "permissions_boundary") if key in args}

    def _check(self, name: str, options: FunctionOptions) -> None:
        try:
            NAME.check(name)
        except ValueError as error:
            raise ValueError(f"a function's name is {name!r}; {error}") from None
        if name in self._names:
            raise ValueError(f"function {name!r} has the name of a function that is {self._names[name]}")
        if unknown := sorted(options.keys() - FunctionOptions.__annotations__.keys()):
            available = ", ".join(FunctionOptions.__annotations__)
            raise ValueError(f"function {name!r} has no option {unknown[0]!r}; available: {available}")
        self._check_connections(name, options.get("reserved_concurrency"))
        self._names[name] = "added before"

    def _check_connections(self, name: str, concurrency: object) -> None:
        """Refuse a function whose instances, each with one connection, need more than the cluster has left."""
        settings, engine = self._settings, RDS_ENGINES.get(self._settings.engine)
        if not isinstance(concurrency, int) or engine is None:
            return
        left = engine.connections_for_functions(settings.max_capacity) - self._connections
        if concurrency > left:
            raise ValueError(
                f"function {name!r}: reserved_concurrency {concurrency} is more than the {left} connections that"
                f" {settings.engine} with maxCapacity {settings.max_capacity:g} has left beside the other functions"
            )
        self._connections += max(0, concurrency)


def _watched(name: str, function: ImageFunction, timeout: pulumi.Input[int]) -> Watched:
    """Return what to watch of a function; how long it takes only where its timeout is known."""
    watched: Watched = {"name": name, "kind": "function", "id": function.function_name}
    return {**watched, "limits": {"timeout": timeout}} if isinstance(timeout, int) else watched
