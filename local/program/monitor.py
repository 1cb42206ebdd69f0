"""Runs a stack's Pulumi program in this process; the supervisor makes what it registers."""

import asyncio
import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.settings import SETTINGS, get_root_resource, set_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

from local.platform.errors import LocalError
from local.resources.outputs import lookup_result
from local.supervisor.client import SupervisorClient

IMAGE = "docker:index/image:Image"
SIGNS = {"created": "+", "updated": "~", "replaced": "+-", "restored": "^", "deleted": "-", "failed": "!"}


@dataclass(frozen=True)
class Target:
    """Which program to run, as which stack, with what configuration."""

    project: str
    stack: str
    region: str
    config: dict[str, str]
    folder: Path
    program: Callable[[], None]
    containers: bool = False


class ResourceForwarder(Mocks):
    """Passes each resource that the program registers to the supervisor, and says what came of it."""

    def __init__(self, control: SupervisorClient, target: Target, write: Callable[[str], None]) -> None:
        self.changes: Counter[str] = Counter()
        self.failures: list[str] = []
        self.urns: list[str] = []
        self.here = threading.local()
        self._control, self._target, self._write = control, target, write
        self._line = threading.Lock()
        self._begun = False
        self._unable = ""
        self._under_way = 0
        self._changed = threading.Condition()

    def call(self, args: MockCallArgs) -> tuple[dict, list[tuple[str, str]] | None]:
        """Answer an `aws.get_...`."""
        return lookup_result(args.token, args.args, self._target.region), []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict]:
        """Make one resource so; components and what exists elsewhere are only noted."""
        inputs: dict[str, Any] = plain(args.inputs)
        if not args.custom or args.resource_id:
            return args.resource_id or "", inputs
        urn = self.here.urn
        self.urns.append(urn)
        with self._counted():
            made = self._make(urn, args, inputs)
        self._note(made["notes"])
        self.changes[made["change"]] += 1
        if made["change"] != "same":
            self.say(made["change"], args.typ, args.name, made["seconds"])
        return made["id"], made["outputs"]

    def begin(self) -> None:
        """Start the supervisor and turn it to this stack, once: not before the program has found its settings right.

        Raises:
            LocalError: that failed, now or for another resource: what all wait for is tried, and reported, once.
        """
        with self._changed:
            if self._unable:
                raise LocalError(self._unable)
            if not self._begun:
                try:
                    self._start()
                except LocalError as error:
                    self._unable = str(error)
                    self.failures.append(self._unable)
                    raise
                self._begun = True

    def settle(self) -> None:
        """Wait until no resource is being made: when one fails, others are on their way."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way == 0)

    def abort(self) -> None:
        """Wait for nothing any more; the supervisor finishes what it is at."""
        self._control.abort()

    def _start(self) -> None:
        self._control.start()
        target = self._target
        begun = self._control.call(
            "/begin",
            stack=target.stack,
            region=target.region,
            program=str(target.folder),
            containers=target.containers,
        )
        self._note(begun["notes"])

    def _make(self, urn: str, args: MockResourceArgs, inputs: dict[str, Any]) -> dict[str, Any]:
        self.begin()
        try:
            files = _files(args.typ, inputs)
            return self._control.call("/resource", urn=urn, type=args.typ, name=args.name, inputs=inputs, files=files)
        except LocalError as error:
            self.failures.append(f"{short_type(args.typ)} {args.name}: {error}")
            self.say("failed", args.typ, args.name)
            raise

    @contextmanager
    def _counted(self) -> Generator[None]:
        with self._changed:
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _note(self, notes: list[str]) -> None:
        for note in notes:
            self._say(f"note: {note}")

    def say(self, change: str, type_token: str, name: str, seconds: float | None = None) -> None:
        """One line of progress."""
        took = f" ({seconds:.1f}s)" if seconds is not None else ""
        self._say(f" {SIGNS[change]:<2} {short_type(type_token):<32} {name:<32} {change}{took}")

    def _say(self, line: str) -> None:
        with self._line:
            self._write(line)


def _files(type_token: str, inputs: Mapping[str, Any]) -> list[str]:
    """The files that the build of an image reads, relative to its context."""
    if type_token != IMAGE:
        return []
    # Late: components are what a program is made of, and take a second to import.
    from components.build_context import context_files  # noqa: PLC0415

    try:
        return [path.as_posix() for path in context_files(Path(str(inputs["build"]["context"])))]
    except FileNotFoundError as error:
        raise LocalError(str(error)) from error


class Monitor(MockMonitor):
    """Tells the forwarder the URN of the resource at hand, which Pulumi's own monitor keeps to itself.

    Each call comes on a worker thread, for which Pulumi would make an event loop and never close it.
    """

    def __init__(self, forwarder: ResourceForwarder) -> None:
        super().__init__(forwarder)
        self._forwarder = forwarder

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        """Register one resource."""
        self._forwarder.here.urn = self.make_urn(request.parent, request.type, request.name)
        with _thread_loop():
            return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        """Note a resource that exists elsewhere."""
        with _thread_loop():
            return super().ReadResource(request)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        """Answer a look-up."""
        with _thread_loop():
            return super().Invoke(request)


@contextmanager
def _thread_loop() -> Generator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def run(target: Target, forwarder: ResourceForwarder) -> dict[str, Any]:
    """Run the program to its end; its outputs, secret ones masked.

    Raises:
        Exception: whatever the program raises. Failures of resources are in the forwarder, and raised here in a form
            that says nothing.
    """
    set_root_resource(None)  # ty: ignore[invalid-argument-type]
    with _quiet(), _in_folder(target.folder), _event_loop(forwarder) as loop:
        set_mocks(forwarder, target.project, target.stack, preview=False, monitor=Monitor(forwarder))
        set_all_config(dict(target.config))
        # What an earlier run in this process left unfinished belongs to another event loop.
        SETTINGS.outputs.clear()
        loop.run_until_complete(run_pulumi_func(target.program))
        root = get_root_resource()
        return loop.run_until_complete(_resolve(root.outputs if isinstance(root, Stack) else {}))


async def _resolve(outputs: Mapping[str, Any]) -> dict[str, Any]:
    resolved = {}
    for name, value in outputs.items():
        output = pulumi.Output.from_input(value)
        resolved[name] = "[secret]" if await output.is_secret() else await output.future()
    return resolved


@contextmanager
def _quiet() -> Generator[None]:
    """Pulumi logs each failure once for every resource that waited for it; the forwarder has said it already."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        root.setLevel(level)


@contextmanager
def _event_loop(forwarder: ResourceForwarder) -> Generator[asyncio.AbstractEventLoop]:
    """A loop for one run, which ends when no resource is being made any more."""
    loop = asyncio.new_event_loop()
    # Every resource that waited for a failed one fails too, and nobody asks those why.
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    except KeyboardInterrupt:
        forwarder.abort()
        raise
    finally:
        forwarder.settle()
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


@contextmanager
def _in_folder(folder: Path) -> Generator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def plain(value: Any) -> Any:
    """A value as JSON has it, out of its secret wrapping."""
    if rpc.is_rpc_secret(value):
        return plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else json.loads(json.dumps(value, default=str))


def short_type(token: str) -> str:
    """`aws:rds/cluster:Cluster` as Pulumi prints it: `aws:rds:Cluster`.

    >>> short_type("docker:index/image:Image")
    'docker:index:Image'
    """
    package, module, name = token.split(":")
    return f"{package}:{module.partition('/')[0]}:{name}"
