"""Run a stack's Pulumi program in this process, and hand what it registers to a receiver."""

import asyncio
import logging
from collections.abc import Generator, Mapping
from contextlib import chdir, contextmanager
from typing import Any

import pulumi
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockMonitor, set_mocks
from pulumi.runtime.settings import SETTINGS, get_root_resource, set_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

from aurora_lambda_local.program.forwarder import StackProgram
from aurora_lambda_local.program.receiver import ResourceReceiver
from aurora_lambda_local.resources.resource_schemas import Outputs


class Monitor(MockMonitor):
    """Pulumi's mock monitor, which in addition tells the receiver the URN of each resource.

    Pulumi calls it on worker threads, and would create an event loop on each and never close it.
    """

    def __init__(self, receiver: ResourceReceiver) -> None:
        super().__init__(receiver)
        self._receiver = receiver

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        """Register a resource."""
        self._set_urn(request)
        with asyncio.Runner():
            return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        """Read a resource that exists elsewhere."""
        self._set_urn(request)
        with asyncio.Runner():
            return super().ReadResource(request)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        """Answer an `aws.get_...` call."""
        with asyncio.Runner():
            return super().Invoke(request)

    def _set_urn(self, request: Any) -> None:
        urn = self.make_urn(request.parent, request.type, request.name)
        self._receiver.set_urn(urn, request.parent, request.dependencies)


def run_program(program: StackProgram, receiver: ResourceReceiver, *, preview: bool = False) -> Outputs:
    """Run the program to its end and return its outputs, with secrets masked.

    In a preview, outputs may be unknown, as Pulumi's are.

    Raises:
        Exception: whatever the program raises. The reason why a resource failed is in `receiver.failures`.
    """
    set_root_resource(None)  # ty: ignore[invalid-argument-type]
    # At its end the runner waits for requests to the supervisor: when one resource fails, others are still being made.
    with _silenced_logging(), chdir(program.directory), asyncio.Runner() as runner:
        loop = runner.get_loop()
        # Every resource that depends on a failed one fails too, and nothing awaits those.
        loop.set_exception_handler(lambda *_: None)
        try:
            return _run(program, receiver, loop, preview=preview)
        except KeyboardInterrupt:
            receiver.abort()
            raise


def _run(
    program: StackProgram, receiver: ResourceReceiver, loop: asyncio.AbstractEventLoop, *, preview: bool
) -> Outputs:
    receiver.transforms.loop = loop
    monitor = Monitor(receiver)
    set_mocks(receiver, program.project, program.stack, preview, monitor=monitor, organization="organization")
    set_all_config(dict(program.config))
    # An earlier run in this process may have left futures of another event loop.
    SETTINGS.outputs.clear()
    loop.run_until_complete(run_pulumi_func(program.main))
    root = get_root_resource()
    return loop.run_until_complete(_resolve(root.outputs if isinstance(root, Stack) else {}))


async def _resolve(outputs: Mapping[str, object]) -> Outputs:
    resolved: Outputs = {}
    for name, value in outputs.items():
        output = pulumi.Output.from_input(value)
        resolved[name] = "[secret]" if await output.is_secret() else await output.future()
    return resolved


@contextmanager
def _silenced_logging() -> Generator[None]:
    """Silence Pulumi, which logs a failure once for every resource that depends on the failed one."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        root.setLevel(level)
