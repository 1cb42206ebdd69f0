"""One of a mapping's concurrent batches: reads its part of the shard in order and invokes the function."""

import json
import threading
import time
import uuid
from collections.abc import Callable

from aurora_lambda_local.lambda_service.function import InvocationResult
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.streams.batches import (
    Batch,
    Discarded,
    Window,
    after_failure,
    backoff_seconds,
    complete_batch,
    first_failure,
    invocation_event,
    is_over,
    read_json,
    split_expired,
    window_start,
)
from aurora_lambda_local.streams.destinations import deliver, is_bucket
from aurora_lambda_local.streams.failures import FailedInvocation, failure_document, object_document, object_key
from aurora_lambda_local.streams.mapping import EventSourceMapping
from aurora_lambda_local.streams.records import Record
from aurora_lambda_local.streams.store import Checkpoint, StreamStore

READ_RECORDS = 1000

# Raises LocalError when the function cannot be invoked.
Invoke = Callable[[bytes], InvocationResult]


class Lane:
    """Reads in a thread of its own. It has one invocation under way at most, so records are processed in order."""

    def __init__(
        self, mapping: EventSourceMapping, store: StreamStore, invoke: Invoke, number: int, checkpoint: Checkpoint
    ) -> None:
        self.woken = threading.Event()
        self._mapping, self._store, self._invoke_function = mapping, store, invoke
        self._number = number
        self._stopping = threading.Event()
        self._abandoned = False
        self._read_until, self._kept = checkpoint.position, checkpoint
        # The mapping may have had windows when the checkpoint was stored, and have none now.
        self._window = Window(*checkpoint.window) if checkpoint.window and mapping.tumbling_window else None
        self._buffer: list[Record] = []
        self._waiting_since = 0.0
        self._pending: list[Batch] = []
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"{mapping.name} {number}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether it still reads."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Invoke no more; an invocation that is under way goes on, and its success counts."""
        self._stopping.set()
        self.woken.set()

    def join(self, seconds: float) -> None:
        """Wait for the end of the invocation that is under way; the result of one that ends later is ignored."""
        self._thread.join(seconds)
        self._abandoned = True

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.woken.clear()
            self._read()
            if self._window and is_over(self._window, self._following(), time.time(), self._mapping):
                self._end_window(self._window)
            elif batch := self._next_batch():
                self._try(batch)
            else:
                self.woken.wait(self._wait_seconds())

    def _read(self) -> None:
        """Fill the buffer with this lane's records that the filters let through."""
        while len(self._buffer) < self._mapping.batch_size:
            found = self._store.read(self._mapping.stream_arn, self._read_until, READ_RECORDS)
            if not found:
                break
            if not self._buffer:
                self._waiting_since = time.monotonic()
            self._read_until = found[-1].sequence_number
            self._buffer += [record for record in found if self._is_mine(record)]
        if not self._buffer and not self._pending:
            self._keep()

    def _is_mine(self, record: Record) -> bool:
        return record.lane(self._mapping.parallelization_factor) == self._number and self._mapping.matches(record.event)

    def _following(self) -> list[Record]:
        return list(self._pending[0].records) if self._pending else self._buffer

    def _next_batch(self) -> Batch | None:
        if self._pending:
            return self._pending.pop(0)
        count = complete_batch(self._buffer, time.monotonic() - self._waiting_since, self._mapping)
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return Batch(tuple(taken)) if taken else None

    def _wait_seconds(self) -> float | None:
        """Return how many seconds to wait for a new record; None without limit."""
        waits = []
        if self._buffer:
            waits.append(self._waiting_since + self._mapping.batching_window - time.monotonic())
        if self._window:
            waits.append(self._window.start + self._mapping.tumbling_window - time.time())
        return max(min(waits), 0.0) if waits else None

    def _try(self, batch: Batch) -> None:
        """Invoke the function with a batch, and act on the result."""
        age = split_expired(batch, time.time(), self._mapping)
        if age.discard:
            self._pending[:0] = age.retry
            self._give_up(age.discard, FailedInvocation(self._mapping.function_arn))
            return
        if self._mapping.tumbling_window and not self._window:
            self._window = Window(window_start(batch.records[0], self._mapping))
        result = self._invoke(json.dumps(invocation_event(batch.records, self._mapping, self._window)))
        if self._abandoned:
            return
        if result is None:
            self._pending.insert(0, batch)
            return
        answer = None if result.failed else read_json(result.payload)
        failed = 0 if result.failed else first_failure(batch.records, answer, self._mapping)
        if failed is None:
            self._succeed(answer)
        elif not self._stopping.is_set():
            self._fail(batch, failed, result)

    def _invoke(self, payload: str) -> InvocationResult | None:
        """Return the result; None, after a pause, when the function could not be invoked, which uses up no retry."""
        try:
            return self._invoke_function(payload.encode())
        except LocalError:
            self._back_off()
            return None

    def _succeed(self, answer: object) -> None:
        self._failures = 0
        if self._window and isinstance(answer, dict):
            self._window = Window(self._window.start, answer["state"])
            if self._window.too_large:
                self._end_window(self._window, terminated_early=True)
        self._keep()

    def _fail(self, batch: Batch, failed: int, result: InvocationResult) -> None:
        decision = after_failure(batch, failed, self._mapping)
        self._pending[:0] = decision.retry
        if decision.discard:
            error = "Unhandled" if result.failed else ""
            self._give_up(decision.discard, FailedInvocation(self._mapping.function_arn, result.request_id, error))
            return
        self._keep()
        if decision.retry[0].retries > batch.retries:
            self._back_off()

    def _back_off(self) -> None:
        self._failures += 1
        self._stopping.wait(backoff_seconds(self._failures))

    def _end_window(self, window: Window, *, terminated_early: bool = False) -> None:
        """Invoke the function for the end of a window until it succeeds."""
        event = invocation_event(
            (), self._mapping, window, final=not terminated_early, terminated_early=terminated_early
        )
        while not self._stopping.is_set():
            result = self._invoke(json.dumps(event))
            if self._abandoned:
                return
            if result and not result.failed:
                self._failures = 0
                self._window = Window(window.start) if terminated_early else None
                self._keep()
                return
            if result:
                self._back_off()

    def _give_up(self, discarded: Discarded, invocation: FailedInvocation) -> None:
        """Discard records; their failure and the checkpoint are stored in one transaction."""
        self._failures = 0
        now, arn = time.time(), self._mapping.destination
        if not arn:
            self._keep()
            return
        document = failure_document(discarded, invocation, self._mapping, now)
        key = ""
        if is_bucket(arn):
            document = object_document(document, discarded.batch.records)
            key = object_key(self._mapping, now, str(uuid.uuid4()))
        self._keep((arn, key, json.dumps(document)))
        deliver(self._store)

    def _keep(self, failure: tuple[str, str, str] | None = None) -> None:
        """Store the checkpoint: everything before the first record that is still to be tried is done."""
        following = self._following()
        position = following[0].sequence_number - 1 if following else self._read_until
        window = (self._window.start, dict(self._window.state)) if self._window else None
        checkpoint = Checkpoint(position, window)
        if checkpoint == self._kept and not failure:
            return
        self._kept = checkpoint
        self._store.advance(self._mapping.uuid, self._mapping.stream_arn, self._number, checkpoint, failure)
