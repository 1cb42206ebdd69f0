"""Progress of an `up`, as plain lines, and its result; what a terminal shows derives from this."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from aurora_lambda_local.resources.resource_schemas import Outputs

CHANGE_SYMBOLS = {"created": "+", "updated": "~", "replaced": "+-", "restored": "^", "deleted": "-", "failed": "!"}
# What a change is called before it is made.
PLANNED_CHANGES = {
    "created": "create",
    "updated": "update",
    "replaced": "replace",
    "restored": "start again",
    "deleted": "delete",
}
ONLY_AWS = "resources that only AWS needs"
CHANGE_ORDER = ("created", "updated", "replaced", "restored", "deleted", "same")


@dataclass(frozen=True)
class UpResult:
    """The result of an `up`: the stack's outputs, the number of resources by kind of change, and the duration."""

    outputs: Outputs
    changes: Mapping[str, int]
    seconds: float

    @property
    def unchanged(self) -> bool:
        """Whether every resource was as the program says already."""
        return set(self.changes) <= {"same"}


def summary(result: UpResult) -> str:
    """Return the line that ends an `up`."""
    total, duration = sum(result.changes.values()), f"{result.seconds:.1f} s"
    if result.unchanged:
        return f"Nothing changed: {total} resources are as the program says ({duration})."
    counts = [f"{result.changes[change]} {change}" for change in CHANGE_ORDER if result.changes.get(change)]
    return f"Resources: {', '.join(counts).replace('same', 'unchanged')} ({duration})."


def print_line(line: str) -> None:
    """Print a line at once. Where its reader is gone (`up | head`), go on without printing."""
    with suppress(BrokenPipeError):
        print(line, flush=True)


class Progress:
    """Prints changes and notices as they come. Its methods are called from several threads.

    Args:
        write: Receives each line.
        fold: Whether resources that are only recorded share a line.
        planned: Whether the changes are only planned.
    """

    def __init__(self, write: Callable[[str], None] = print_line, *, fold: bool = False, planned: bool = False) -> None:
        self._write = write
        self._fold = fold
        self._planned = planned
        self._folded: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def working(self, step: str) -> Generator[None]:
        """Show that a step is in work as long as the context lasts; lines tell only what is done."""
        yield

    @contextmanager
    def paused(self) -> Generator[None]:
        """Show nothing of its own as long as the context lasts, in which a person is asked."""
        yield

    def change(
        self, change: str, type_token: str, name: str, seconds: float | None = None, *, recorded: bool = False
    ) -> None:
        """Print a change, unless it is folded."""
        if change == "same":
            return
        if recorded and self._fold:
            self._folded[change] += 1
        else:
            self._change(change, display_type(type_token), name, f" ({seconds:.1f}s)" if seconds is not None else "")

    def finish(self) -> None:
        """Print one line for each kind of change of the resources that are only recorded."""
        for change, count in self._folded.items():
            self._change(change, ONLY_AWS, f"{count}, named by --verbose")

    def note(self, *texts: str) -> None:
        """Print what the person who waits should know."""
        for text in texts:
            self.write(f"note: {text}")

    def applied(self, result: str) -> None:
        """Print the revisions that a migration runner's result says it has applied."""
        for line in applied_revisions(result):
            self.write(line)

    def write_change(self, change: str, what: str, name: str, done: str) -> None:
        """Write a change as a line, which ends in what is done."""
        self.write(f" {CHANGE_SYMBOLS[change]:<2} {what:<32} {name:<32} {done}")

    def write(self, line: str) -> None:
        """Write a line, whole."""
        with self._lock:
            self._write(line)

    def _change(self, change: str, what: str, name: str, duration: str = "") -> None:
        done = PLANNED_CHANGES[change] if self._planned else change
        self.write_change(change, what, name, f"{done}{duration}")


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
