"""Stream records as Lambda hands them to a function, and what a poller has to know of them."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

SHARD_ID = "shardId-00000001541626099285-f35f62ef"


@dataclass(frozen=True)
class Record:
    """One change of one item; `event` is what stands in the function's `Records`."""

    event: Mapping[str, Any]

    @property
    def sequence_number(self) -> int:
        """Where it stands in its shard."""
        return int(self.event["dynamodb"]["SequenceNumber"])

    @property
    def created(self) -> float:
        """When the item was changed, in seconds since 1970."""
        return float(self.event["dynamodb"]["ApproximateCreationDateTime"])

    @cached_property
    def size(self) -> int:
        """Bytes that it takes in the invocation's payload."""
        return len(json.dumps(self.event)) + len(", ")

    def lane(self, lanes: int) -> int:
        """Return which of a shard's concurrent batches it belongs to: the same one for the same key."""
        return zlib.crc32(json.dumps(self.event["dynamodb"]["Keys"], sort_keys=True).encode()) % lanes


def timestamp(seconds: float) -> str:
    """Return a time as the documents of Lambda have it, to the second.

    >>> timestamp(1573690399.9)
    '2019-11-14T00:13:19Z'
    """
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
