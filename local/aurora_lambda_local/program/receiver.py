"""The receiver to which Pulumi's mock monitor hands the resources of a program."""

import json
import threading
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.program.transforms import ResourceTransforms
from aurora_lambda_local.resources.outputs import lookup_result
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.resources.state import ResourceLinks

STACK_REFERENCE = "pulumi:pulumi:StackReference"
# What depends on what exists in the stack that is up.
SUPERVISOR_LOOKUPS = ("aws:dynamodb/getTable:getTable",)


class ResourceReceiver(Mocks):
    """Receives each resource that a program registers, on worker threads.

    Attributes:
        changes: The number of resources by kind of change.
        failures: One message for each resource that failed.
        urns: The resources that the program has registered.
        links: Of these, and of components, the parent and what each depends on.
        transforms: What the program itself changes of resources before they come here.
    """

    def __init__(self, region: str, stack_outputs: Outputs) -> None:
        """`stack_outputs` are what the stack exported in the run before."""
        self._region, self._stack_outputs = region, stack_outputs
        self.changes: Counter[str] = Counter()
        self.failures: list[str] = []
        self.urns: list[str] = []
        self.links: dict[str, ResourceLinks] = {}
        self.transforms = ResourceTransforms()
        self._thread = threading.local()

    def call(self, args: MockCallArgs) -> tuple[Outputs, list[tuple[str, str]] | None]:
        """Answer an `aws.get_...` call."""
        arguments = {key: to_json_value(value) for key, value in args.args.items()}
        if args.token not in SUPERVISOR_LOOKUPS:
            return lookup_result(args.token, arguments, self._region), []
        try:
            return self.lookup(args.token, arguments), []
        except LocalError as error:
            self.failures.append(str(error))
            raise

    def set_urn(self, urn: str, parent: str, dependencies: Sequence[str] = ()) -> None:
        """Set the URN of the resource that this thread registers next, its parent's and those that it depends on."""
        self._thread.urn, self._thread.parent = urn, parent
        self.links[urn] = {"parent": parent, "dependencies": sorted(dependencies)}

    def register_transform(self, transform: pulumi.ResourceTransform) -> None:
        """Receive a transform of all resources."""
        self.transforms.of_stack.append(transform)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, Outputs]:
        """Receive one resource, also one that exists already on AWS; components are only recorded."""
        inputs = {key: to_json_value(value) for key, value in self._transformed(args).items()}
        if args.typ == STACK_REFERENCE:
            # Of stacks here a program reads its own alone.
            return args.resource_id, {**inputs, "outputs": self._stack_outputs, "secretOutputNames": []}
        if args.custom is False:
            return "", inputs
        if args.resource_id:
            inputs["identifier"] = args.resource_id
        urn = self._thread.urn
        self.urns.append(urn)
        return self.receive(urn, args.typ, args.name, inputs)

    def _transformed(self, args: MockResourceArgs) -> Mapping[str, Any]:
        try:
            return self.transforms.inputs(self._thread.urn, self._thread.parent, args)
        except Exception as error:
            self.failures.append(f"{args.typ} {args.name}: its transform failed: {type(error).__name__}: {error}")
            raise

    @abstractmethod
    def receive(self, urn: str, type_token: str, name: str, inputs: Inputs) -> tuple[str, Outputs]:
        """Return the id and the outputs of a resource."""

    @abstractmethod
    def lookup(self, function: str, arguments: Inputs) -> Outputs:
        """Answer a call whose answer depends on what exists in the stack that is up."""

    def abort(self) -> None:
        """Stop waiting for what is in work."""


def to_json_value(value: object) -> object:
    """Return a value of Pulumi's as JSON has it, without its marks of secrets; what a preview cannot know stays so."""
    if rpc.is_rpc_secret(value):
        return to_json_value(rpc.unwrap_rpc_secret(value))
    if isinstance(value, pulumi.output.Unknown):
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {str(key): to_json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else json.loads(json.dumps(value, default=str))
