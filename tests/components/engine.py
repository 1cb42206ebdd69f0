"""What Pulumi's engine decides about resources from what a program registers, over an AWS where names exist once.

A small model: which resource of the state is meant (URN or alias), what makes the provider replace it, whether it is
deleted before or after its replacement is made, and what is kept. Source: pulumi/pulumi, pkg/resource/deploy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.components.recording import Recording, Registration
from tests.components.tokens import MAPPING, TABLE

# Properties that the AWS provider cannot change (ForceNew).
FORCE_NEW: Mapping[str, frozenset[str]] = {
    TABLE: frozenset({"name", "hashKey", "rangeKey"}),
    MAPPING: frozenset({"eventSourceArn", "startingPosition"}),
}
# What exists only once in AWS: two resources with the same values of these are refused.
ONCE: Mapping[str, tuple[str, ...]] = {TABLE: ("name",), MAPPING: ("eventSourceArn", "functionName")}


class Refused(Exception):  # noqa: N818 - as AWS says it
    """AWS refuses to make what exists already."""


@dataclass
class Engine:
    """A stack's state, and what `up` does to it: `update TYPE NAME` and the like, in order."""

    state: dict[str, Registration] = field(default_factory=dict)
    exists: set[tuple[Any, ...]] = field(default_factory=set)
    steps: list[str] = field(default_factory=list)

    def up(self, recording: Recording) -> list[str]:
        """Return the steps of a deployment of what was recorded.

        Raises:
            Refused: AWS has a resource of the same name.
        """
        self.steps, old, last = [], self.state, []
        self.state = {}
        for new in recording.registrations:
            known = next((old.pop(urn) for urn in (engine_urn(new.urn), *new.aliases) if urn in old), None)
            if known is None:
                self._create(new)
            elif changed := {
                key for key in {*known.inputs, *new.inputs} if known.inputs.get(key) != new.inputs.get(key)
            }:
                if not changed & {*FORCE_NEW.get(new.type, ()), *new.replace_on_changes}:
                    self._note("update", new)
                elif new.delete_before_replace:
                    self._delete(known)
                    self._create(new)
                else:
                    self._create(new)
                    last.append(known)
            self.state[engine_urn(new.urn)] = new
        for gone in reversed([*old.values(), *last]):
            self._delete(gone)
        return self.steps

    def _create(self, resource: Registration) -> None:
        if (identity := _identity(resource)) in self.exists:
            raise Refused(f"{resource.type} {resource.name} already exists")
        self.exists |= {identity} if identity else set()
        self._note("create", resource)

    def _delete(self, resource: Registration) -> None:
        if resource.retain_on_delete:
            self._note("keep", resource)
            return
        self.exists.discard(_identity(resource))
        self._note("delete", resource)

    def _note(self, step: str, resource: Registration) -> None:
        if not resource.type.startswith("aurora-lambda:"):
            self.steps.append(f"{step} {resource.type.rpartition(':')[2]} {resource.name}")


def engine_urn(urn: str) -> str:
    """Return the URN as the engine writes it: the stack is no part of a resource's type."""
    return urn.replace("pulumi:pulumi:Stack$", "")


def _identity(resource: Registration) -> tuple[Any, ...]:
    values = tuple(resource.inputs.get(key) for key in ONCE.get(resource.type, ()))
    return (resource.type, *values) if values else ()
