"""Lambda's decisions about batches: when one is complete, the event for it, and what becomes of one that failed.

Sources: AWS Lambda developer guide, "How Lambda processes records from stream and queue-based event sources",
"Retain discarded records for a DynamoDB event source", "Configuring partial batch response with DynamoDB and Lambda",
"Implementing stateful DynamoDB stream processing in Lambda" (tumbling windows).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aurora_lambda_local.streams.mapping import FOREVER, EventSourceMapping
from aurora_lambda_local.streams.records import SHARD_ID, Record, timestamp

# Lambda's limit for a synchronous invocation, less what an event holds besides its records.
PAYLOAD_BYTES = 6 * 1024 * 1024 - 1024
STATE_BYTES = 1024 * 1024
MIN_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 10.0

Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


@dataclass(frozen=True)
class Batch:
    """Records for one invocation, how many invocations with them have failed, and how many retries are used up."""

    records: tuple[Record, ...]
    invocations: int = 0
    retries: int = 0


@dataclass(frozen=True)
class Discarded:
    """Records that are discarded, and why."""

    batch: Batch
    condition: Condition


@dataclass(frozen=True)
class Decision:
    """What to do after a failure: batches to try, in this order, and records to discard."""

    retry: tuple[Batch, ...] = ()
    discard: Discarded | None = None


def complete_batch(records: Sequence[Record], waited: float, mapping: EventSourceMapping) -> int:
    """Return how many of the records that were read make the next batch; 0 when Lambda would wait for more.

    `waited` is how long ago the first of them was read, in seconds. A batch is complete by its number of records, by
    its size, or when the batching window is over; with a tumbling window, it ends where the next window begins.
    """
    count, size = 0, 0
    for record in records[: mapping.batch_size]:
        size += record.size
        if count and (size > PAYLOAD_BYTES or window_start(record, mapping) != window_start(records[0], mapping)):
            return count
        count += 1
    full = count == mapping.batch_size
    return count if full or waited >= mapping.batching_window else 0


def window_start(record: Record, mapping: EventSourceMapping) -> int:
    """Return when the tumbling window of a record starts, in seconds since 1970; 0 without such windows."""
    length = mapping.tumbling_window
    return int(record.created) // length * length if length else 0


@dataclass(frozen=True)
class Window:
    """A tumbling window that has begun, and what the function returned for it last."""

    start: int
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def too_large(self) -> bool:
        """Whether Lambda would end the window early, for the size of its state."""
        return len(json.dumps(self.state).encode()) > STATE_BYTES


def is_over(window: Window, following: Sequence[Record], now: float, mapping: EventSourceMapping) -> bool:
    """Return whether a window is over: the next record belongs to a later one or, if there is none, its time is up."""
    if following:
        return window_start(following[0], mapping) > window.start
    return now >= window.start + mapping.tumbling_window


def invocation_event(
    records: Sequence[Record],
    mapping: EventSourceMapping,
    window: Window | None = None,
    *,
    final: bool = False,
    terminated_early: bool = False,
) -> dict[str, Any]:
    """Return the event for a batch; `final` is the invocation, without records, that ends a window."""
    event: dict[str, Any] = {"Records": [record.event for record in records]}
    if window is None:
        return event
    return event | {
        "window": {"start": timestamp(window.start), "end": timestamp(window.start + mapping.tumbling_window)},
        "state": window.state,
        "shardId": SHARD_ID,
        "eventSourceARN": mapping.stream_arn,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": terminated_early,
    }


def read_json(payload: bytes) -> object:
    """Return what a JSON document holds; what is none as it is, such as the answer of a function that returns bytes."""
    try:
        return json.loads(payload or b"null")
    except (ValueError, RecursionError):
        return payload


def first_failure(records: Sequence[Record], answer: object, mapping: EventSourceMapping) -> int | None:
    """Return the index of the first record that the function's answer gives back; None when all succeeded.

    The lowest sequence number counts. An answer that cannot be understood fails the whole batch, as on Lambda.
    """
    if mapping.tumbling_window and not (isinstance(answer, dict) and isinstance(answer.get("state"), dict)):
        return 0
    if isinstance(answer, bytes) and mapping.report_item_failures:
        return 0
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) and mapping.report_item_failures else None
    if not failures:
        return None
    if not isinstance(failures, list):
        return 0
    index = {str(record.sequence_number): number for number, record in enumerate(records)}
    identifiers = [each.get("itemIdentifier") if isinstance(each, dict) else None for each in failures]
    return min(index.get(str(each), 0) for each in identifiers)


def after_failure(batch: Batch, failed: int, mapping: EventSourceMapping) -> Decision:
    """Return what becomes of a batch whose records from index `failed` on have to be tried again.

    Splitting a batch in halves uses up no retry. An answer that makes progress starts anew, with all retries: recorded
    on AWS, where with three retries such a batch is delivered five times and reported as invoked four times.
    """
    if failed:
        return Decision(retry=(Batch(batch.records[failed:]),))
    rest = replace(batch, invocations=batch.invocations + 1)
    if mapping.bisect and len(rest.records) > 1:
        middle = (len(rest.records) + 1) // 2
        halves = (rest.records[:middle], rest.records[middle:])
        return Decision(retry=tuple(Batch(half, retries=batch.retries) for half in halves))
    if mapping.maximum_retries != FOREVER and batch.retries >= mapping.maximum_retries:
        return Decision(discard=Discarded(rest, "RetryAttemptsExhausted"))
    return Decision(retry=(replace(rest, retries=batch.retries + 1),))


def split_expired(batch: Batch, now: float, mapping: EventSourceMapping) -> Decision:
    """Separate the records that are older than the mapping allows from those still to be tried."""
    expired = sum(1 for record in batch.records if now - record.created > mapping.age_limit)
    if not expired:
        return Decision(retry=(batch,))
    old, young = (replace(batch, records=part) for part in (batch.records[:expired], batch.records[expired:]))
    return Decision(retry=(young,) if young.records else (), discard=Discarded(old, "RecordAgeExceeded"))


def backoff_seconds(failures: int) -> float:
    """Return how long to wait after so many failures in a row; Lambda's own delays are not documented.

    >>> [backoff_seconds(failures) for failures in (1, 2, 3, 20)]
    [0.1, 0.2, 0.4, 10.0]
    """
    return min(MIN_BACKOFF_SECONDS * 2 ** (min(failures, 20) - 1), MAX_BACKOFF_SECONDS)
