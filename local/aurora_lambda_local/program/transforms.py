"""Run the resource transforms that a program declares, which Pulumi's mock monitor only tells of."""

import asyncio
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockResourceArgs


class ResourceTransforms:
    """Runs the transforms of resources, of their parents and of the stack, in the order of Pulumi's engine.

    Source: https://www.pulumi.com/docs/iac/concepts/resources/options/transforms/

    Attributes:
        loop: The program's event loop, where the outputs that transforms may use live.
        of_stack: Those that change every resource from when they are here.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.of_stack: list[pulumi.ResourceTransform] = []
        self._of_resources: dict[str, Sequence[pulumi.ResourceTransform]] = {}
        self._parents: dict[str, str] = {}

    def inputs(self, urn: str, parent: str, args: MockResourceArgs) -> dict[str, Any]:
        """Return a resource's inputs as its transforms leave them; called on the thread that registers it.

        Raises:
            Exception: whatever a transform raises.
        """
        self._of_resources[urn], self._parents[urn] = args.transforms, parent
        transforms = list(self._inherited(urn))
        if not transforms or self.loop is None:
            return args.inputs
        return asyncio.run_coroutine_threadsafe(_apply(transforms, args), self.loop).result()

    def _inherited(self, urn: str) -> Iterator[pulumi.ResourceTransform]:
        while urn in self._parents:
            yield from self._of_resources[urn]
            urn = self._parents[urn]
        yield from self.of_stack


async def _apply(transforms: Sequence[pulumi.ResourceTransform], args: MockResourceArgs) -> dict[str, Any]:
    inputs = args.inputs
    for transform in transforms:
        result = transform(
            pulumi.ResourceTransformArgs(bool(args.custom), args.typ, args.name, inputs, pulumi.ResourceOptions())
        )
        changed = await result if inspect.isawaitable(result) else result
        if changed is not None:
            # As they cross to the engine: without outputs.
            inputs = rpc.deserialize_properties(await rpc.serialize_properties(changed.props, {}))
    return inputs
