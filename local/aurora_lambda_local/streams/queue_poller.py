"""The event source mapping of an SQS queue at work: delivers its messages by Lambda's rules.

Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS".
"""

import base64
import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from moto.sqs.models import Message, Queue

from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_local.streams.batches import read_json
from aurora_lambda_local.streams.destinations import messages, queues
from aurora_lambda_local.streams.lane import Invoke

# How often an empty queue is asked; Lambda waits for messages instead.
POLL_SECONDS = 0.1
# So many batches Lambda begins with.
CONCURRENCY = 5
RECEIVED_AT_ONCE = 10
STOP_SECONDS = 5.0


class QueueContents(TypedDict):
    """The bodies of the messages of a queue that wait or are in work, and of its dead letters, oldest first."""

    messages: list[str]
    deadLetters: list[str]


class QueueStatus(TypedDict):
    """The status of a queue with a function: how many messages wait, the delayed too, are in work, and dead letters."""

    state: Literal["Enabled", "Disabled"]
    function: str
    queue: str
    waiting: int
    inWork: int
    deadLetters: int


@dataclass(frozen=True)
class QueueMapping:
    """What the program asks for; `window` is in seconds."""

    queue_arn: str
    function_arn: str
    batch_size: int
    window: int
    concurrency: int
    report_item_failures: bool
    enabled: bool


def parse_queue_mapping(inputs: Mapping[str, Any]) -> QueueMapping:
    """Return the mapping of a queue that a resource's inputs describe.

    Raises:
        UsageError: AWS would refuse it.
    """
    arn, function = str(inputs["eventSourceArn"]), str(inputs["functionName"])
    size = int(inputs.get("batchSize") or RECEIVED_AT_ONCE)
    window = int(inputs.get("maximumBatchingWindowInSeconds") or 0)
    if size > RECEIVED_AT_ONCE and not window:
        raise UsageError(f"batchSize is {size}; above {RECEIVED_AT_ONCE} it needs maximumBatchingWindowInSeconds")
    return QueueMapping(
        arn,
        function,
        size,
        window,
        int((inputs.get("scalingConfig") or {}).get("maximumConcurrency") or CONCURRENCY),
        "ReportBatchItemFailures" in (inputs.get("functionResponseTypes") or ()),
        inputs.get("enabled") is not False,
    )


