"""The stacks that most component tests look at, each registered once."""

from collections.abc import Callable

import pytest

from stacks.service import deploy
from tests.components.recording import Recording, record

Stack = Callable[..., Recording]


@pytest.fixture(scope="session")
def stack() -> Stack:
    """`stack(engine="postgres", ...)` is the recording of the service with that configuration."""
    recordings: dict[tuple[tuple[str, str], ...], Recording] = {}

    def recorded(**config: str) -> Recording:
        key = tuple(sorted(config.items()))
        if key not in recordings:
            recordings[key] = record(deploy, config)
        return recordings[key]

    return recorded
