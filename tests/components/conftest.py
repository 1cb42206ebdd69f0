"""The stacks that most component tests look at, each registered once."""

import gc
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from aurora_lambda.service import Service
from aurora_lambda.service.image_context import write_context
from tests.components.recording import Recording, fresh_event_loop, record

Stack = Callable[..., Recording]


@pytest.fixture(scope="session", autouse=True)
def contexts() -> Iterator[None]:
    """Write the images' contexts once: what is in them changes in no test here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aurora_lambda.service.parts.write_context", cache(write_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def default_stack(contexts: None) -> Recording:
    """The recording of the service with no configuration, which imports what most others use."""
    recording = record(Service)
    gc.freeze()
    return recording


@pytest.fixture(autouse=True)
def event_loop() -> None:
    """Let a test make outputs outside of a program, also after one of another room that ran as `up` runs it."""
    fresh_event_loop()


@pytest.fixture(scope="session")
def stack(default_stack: Recording) -> Stack:
    """`stack(engine="postgres", ...)` is the recording of the service with that configuration."""
    recordings: dict[tuple[tuple[str, str], ...], Recording] = {(): default_stack}

    def recorded(**config: str) -> Recording:
        key = tuple(sorted(config.items()))
        if key not in recordings:
            recordings[key] = record(Service, config)
        return recordings[key]

    return recorded
