"""The outputs of a stack that are for its next deployment, and those for people."""

from collections.abc import Mapping
from typing import Any

# What the next deployment compares itself with (`live_data.py`).
LIVE_DATA = "liveData"


def outputs_for_people(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stack's outputs without those that only the next deployment reads, sorted by name."""
    return {name: value for name, value in sorted(outputs.items()) if name != LIVE_DATA}
