"""What a program adds to a service that it has made: read once the program's own code has returned."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import pulumi

from aurora_lambda.access import FunctionAccess, merged_access
from aurora_lambda.alarms import Watched
from aurora_lambda.function_role import FunctionRole
from aurora_lambda.secret import Secret

Made = TypeVar("Made")


class Additions:
    """Functions and accesses that come after what depends on them has been constructed.

    Pulumi sends a resource to the engine in a coroutine, which runs no sooner than the program's code returns or
    awaits. So the network may depend on the roles of functions that the next line of the program adds.

    Attributes:
        watched: What the dashboard shows besides.
        handler: What the handler uses besides the database.
        checks: What raises a ValueError where something is wrong once all has been added.
    """

    def __init__(self) -> None:
        self._roles: list[FunctionRole] = []
        self._network_roles: list[FunctionRole] = []
        self._parts: list[pulumi.Resource] = []
        self.watched: list[Watched] = []
        self.handler: list[pulumi.Input[FunctionAccess]] = []
        self._secrets: list[Secret] = []
        self.checks: list[Callable[[], None]] = []
        self._read = False
        self._mistake: Exception | None = None

    @contextmanager
    def adding(self, what: str) -> Generator[None]:
        """Let the program add something within; a mistake there keeps the network and the database unmade.

        Raises:
            RuntimeError: the network and the database are on their way already.
            RunError: what was added is wrong, of which Pulumi prints the message alone.
        """
        if self._read:
            raise RuntimeError(
                f"{what} comes too late: the network and the database wait for the roles of all functions. Add it"
                " right after Service(), before the program awaits anything and outside of apply"
            )
        try:
            yield
        except ValueError as error:
            self._mistake = pulumi.RunError(str(error))
            raise self._mistake from error

    def add(self, *parts: pulumi.Resource) -> None:
        """Add components, which all belong to what a protected stack keeps."""
        self._parts += parts

    def add_role(self, role: FunctionRole, *, database: bool, in_vpc: bool) -> None:
        """Add the role of a function, which may use the database and be attached to the network."""
        self._parts.append(role)
        self._roles += [role] if database else []
        self._network_roles += [role] if in_vpc else []

    def add_secret(self, secret: Secret) -> None:
        """Add a secret, which functions in a VPC read through its endpoint."""
        self._parts.append(secret)
        self._secrets.append(secret)

    def with_roles(
        self, others: Sequence[pulumi.Input[pulumi.Resource]]
    ) -> Awaitable[list[pulumi.Input[pulumi.Resource]]]:
        """Return `others` and all roles added by which Lambda attaches functions, for `depends_on`."""
        return self._later(lambda: [*others, *self._network_roles])

    def with_role_arns(self, others: Sequence[pulumi.Input[str]]) -> pulumi.Output[list[pulumi.Input[str]]]:
        """Return `others` and the ARNs of all roles added."""
        return pulumi.Output.from_input(self._later(lambda: [*others, *(role.arn for role in self._roles)]))

    def with_secret_arns(self, others: Sequence[pulumi.Input[str]]) -> pulumi.Output[list[pulumi.Input[str]]]:
        """Return `others` and the ARNs of all secrets added."""
        return pulumi.Output.from_input(self._later(lambda: [*others, *(secret.arn for secret in self._secrets)]))

    def with_parts(self, others: Sequence[pulumi.Resource]) -> Awaitable[list[pulumi.Resource]]:
        """Return `others` and all components added, for `depends_on`."""
        return self._later(lambda: [*others, *self._parts])

    def with_watched(self, before: Sequence[Watched], after: Sequence[Watched]) -> pulumi.Output[list[Watched]]:
        """Return what the dashboard shows: all that has been added, between `before` and `after`."""
        later = self._later(lambda: [*before, *self.watched, *after])
        return pulumi.Output.from_input(later)

    def handler_access(self) -> pulumi.Output[FunctionAccess]:
        """Return all that has been added to the handler."""
        later = pulumi.Output.from_input(self._later(lambda: [*self.handler]))
        return later.apply(lambda added: merged_access("Service", "handler", added))  # ty: ignore[invalid-argument-type]

    def _later(self, make: Callable[[], Made]) -> Awaitable[Made]:
        async def read() -> Made:
            if not self._read:
                self._read = True
                self._check()
            if self._mistake:
                raise self._mistake
            return make()

        # A task, since Pulumi awaits `depends_on` more than once.
        return asyncio.ensure_future(read())

    def _check(self) -> None:
        try:
            for check in self.checks:
                check()
        except ValueError as error:
            self._mistake = self._mistake or pulumi.RunError(str(error))
