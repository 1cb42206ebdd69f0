"""What Pulumi's engine does on `pulumi destroy --skip-preview`, as far as its order and protection go.

Source: pulumi/pulumi, pkg/resource/deploy: `ScheduleDeletes` puts what nothing condemned depends on into one group, the
last made first; `DeleteStep.Apply` refuses a protected resource, component or not; after a group with an error no other
is begun.
"""

from collections.abc import Mapping

from tests.components.recording import Recording, Registration


def groups(recording: Recording) -> list[list[Registration]]:
    """Return the resources in the groups they are deleted in, each group at once and the first one first."""
    by_urn = {entry.urn: entry for entry in recording.registrations}
    needs = {entry.urn: _needs(entry, by_urn) for entry in recording.registrations}
    left, order = set(by_urn), []
    while left:
        free = sorted(urn for urn in left if not needs[urn] & left)
        order.append([by_urn[urn] for urn in free])
        left -= set(free)
    return order[::-1]


def destroy(recording: Recording) -> tuple[list[str], list[str]]:
    """Return the names of what is deleted, in order, and the URNs of what is refused as protected."""
    deleted: list[str] = []
    for group in groups(recording):
        refused = [entry.urn for entry in group if entry.protect]
        deleted += [entry.name for entry in group if not entry.protect]
        if refused:
            return deleted, refused
    return deleted, []


def position(recording: Recording) -> dict[tuple[str, str], int]:
    """Return the number of the group that each resource is deleted in, by its type and name."""
    return {(each.type, each.name): number for number, group in enumerate(groups(recording)) for each in group}


def _needs(entry: Registration, by_urn: Mapping[str, Registration]) -> set[str]:
    return {*entry.dependencies, entry.parent} & set(by_urn)
