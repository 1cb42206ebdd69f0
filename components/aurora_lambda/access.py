"""What a function needs to use something else: the value that databases and streams offer and functions take."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, TypeVar

import pulumi

# An IAM statement: Effect, Action, Resource, Condition. A TypedDict would become two types in the generated SDKs: one
# for outputs, one for inputs.
PolicyStatement = dict[str, Any]

EnvironmentSources = pulumi.Input[Sequence[pulumi.Input[Mapping[str, pulumi.Input[str]]]]]
PolicySources = pulumi.Input[Sequence[pulumi.Input[Sequence[pulumi.Input[PolicyStatement]]]]]
IdSources = pulumi.Input[Sequence[pulumi.Input[Sequence[pulumi.Input[str]]]]]

T = TypeVar("T")


class FunctionAccess(TypedDict):
    """Environment, permissions and network attachment of a function that uses a database or another resource.

    An `ImageFunction` takes each of the four from any number of sources, so it never learns what they come from.
    """

    environment: dict[str, str]
    """Environment variables, none of them a secret."""
    policy_statements: list[PolicyStatement]
    """IAM policy statements for the function's role, each with Effect, Action and Resource."""
    subnet_ids: list[str]
    """Subnets the function is attached to; empty where no VPC is needed."""
    security_group_ids: list[str]
    """Security groups of the function; empty where no VPC is needed."""


def merged_mapping(sources: EnvironmentSources) -> pulumi.Output[dict[str, str]]:
    """Return the variables of all sources; of those with one name, the last."""
    return pulumi.Output.all(sources).apply(
        lambda resolved: {key: value for source in resolved[0] for key, value in source.items()}
    )


def merged_ids(sources: IdSources) -> pulumi.Output[list[str]]:
    """Return the ids of all sources, each once."""
    return pulumi.Output.all(sources).apply(lambda resolved: merge_lists(*resolved))


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
