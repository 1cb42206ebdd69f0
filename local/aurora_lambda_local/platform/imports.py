"""Import what takes seconds."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Generator[None]:
    """Keep the garbage collector off while the context lasts, and from what it imported ever after.

    It would take a quarter of the time of Pulumi's import, to find nothing.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
