"""Names and tags that every component gives its resources."""

from collections.abc import Mapping
from typing import Any

import pulumi


def tagged(tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None, name: str) -> pulumi.Output[dict[str, str]]:
    """The component's tags with the resource's own `Name`."""
    given: pulumi.Output[Any] = pulumi.Output.from_input(tags or {})
    return given.apply(lambda tags: {**tags, "Name": name})


def stack_name(name: str) -> str:
    """`<project>-<stack>-<name>`: what a resource is called where its name has to be known before it exists."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}"
