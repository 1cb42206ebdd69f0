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


def property_names(type_: type[pulumi.Resource]) -> list[str]:
    """Return the names of a resource type's properties in Python, from the constructor that takes them one by one."""
    parameters = inspect.signature(get_overloads(type_.__init__)[0]).parameters
    return [name for name in parameters if name not in NOT_PROPERTIES]


def by_python_names(type_: type[pulumi.Resource], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given of a resource by its properties' names in Python."""
    names = {camel_case(name): name for name in property_names(type_)}
    return {names.get(key, key): value for key, value in given.items()}


def transform_mistakes(transform: Transform, types: ChildTypes) -> Iterator[str]:
    """Yield what is wrong with a transform of a component that can make children of these types, by their names."""
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
            for key in sorted(by_python_names(types[child], given).keys() - {*names}):
                yield f"sets {key!r} of {child!r}; available: {', '.join(map(camel_case, names))}"
