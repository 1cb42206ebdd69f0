"""What all components have in common: arguments that are checked, children by their names, outputs by theirs."""

import inspect
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

import pulumi

from aurora_lambda.arguments import Argument, check_arguments, known_arguments
from aurora_lambda.naming import Tags, camel_case, resource_tags
from aurora_lambda.transform import ChildTypes, Transform, by_python_names, transform_mistakes

Args = TypeVar("Args", bound=Mapping[str, object])
Known = TypeVar("Known")


def known_after(value: pulumi.Output[Known], *others: pulumi.Input[Any]) -> pulumi.Output[Known]:
    """Return `value`, known once the others are."""
    return pulumi.Output.all(value, *others).apply(lambda known: known[0])


class Component(pulumi.ComponentResource, Generic[Args]):
    """A component of this package: what its class annotates are its outputs."""

    def __init__(
        self,
        name: str,
        args: Args,
        opts: pulumi.ResourceOptions | None,
        *,
        takes: type,
        arguments: Mapping[str, Argument],
        children: ChildTypes,
    ) -> None:
        """Register the component under the name of its class, and check what it is given.

        `takes` is the TypedDict of its arguments, `arguments` what some of them take and their defaults, `children` are
        the resources that it can make of `args`. `self._given` are the arguments that are given, `self._args` the same
        with the defaults.

        Raises:
            ValueError: an argument that is not allowed, or a transform of what is not there.
        """
        component = self._component().__name__
        super().__init__(f"aurora-lambda:index:{component}", name, {}, opts)
        self._name, self._given = name, known_arguments(component, name, args, takes)
        self._args = check_arguments(component, name, self._given, arguments)
        transform = cast(Transform, self._given.get("transform", {}))
        if mistakes := list(transform_mistakes(transform, children)):
            raise ValueError("; ".join(f"{component} {name!r}: transform {mistake}" for mistake in mistakes))
        self._transform = {child: by_python_names(children[child], given) for child, given in transform.items()}
        self._children = children

    def _child(self, child: str, **opts: Any) -> pulumi.ResourceOptions:
        """Return the options of the child of this name: these `opts`, and what the transform sets of it."""
        if child not in self._children:
            raise KeyError(child)
        given = self._transform.get(child)

        def set_properties(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
            return pulumi.ResourceTransformationResult({**args.props, **(given or {})}, args.opts)

        return pulumi.ResourceOptions(parent=self, transformations=[set_properties] if given else None, **opts)

    def _tags(self, name: str) -> pulumi.Output[dict[str, str]]:
        """Return the tags of the resource of this name."""
        return resource_tags(cast(Tags | None, self._args.get("tags")), name)

    def _register_outputs(self) -> None:
        """Register the outputs that the class annotates, by their names in the schema."""
        names = inspect.get_annotations(self._component())
        self.register_outputs({camel_case(name): getattr(self, name) for name in names})

    @classmethod
    def _component(cls) -> type:
        """Return the component of this package: a class that extends it stays of its type, and its URNs the same."""
        return next(each for each in cls.__mro__ if Component in each.__bases__)
