"""Runs a program, and keeps what it registers in place of a supervisor."""

from collections.abc import Callable
from pathlib import Path

from aurora_lambda_local.program.deploy import run_reported
from aurora_lambda_local.program.forwarder import StackProgram
from aurora_lambda_local.program.receiver import ResourceReceiver
from aurora_lambda_local.resources.outputs import resource_outputs
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs

REGION = "eu-west-1"
Received = dict[tuple[str, str], Inputs]


class Receiver(ResourceReceiver):
    """Keeps what it receives, and answers as AWS would."""

    def __init__(self) -> None:
        super().__init__(REGION, {})
        self.inputs: Received = {}

    def receive(self, urn: str, type_token: str, name: str, inputs: Inputs) -> tuple[str, Outputs]:
        self.inputs[type_token, name] = inputs
        return resource_outputs(type_token, name, inputs, REGION)

    def lookup(self, function: str, arguments: Inputs) -> Outputs:
        raise AssertionError(function, arguments)


def run(main: Callable[[], None], folder: Path, *, preview: bool = False) -> Received:
    """Return the inputs of the resources that reach this machine, by their types and names."""
    receiver = Receiver()
    run_reported(StackProgram("shop", "local", REGION, {"aws:region": REGION}, folder, main), receiver, preview=preview)
    return receiver.inputs
