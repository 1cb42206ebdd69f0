"""Forward each resource that a program registers to the supervisor, and print what becomes of it."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from local.platform.errors import LocalError
from local.resources.outputs import lookup_result
from local.resources.resource_schemas import Inputs, Outputs
from local.supervisor.client import SupervisorClient
from local.supervisor.messages import ResourceResult

IMAGE = "docker:index/image:Image"
INVOCATION = "aws:lambda/invocation:Invocation"
# What depends on what exists in the stack that is up.
SUPERVISOR_LOOKUPS = ("aws:dynamodb/getTable:getTable",)
CHANGE_SYMBOLS = {"created": "+", "updated": "~", "replaced": "+-", "restored": "^", "deleted": "-", "failed": "!"}


@dataclass(frozen=True)
class StackProgram:
    """A Pulumi program with the stack to run it as and its configuration; `directory` is the working directory."""

    project: str
    stack: str
    region: str
    config: dict[str, str]
    directory: Path
    main: Callable[[], None]
    containers: bool = False


class ResourceForwarder(Mocks):
    """Forward each resource to the supervisor, and count the changes.

    Attributes:
        changes: The number of resources by kind of change.
        failures: One message for each resource that failed.
        folded: The number of changes by kind that no line tells of.
        urns: The resources that the program has registered.
    """

    def __init__(
        self, supervisor: SupervisorClient, program: StackProgram, write: Callable[[str], None], *, fold: bool = False
    ) -> None:
        self.changes: Counter[str] = Counter()
        self.folded: Counter[str] = Counter()
        self.failures: list[str] = []
        self._fold = fold
        self.urns: list[str] = []
        self._supervisor, self._program, self._write = supervisor, program, write
        self._thread = threading.local()
        self._write_lock = threading.Lock()
        self._update_started = False
        self._start_error = ""
        self._open_requests = 0
        self._condition = threading.Condition()

    def call(self, args: MockCallArgs) -> tuple[Outputs, list[tuple[str, str]] | None]:
        """Answer an `aws.get_...` call."""
        arguments = {key: to_json_value(value) for key, value in args.args.items()}
        if args.token in SUPERVISOR_LOOKUPS:
            return self._lookup(args.token, arguments), []
        return lookup_result(args.token, arguments, self._program.region), []

    def set_urn(self, urn: str) -> None:
        """Set the URN of the resource that this thread registers next."""
        self._thread.urn = urn

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, Outputs]:
        """Forward one resource, also one that exists already on AWS; components are only recorded."""
        inputs = {key: to_json_value(value) for key, value in args.inputs.items()}
        if not args.custom:
            return "", inputs
        if args.resource_id:
            inputs["identifier"] = args.resource_id
        urn = self._thread.urn
        self.urns.append(urn)
        with self._counted_request():
            result = self._forward(urn, args, inputs)
        self.print_notices(result["notices"])
        self.report(result["change"], args.typ, args.name, result["seconds"], recorded=result["recorded"])
        if args.typ == INVOCATION and result["change"] != "same":
            for line in applied_revisions(str(result["outputs"].get("result", ""))):
                self._print(line)
        return result["id"], result["outputs"]

    def start_update(self) -> None:
        """Start the supervisor and an update of this stack, unless that has been done.

        The first resource calls this, so nothing is changed before the program has found its settings right.

        Raises:
            LocalError: the start failed, now or for another resource. It is tried, and reported, once.
        """
        with self._condition:
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

    def wait_until_idle(self) -> None:
        """Wait until no request is open: when one resource fails, others are still being made."""
        with self._condition:
            self._condition.wait_for(lambda: self._open_requests == 0)

    def abort(self) -> None:
        """Stop waiting for answers; the supervisor completes the requests."""
        self._supervisor.abort()

    def print_folded(self) -> None:
        """Print one line for each kind of change of the resources that are only recorded."""
        for change, count in self.folded.items():
            label = "resources that only AWS needs"
            self._print(f" {CHANGE_SYMBOLS[change]:<2} {label:<32} {f'{count}, named by --verbose':<32} {change}")

    def report(
        self, change: str, type_token: str, name: str, seconds: float | None = None, *, recorded: bool = False
    ) -> None:
        """Count a change, and print it unless it is folded."""
        self.changes[change] += 1
        if change != "same" and recorded and self._fold:
            self.folded[change] += 1
        elif change != "same":
            self._print_change(change, type_token, name, seconds)

    def _print_change(self, change: str, type_token: str, name: str, seconds: float | None = None) -> None:
        duration = f" ({seconds:.1f}s)" if seconds is not None else ""
        self._print(f" {CHANGE_SYMBOLS[change]:<2} {display_type(type_token):<32} {name:<32} {change}{duration}")

    def _begin_update(self) -> None:
        self._supervisor.start()
        program = self._program
        started = self._supervisor.begin_update(
            {
                "stack": program.stack,
                "region": program.region,
                "program_directory": str(program.directory),
                "containers": program.containers,
            }
        )
        self.print_notices(started["notices"])

    def _lookup(self, token: str, arguments: Inputs) -> Outputs:
        self.start_update()
        try:
            return self._supervisor.lookup({"function": token, "arguments": arguments})
        except LocalError as error:
            self.failures.append(str(error))
            raise

    def _forward(self, urn: str, args: MockResourceArgs, inputs: Inputs) -> ResourceResult:
        self.start_update()
        try:
            files = _build_files(inputs) if args.typ == IMAGE else []
            return self._supervisor.apply_resource(
                {"urn": urn, "type": args.typ, "name": args.name, "inputs": inputs, "files": files}
            )
        except LocalError as error:
            self.failures.append(f"{display_type(args.typ)} {args.name}: {error}")
            self._print_change("failed", args.typ, args.name)
            raise

    @contextmanager
    def _counted_request(self) -> Generator[None]:
        with self._condition:
            self._open_requests += 1
        try:
            yield
        finally:
            with self._condition:
                self._open_requests -= 1
                self._condition.notify_all()

    def print_notices(self, notices: Sequence[str]) -> None:
        """Print what the person who waits should know."""
        for notice in notices:
            self._print(f"note: {notice}")

    def _print(self, line: str) -> None:
        with self._write_lock:
            self._write(line)


def _build_files(inputs: Inputs) -> list[str]:
    """Return the files that the build of an image reads, relative to its context."""
    from components.build_context import context_files

    try:
        return [path.as_posix() for path in context_files(Path(str(inputs["build"]["context"])))]
    except FileNotFoundError as error:
        raise LocalError(str(error)) from error


def to_json_value(value: object) -> object:
    """Return a value of Pulumi's as JSON has it, without its marks of secrets."""
    if rpc.is_rpc_secret(value):
        return to_json_value(rpc.unwrap_rpc_secret(value))
    if isinstance(value, Mapping):
        return {str(key): to_json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else json.loads(json.dumps(value, default=str))


def display_type(token: str) -> str:
    """Return a type token as Pulumi prints it: `aws:rds/cluster:Cluster` as `aws:rds:Cluster`.

    >>> display_type("docker:index/image:Image")
    'docker:index:Image'
    """
    package, module, name = token.split(":")
    return f"{package}:{module.partition('/')[0]}:{name}"


def applied_revisions(result: str) -> list[str]:
    """Return a line for each revision in a migration runner's result; none in that of another function.

    >>> applied_revisions('{"applied": [{"revision": "0006", "message": "add phone", "duration_ms": 12}]}')
    ['      applied 0006  add phone  (12 ms)']
    """
    try:
        steps = json.loads(result)["applied"]
        return ["      applied {revision}  {message}  ({duration_ms} ms)".format(**step) for step in steps]
    except (ValueError, LookupError, TypeError):
        return []
