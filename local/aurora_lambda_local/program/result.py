"""The result of an `up`."""

from collections.abc import Mapping
from dataclasses import dataclass

from aurora_lambda_local.resources.resource_schemas import Outputs

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
