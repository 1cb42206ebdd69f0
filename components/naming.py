"""Names and tags that every component gives its resources."""

from collections.abc import Mapping

import pulumi

Tags = pulumi.Input[Mapping[str, pulumi.Input[str]]]


def resource_tags(tags: Tags | None, name: str) -> pulumi.Output[dict[str, str]]:
    """Return the component's tags with the resource's own `Name`."""
    return pulumi.Output.all(tags or {}).apply(lambda given: {**given[0], "Name": name})


def physical_name(name: str) -> str:
    """Return `<project>-<stack>-<name>`, for a resource whose name has to be known before it exists."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}"
