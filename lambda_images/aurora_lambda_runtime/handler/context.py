"""Lambda's context object, and the deadline in it."""

import time
from typing import Protocol

# Subtracted from the function's timeout, so that it answers in time when a database is still resuming.
ANSWER_SECONDS = 1.0


class LambdaContext(Protocol):
    """Lambda's context object, as far as it is read here."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends this invocation."""
        ...


def answer_deadline(context: LambdaContext) -> float:
    """Return when an answer has to be ready, on `time.monotonic`'s clock."""
    return time.monotonic() + context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS
