"""A resource as it runs on this machine."""

import json
from dataclasses import dataclass

from aurora_lambda_local.databases.registry import DatabaseServer
from aurora_lambda_local.databases.server_watch import ServerWatch
from aurora_lambda_local.lambda_service.deployed_function import DeployedFunction
from aurora_lambda_local.lambda_service.function import Function, InvocationResult
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.resources.context import StackContext
from aurora_lambda_local.runtimes.container import ContainerImage
from aurora_lambda_local.runtimes.virtualenv import VirtualenvImage


@dataclass(frozen=True)
class RunningCluster:
    """A database server and the secret with its master password."""

    context: StackContext
    server: DatabaseServer
    watch: ServerWatch
    secret_arn: str

    def alive(self) -> bool:
        """Return whether the server runs and its master password is known."""
        return self.watch.alive() and bool(self.context.aws_services.secret_value(self.context.region, self.secret_arn))

    def close(self) -> None:
        """Shut the server down."""
        self.watch.stop()
        self.context.aws_services.delete_secret(self.context.region, self.secret_arn)


@dataclass(frozen=True)
class RunningFunction:
    """A build of a function, which can be invoked."""

    context: StackContext
    deployed: DeployedFunction
    build: Function

    @property
    def name(self) -> str:
        """The function's name."""
        return self.build.config.name

    def alive(self) -> bool:
        """Return whether it is what was deployed last under its name."""
        return self.context.functions.get(self.name) is self.deployed and self.deployed.latest is self.build

    def close(self) -> None:
        """End its environments, those of its versions too, and remove it."""
        if self.context.functions.get(self.name) is self.deployed:
            del self.context.functions[self.name]
        self.deployed.stop()


@dataclass(frozen=True)
class LeadingAlias:
    """An alias of a function, which may have been led to another version since."""

    context: StackContext
    function: str
    alias: str

    def alive(self) -> bool:
        """Return whether the function has the alias."""
        deployed = self.context.functions.get(self.function)
        return deployed is not None and self.alias in deployed.aliases

    def close(self) -> None:
        """Remove it."""
        if deployed := self.context.functions.get(self.function):
            deployed.aliases.pop(self.alias, None)


@dataclass(frozen=True)
class PreparedImage:
    """The files of an image."""

    image: VirtualenvImage | ContainerImage

    def alive(self) -> bool:
        """Return whether the files still exist."""
        return self.image.alive()

    def close(self) -> None:
        """Leave the files, because the next image may have the same."""


@dataclass(frozen=True)
class StoredSecret:
    """A secret in the emulated Secrets Manager."""

    context: StackContext
    arn: str

    def alive(self) -> bool:
        """Return whether the secret exists; others fill it."""
        return self.context.aws_services.has_secret(self.context.region, self.arn)

    def close(self) -> None:
        """Delete the secret."""
        self.context.aws_services.delete_secret(self.context.region, self.arn)


@dataclass(frozen=True)
class StoredSecretVersion:
    """The value that the program gives to a secret."""

    context: StackContext
    arn: str
    value: str

    def alive(self) -> bool:
        """Return whether the secret has this value."""
        return self.context.aws_services.secret_value(self.context.region, self.arn) == self.value

    def close(self) -> None:
        """Do nothing: the value is deleted with its secret."""


@dataclass(frozen=True)
class CompletedInvocation:
    """An invocation that has run."""

    context: StackContext
    function_name: str
    payload: bytes

    def invoke(self) -> InvocationResult:
        """Invoke the function.

        Raises:
            LocalError: there is no such function, or it is throttled.
        """
        return self.context.find_function(self.function_name).invoke(self.payload)

    def alive(self) -> bool:
        """Return whether the database is still as a deployment of migrations left it; True for other invocations.

        The deployment is idempotent: run again, it applies nothing to a database that is at head.
        """
        if not self._deploys_migrations():
            return True
        try:
            result = self.invoke()
        except LocalError:
            return False
        applied = None if result.failed else json.loads(result.payload).get("applied")
        if applied:
            names = ", ".join(step["revision"] for step in applied)
            self.context.notices.append(f"the database was behind its deployment; applied: {names}")
        return applied == []

    def close(self) -> None:
        """Do nothing: an invocation leaves nothing that runs."""

    def _deploys_migrations(self) -> bool:
        event = json.loads(self.payload)
        return isinstance(event, dict) and event.get("command") == "deploy"
