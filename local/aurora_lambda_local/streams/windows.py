"""The event that a function gets for a batch, and the state that a tumbling window carries from one batch to the next.

Source: AWS Lambda developer guide, "Implementing stateful DynamoDB stream processing in Lambda".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aurora_lambda_local.streams.batches import window_start
from aurora_lambda_local.streams.mapping import EventSourceMapping
from aurora_lambda_local.streams.records import SHARD_ID, Record, timestamp

STATE_BYTES = 1024 * 1024


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
