"""Forward each resource that a program registers to the supervisor, and tell what becomes of it."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.program.progress import Progress, display_type
from aurora_lambda_local.program.receiver import ResourceReceiver
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.resources.type_tokens import IMAGE, INVOCATION, TABLE
from aurora_lambda_local.supervisor.client import SupervisorClient
from aurora_lambda_local.supervisor.messages import ResourceRequest, ResourceResult


@dataclass(frozen=True)
class StackProgram:
    """A Pulumi program with the stack to run it as and its configuration; `directory` is the working directory.

    `overrides` are the keys of the configuration that count for this run only.
    """

    project: str
    stack: str
    region: str
    config: dict[str, str]
    directory: Path
    main: Callable[[], None]
    containers: bool = False
    overrides: Sequence[str] = ()


class DataKeptError(LocalError):
    """A resource is left as it is, because it holds data that would be deleted."""


class ResourceForwarder(ResourceReceiver):
    """Forwards each resource to the supervisor, and counts the changes.

    Attributes:
        kept: What holds data and would have been replaced, where `keeps_data` forbids that.
    """

    def __init__(
        self,
        supervisor: SupervisorClient,
        program: StackProgram,
        progress: Progress,
        stack_outputs: Outputs,
        *,
        keeps_data: bool,
    ) -> None:
        super().__init__(program.region, stack_outputs)
        self._keeps_data = keeps_data
        self.kept: list[str] = []
        self._supervisor, self._program, self._progress = supervisor, program, progress
        self._update_started = False
        self._start_error = ""
        self._lock = threading.Lock()

    def receive(self, urn: str, type_token: str, name: str, inputs: Inputs) -> tuple[str, Outputs]:
        """Forward one resource."""
        with self._progress.working(f"{display_type(type_token)} {name}"):
            result = self._forward(urn, type_token, name, inputs)
        self._progress.note(*result["notices"])
        self.report(result["change"], type_token, name, result["seconds"], recorded=result["recorded"])
        if type_token == INVOCATION and result["change"] != "same":
            self._progress.applied(str(result["outputs"].get("result", "")))
        return result["id"], result["outputs"]

    def lookup(self, function: str, arguments: Inputs) -> Outputs:
        """Ask the supervisor."""
        self.start_update()
        return self._supervisor.lookup(function, arguments)

    def start_update(self) -> None:
        """Start the supervisor and an update of this stack, unless that has been done.

        The first resource calls this, so nothing is changed before the program has found its settings right.

        Raises:
            LocalError: the start failed, now or for another resource. It is tried, and reported, once.
        """
        with self._lock:
            if self._start_error:
                raise LocalError(self._start_error)
            if not self._update_started:
                try:
                    self._begin_update()
                except LocalError as error:
                    self._start_error = str(error)
                    self.failures.append(self._start_error)
                    raise
                self._update_started = True

    def abort(self) -> None:
        """Stop waiting for answers; the supervisor completes the requests."""
        self._supervisor.abort()

    def report(
        self, change: str, type_token: str, name: str, seconds: float | None = None, *, recorded: bool = False
    ) -> None:
        """Count a change, and tell it."""
        self.changes[change] += 1
        self._progress.change(change, type_token, name, seconds, recorded=recorded)

    def _begin_update(self) -> None:
        self._supervisor.start()
        program = self._program
        started = self._supervisor.begin_update(
            {
                "stack": program.stack,
                "shell": dict(os.environ),
                "region": program.region,
                "program_directory": str(program.directory),
                "containers": program.containers,
                "overrides": list(program.overrides),
            }
        )
        self._progress.note(*started["notices"], *ended_overrides(started["overrides"], program))

    def _forward(self, urn: str, type_token: str, name: str, inputs: Inputs) -> ResourceResult:
        self.start_update()
        try:
            files = _build_files(inputs) if type_token == IMAGE else []
            request: ResourceRequest = {
                "urn": urn,
                "type": type_token,
                "name": name,
                "inputs": inputs,
                "files": files,
            }
            self._keep_data(request)
            return self._supervisor.apply_resource(request)
        except LocalError as error:
            self.failures.append(f"{display_type(type_token)} {name}: {error}")
            if not isinstance(error, DataKeptError):
                self._progress.change("failed", type_token, name)
            raise

    def _keep_data(self, request: ResourceRequest) -> None:
        # A table is the one thing with data that is deleted before it is made anew under its name.
        if self._keeps_data and request["type"] == TABLE and (lost := self._supervisor.data_to_replace(request)):
            self.kept += lost
            raise DataKeptError(f"other keys take a new and empty one, in place of {lost[0]}")


def _build_files(inputs: Inputs) -> list[str]:
    """Return the files that the build of an image reads, relative to its context."""
    from aurora_lambda.build_context import context_files

    try:
        return [path.as_posix() for path in context_files(Path(str(inputs["build"]["context"])))]
    except FileNotFoundError as error:
        raise LocalError(str(error)) from error


def ended_overrides(before: Sequence[str], program: StackProgram) -> Iterator[str]:
    """Yield a sentence for each key that the run before this one had from `-c`, and this one has not."""
    for key in before:
        if key not in program.overrides:
            value = (
                f"{program.config[key]} again, as in the stack's file" if key in program.config else "at its default"
            )
            yield f"{key.removeprefix(f'{program.project}:')} is {value}: -c counted once"
