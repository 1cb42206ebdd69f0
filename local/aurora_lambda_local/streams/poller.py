"""An event source mapping at work."""

import json
import time
from typing import Any, Literal

from aurora_lambda_local.streams.dynamodb import DurableDynamoDb
from aurora_lambda_local.streams.lane import Invoke, Lane
from aurora_lambda_local.streams.mapping import EventSourceMapping, MappingStatus
from aurora_lambda_local.streams.store import Checkpoint, StreamStore

STOP_SECONDS = 5.0


class Poller:
    """Hands the records of one stream to one function, from where it was left."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        dynamodb: DurableDynamoDb,
        store: StreamStore,
        invoke: Invoke,
    ) -> None:
        self.mapping = mapping
        self._dynamodb, self._store = dynamodb, store
        lanes = [
            Lane(mapping, store, invoke, number, checkpoint)
            for number, checkpoint in enumerate(self._starting_points())
        ]
        self._lanes = lanes if mapping.enabled else []

    def start(self) -> None:
        """Begin to hand over records."""
        for lane in self._lanes:
            self._dynamodb.notify(self.mapping.stream_arn, lane.woken)
            lane.start()

    def alive(self) -> bool:
        """Return whether it delivers; a disabled one need not."""
        return self._state() != "Failed"

    def close(self) -> None:
        """Stop, after the invocations that are under way if they end soon; the checkpoints are kept."""
        for lane in self._lanes:
            self._dynamodb.forget(self.mapping.stream_arn, lane.woken)
            lane.stop()
        for lane in self._lanes:
            lane.join(STOP_SECONDS)

    def status(self) -> MappingStatus:
        """Return how the mapping is."""
        arn = self.mapping.stream_arn
        position = min(each.position for each in self._store.checkpoints(self.mapping.uuid, arn).values())
        waiting = self._store.read(arn, position, 1)
        return {
            "state": self._state(),
            "uuid": self.mapping.uuid,
            "function": self.mapping.function_arn,
            "stream": arn,
            "destination": self.mapping.destination,
            "filters": list(self.mapping.filters),
            "position": str(position),
            "oldestRecordAge": time.time() - waiting[0].created if waiting else None,
            "failures": sum(each.mapping == self.mapping.uuid for each in self._store.failures(delivered=True)),
        }

    def failures(self) -> list[dict[str, Any]]:
        """Return the documents of the failures that wait in the destination, oldest first."""
        stored = self._store.failures(delivered=True)
        return [json.loads(each.document) for each in stored if each.mapping == self.mapping.uuid]

    def _state(self) -> Literal["Enabled", "Disabled", "Failed"]:
        if not self.mapping.enabled:
            return "Disabled"
        return "Enabled" if all(lane.is_alive() for lane in self._lanes) else "Failed"

    def _starting_points(self) -> list[Checkpoint]:
        """Return where each lane starts: where it was left, or at the starting position where it is new."""
        lanes, arn, uuid = self.mapping.parallelization_factor, self.mapping.stream_arn, self.mapping.uuid
        left = self._store.checkpoints(uuid, arn)
        if len(left) == lanes:
            return [left[lane] for lane in range(lanes)]
        if left:
            # Keys belong to other lanes now. From the oldest checkpoint no record is skipped; some come again.
            position = min(each.position for each in left.values())
        else:
            position = self._store.last_position(arn) if self.mapping.starting_position == "LATEST" else 0
        checkpoints = [Checkpoint(position)] * lanes
        self._store.replace_checkpoints(uuid, arn, checkpoints)
        return checkpoints
