"""A resource as it runs on this machine."""

from collections.abc import Callable
from dataclasses import dataclass

from aurora_lambda_local.databases.dsql.server import DsqlServer
from aurora_lambda_local.databases.registry import DatabaseServer
from aurora_lambda_local.databases.server_watch import ServerWatch
from aurora_lambda_local.lambda_service.deployed_function import DeployedFunction
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.resources.context import StackContext


@dataclass(frozen=True)
class MadeResource:
    """A resource without a process: whether it is still what was made, and what its end takes with it, if anything."""

    is_there: Callable[[], bool]
    remove: Callable[[], object] = lambda: None

    def alive(self) -> bool:
        """Return whether it is still what was made."""
        return self.is_there()

    def close(self) -> None:
        """Remove what goes with it."""
        self.remove()


@dataclass(frozen=True)
class RunningCluster:
    """A database server that is watched over.

    `url` returns where a person logs in as the master user, given the database that the functions use, which may be
    empty; empty while nothing holds the password. `password` is the secret with that, where the engine has passwords.
    """

    server: DatabaseServer | DsqlServer
    watch: ServerWatch
    url: Callable[[str], str]
    password: MadeResource | None = None

    def alive(self) -> bool:
        """Return whether the server runs and its master password, if it has one, is known."""
        return self.watch.alive() and (self.password is None or self.password.alive())

    def close(self) -> None:
        """Shut the server down."""
        self.watch.stop()
        if self.password:
            self.password.close()


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