class QueuePoller:
    """Takes messages of a queue and hands them to a function, several batches at a time.

    A message that fails stays in the queue: it is visible again after the queue's visibility timeout, and goes to the
    dead letters once it has been received too often.
    """

    def __init__(self, mapping: QueueMapping, invoke: Invoke) -> None:
        self.mapping = mapping
        self._invoke = invoke
        *_, self._region, _, self._name = mapping.queue_arn.split(":")
        self._stopping = threading.Event()
        self._free = threading.Semaphore(mapping.concurrency)
        self._thread = threading.Thread(target=self._run, name=mapping.queue_arn, daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        if self.mapping.enabled:
            self._thread.start()

    def alive(self) -> bool:
        """Return whether it delivers; a disabled one need not."""
        return self._thread.is_alive() or not self.mapping.enabled

    def close(self) -> None:
        """Take no more messages, and wait a while for the batches under way."""
        self._stopping.set()
        until = time.monotonic() + STOP_SECONDS
        for _ in range(self.mapping.concurrency):
            self._free.acquire(timeout=max(0.0, until - time.monotonic()))

    def status(self) -> QueueStatus:
        """Return how the queue is."""
        queue, letters = self._queues()
        return {
            "state": "Enabled" if self.mapping.enabled else "Disabled",
            "function": self.mapping.function_arn,
            "queue": self._name,
            "waiting": queue.approximate_number_of_messages + queue.approximate_number_of_messages_delayed
            if queue
            else 0,
            "inWork": queue.approximate_number_of_messages_not_visible if queue else 0,
            "deadLetters": letters.approximate_number_of_messages if letters else 0,
        }

    def contents(self) -> QueueContents:
        """Return what the queue and its dead letters hold; nothing is received by that."""
        queue, letters = self._queues()
        return {"messages": _bodies(queue), "deadLetters": _bodies(letters)}

    def redrive(self) -> int:
        """Put the dead letters back into the queue, as SQS's own redrive does, and return how many."""
        queue, letters = self._queues()
        if queue is None or letters is None:
            return 0
        waiting = letters.messages
        for message in waiting:
            delete(letters, message)
            message.approximate_receive_count = 0
            if message.deduplication_id:
                # By its own it might be taken for a copy of one that has been sent since.
                message.deduplication_id = message.id
            queue.add_message(message)
        return len(waiting)

    def _queue(self) -> Queue | None:
        return queues(self._region).queues.get(self._name)

    def _queues(self) -> tuple[Queue | None, Queue | None]:
        """Return the queue and that of its dead letters."""
        queue = self._queue()
        return queue, queue.dead_letter_queue if queue else None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._free.acquire()
            batch = self._batch()
            if not batch:
                self._free.release()
                self._stopping.wait(POLL_SECONDS)
                continue
            threading.Thread(target=self._deliver, args=(batch,), daemon=True).start()

    def _batch(self) -> list[Message]:
        """Return the next messages: as many as there are, or those that come within the window."""
        batch = self._receive(self.mapping.batch_size)
        until = time.monotonic() + self.mapping.window
        while batch and len(batch) < self.mapping.batch_size and time.monotonic() < until:
            if self._stopping.wait(POLL_SECONDS):
                break
            batch += self._receive(self.mapping.batch_size - len(batch))
        return batch

    def _receive(self, count: int) -> list[Message]:
        queue = self._queue()
        # A batch may have ended after `close`, and made room for another.
        if queue is None or self._stopping.is_set():
            return []
        return _take(queue, min(count, RECEIVED_AT_ONCE))

    def _deliver(self, batch: Sequence[Message]) -> None:
        try:
            payload = {"Records": [self._record(message) for message in batch]}
            failed = self._failed(batch, json.dumps(payload).encode())
            queue = self._queue()
            for message in batch:
                if queue and message.id not in failed:
                    delete(queue, message)
        finally:
            self._free.release()

    def _failed(self, batch: Sequence[Message], payload: bytes) -> set[str]:
        """Invoke the function, and return the ids of the messages that it is not done with."""
        everything = {message.id for message in batch}
        try:
            result = self._invoke(payload)
        except LocalError:
            return everything
        if result.failed:
            return everything
        return reported(result.payload, everything) if self.mapping.report_item_failures else set()

    def _record(self, message: Message) -> dict[str, Any]:
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": {
                name: str(value)
                for name, value in (
                    ("ApproximateReceiveCount", message.approximate_receive_count),
                    ("SentTimestamp", message.sent_timestamp),
                    ("SenderId", message.sender_id),
                    ("ApproximateFirstReceiveTimestamp", message.approximate_first_receive_timestamp),
                    ("MessageGroupId", message.group_id),
                    ("MessageDeduplicationId", message.deduplication_id),
                    ("SequenceNumber", message.sequence_number),
                )
                if value
            },
            "messageAttributes": {
                name: {_lower(key): _text(value) for key, value in given.items()}
                for name, given in message.message_attributes.items()
            },
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.mapping.queue_arn,
            "awsRegion": self._region,
        }


def _take(queue: Queue, count: int) -> list[Message]:
    """Receive messages.

    Not by moto's own function, which counts the whole queue again for each message, and mixes those of a FIFO queue
    that come again.
    """
    # Of a copy: what is deleted meanwhile would hide the next message, and let those after it overtake it.
    visible = [message for message in list(queue._messages) if message.visible and not message.delayed]
    taken: list[Message] = []
    queue.pending_messages.difference_update(visible)
    # Of a group in work nothing else is received: it would overtake what may come again.
    in_work = queue.pending_message_groups if queue.fifo_queue else set()
    letters, policy = queue.dead_letter_queue, queue.redrive_policy
    for message in visible:
        if message.group_id in in_work:
            continue
        if letters and policy and message.approximate_receive_count >= policy["maxReceiveCount"]:
            delete(queue, message)
            letters.add_message(message)
        elif len(taken) < count:
            queue.pending_messages.add(message)
            message.mark_received(vars(queue)["visibility_timeout"])
            taken.append(message)
    return taken


def delete(queue: Queue, message: Message) -> None:
    """Delete a message; not by moto's own function, which loses what is sent or deleted at the same time."""
    with suppress(ValueError):
        queue._messages.remove(message)
    queue.pending_messages.discard(message)
    queue.deleted_messages.update(filter(None, message.all_receipt_handles))


def _bodies(queue: Queue | None) -> list[str]:
    return [each.body for each in sorted(messages(queue).values(), key=lambda each: each.sent_timestamp or 0)]


def reported(payload: bytes, everything: set[str]) -> set[str]:
    """Return the ids that a partial batch answer names; all where Lambda would take it for a failure."""
    answer = read_json(payload)
    if isinstance(answer, bytes):
        return everything
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return set() if failures in (None, []) else everything
    try:
        identifiers = {failure["itemIdentifier"] for failure in failures}
    except (TypeError, KeyError):
        return everything
    return identifiers if identifiers <= everything else everything


def _lower(key: str) -> str:
    return key[:1].lower() + key[1:]


def _text(value: str | bytes) -> str:
    """Return the value of an attribute as it stands in an event: bytes are in base64."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
