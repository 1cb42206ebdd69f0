"""An invocation of a stream's or a queue's function, which may do without a database: its deadline, and its end."""

from collections.abc import Callable
from contextvars import ContextVar

NEVER = float("inf")

# When the answer has to be ready, on `time.monotonic`'s clock.
deadline: ContextVar[float] = ContextVar("deadline", default=NEVER)

# What to do when an invocation ends, however it ends.
at_end: list[Callable[[], None]] = []
