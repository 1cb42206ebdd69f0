"""Access of a function to something else: the value that databases and networks offer and functions take."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar, cast

import pulumi

from aurora_lambda import policies
from aurora_lambda.arguments import map_input

# An IAM statement: Effect, Action, Resource, Condition. A TypedDict would become two types in the generated SDKs: one
# for outputs, one for inputs.
PolicyStatement = dict[str, Any]

T = TypeVar("T")


class FunctionAccess(TypedDict):
    """Environment, permissions and network attachment of a function that uses a database or another resource.

    An `ImageFunction` takes any number of them, so it never learns what they come from.
    """

    environment: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Environment variables, none of them a secret."""
    policy_statements: pulumi.Input[Sequence[pulumi.Input[PolicyStatement]]]
    """IAM policy statements for the function's role, each with Effect, Action and Resource."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets the function is attached to; empty where no VPC is needed."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Security groups of the function; empty where no VPC is needed."""


# What arguments of these names take; a list of accesses is known to the program, what is in them may come later.
AccessList = Sequence[pulumi.Input[FunctionAccess]]
Variables = pulumi.Input[Mapping[str, pulumi.Input[str]]]
PolicyStatements = pulumi.Input[Sequence[pulumi.Input[PolicyStatement]]]


def function_access(
    environment: Variables,
    statements: PolicyStatements | Sequence[policies.Statement],
    subnet_ids: Sequence[str] = (),
    security_group_ids: Sequence[str] = (),
) -> FunctionAccess:
    """Return the access of what is reached from these subnets; without them, of what AWS's own API reaches."""
    return {
        "environment": environment,
        "policy_statements": cast(PolicyStatements, statements),
        "subnet_ids": [*subnet_ids],
        "security_group_ids": [*security_group_ids],
    }


def policy_of(make: Callable[..., Any], *inputs: pulumi.Input[Any]) -> pulumi.Output[str]:
    """Return the policy document of the statement or the statements that `make` returns of the inputs."""

    def document(known: list[Any]) -> str:
        made = make(*known)
        return policies.policy_document(made if isinstance(made, list) else [made])

    return pulumi.Output.all(*inputs).apply(document)


def merged_access(component: str, name: str, sources: AccessList) -> pulumi.Output[FunctionAccess]:
    """Return what all sources of a component's `access` give together; of variables with one name, the last.

    Raises:
        ValueError: a source has not all keys of a `FunctionAccess`, or another one; of an output, once it is known.
    """

    def check(source: FunctionAccess) -> FunctionAccess:
        keys = FunctionAccess.__annotations__.keys()
        if source.keys() != keys:
            given, must = ", ".join(sorted(source)), ", ".join(sorted(keys))
            raise ValueError(f"{component} {name!r}: access has {given}; must be {must}, each of them")
        return source

    return pulumi.Output.all(*(map_input(source, check) for source in sources)).apply(_merge)


def merged_mapping(*sources: Variables) -> pulumi.Output[dict[str, str]]:
    """Return the variables of all sources; of those with one name, the last."""
    return pulumi.Output.all(*sources).apply(
        lambda known: {key: value for source in known for key, value in source.items()}
    )


def merge_lists(sources: Sequence[Sequence[T]]) -> list[T]:
    """Return what the sources list, in their order and each value once.

    >>> merge_lists([["subnet-1", "subnet-2"], ["subnet-2", "subnet-3"]])
    ['subnet-1', 'subnet-2', 'subnet-3']
    """
    merged: list[T] = []
    for value in (value for source in sources for value in source):
        if value not in merged:
            merged.append(value)
    return merged


def merge_statements(sources: Sequence[Sequence[PolicyStatement]]) -> list[PolicyStatement]:
    """Return the statements of all sources, those that differ in their resources alone as one.

    IAM takes 10,240 characters of all policies of a role together, and of one that is replaced both, the old and the
    new. Source: IAM user guide, "IAM and AWS STS quotas".
    """
    merged: dict[str, PolicyStatement] = {}
    for each in (statement for source in sources for statement in source):
        resources = each.get("Resource")
        # One resource may be given as a text, or be left out for NotResource.
        others = {name: value for name, value in each.items() if name != "Resource" or not isinstance(value, list)}
        known = merged.setdefault(json.dumps(others, sort_keys=True), {**each})
        if isinstance(resources, list):
            known["Resource"] = merge_lists([known["Resource"], resources])
    return [*merged.values()]


def _merge(sources: Sequence[Mapping[str, Any]]) -> FunctionAccess:
    return {
        "environment": {key: value for source in sources for key, value in source["environment"].items()},
        "policy_statements": merge_lists([source["policy_statements"] for source in sources]),
        "subnet_ids": merge_lists([source["subnet_ids"] for source in sources]),
        "security_group_ids": merge_lists([source["security_group_ids"] for source in sources]),
    }
