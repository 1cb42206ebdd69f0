"""The escape hatch: properties of a component's children that the program using the component sets itself."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_overloads

import pulumi

from aurora_lambda.naming import camel_case

# The child's name, as the component's docstring lists it, and what to set of it: any property of the resource, in
# Pulumi's or in Python's spelling.
Transform = Mapping[str, Mapping[str, Any]]
ChildTypes = Mapping[str, type[pulumi.Resource]]

NOT_PROPERTIES = ("__self__", "resource_name", "opts", "__props__")


class Children:
    """Gives the children of one component their resource options, with what its `transform` sets of them."""

    def __init__(self, parent: pulumi.Resource, transform: Transform, types: ChildTypes) -> None:
        """Check `transform` against the `types` of the children that the component `parent` can have, by their names.

        Raises:
            ValueError: a child that it never makes, or a property that the child's type does not have; all of them.
        """
        if mistakes := list(_mistakes(transform, types)):
            name = f"{type(parent).__name__} {parent.pulumi_resource_name!r}"
            raise ValueError("; ".join(f"{name}: transform {mistake}" for mistake in mistakes))
        self._parent, self._types = parent, types
        self._properties = {child: _python_names(types[child], given) for child, given in transform.items()}

    def options(self, child: str, opts: pulumi.ResourceOptions | None = None) -> pulumi.ResourceOptions:
        """Return the options of the child of this name: the component's, `opts` and what the transform sets."""
        if child not in self._types:
            raise KeyError(child)
        given = self._properties.get(child)

        def set_properties(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
            return pulumi.ResourceTransformationResult({**args.props, **(given or {})}, args.opts)

        own = pulumi.ResourceOptions(parent=self._parent, transformations=[set_properties] if given else None)
        return pulumi.ResourceOptions.merge(own, opts)


def property_names(type_: type[pulumi.Resource]) -> list[str]:
    """Return the names of a resource type's properties in Python, from the constructor that takes them one by one."""
    parameters = inspect.signature(get_overloads(type_.__init__)[0]).parameters
    return [name for name in parameters if name not in NOT_PROPERTIES]


def _python_names(type_: type[pulumi.Resource], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given by the properties' names in Python."""
    names = {camel_case(name): name for name in property_names(type_)}
    return {names.get(key, key): value for key, value in given.items()}


def _mistakes(transform: Transform, types: ChildTypes) -> Iterator[str]:
    if not isinstance(transform, Mapping):
        yield f"is {transform!r}; must be the properties to set, by the names of children"
        return
    for child, given in transform.items():
        if child not in types:
            yield f"names {child!r}, which it does not make; available: {', '.join(types) or 'none'}"
        elif not isinstance(given, Mapping):
            yield f"sets {child!r} to {given!r}; must be the properties to set, by name"
        else:
            names = property_names(types[child])
            for key in sorted(_python_names(types[child], given).keys() - {*names}):
                yield f"sets {key!r} of {child!r}; available: {', '.join(map(camel_case, names))}"
