"""What the entry points of streams and queues share: an invocation's deadline and end, and partial batch responses."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypedDict

from aurora_lambda_runtime.database.invocation import at_end, deadline
from aurora_lambda_runtime.handler.context import LambdaContext, answer_deadline


class BatchItemFailure(TypedDict):
    """What failed: a record by its sequence number, a message by its id."""

    itemIdentifier: str


class BatchResponse(TypedDict):
    """A partial batch response. The event source mapping has to ask for it: `ReportBatchItemFailures`."""

    batchItemFailures: list[BatchItemFailure]


EntryPoint = Callable[[object, LambdaContext], BatchResponse]


@contextmanager
def invocation(context: LambdaContext) -> Generator[None]:
    """Set the deadline for what runs inside, and end afterwards what it opened."""
    deadline.set(answer_deadline(context))
    try:
        yield
    finally:
        for end in at_end:
            end()
