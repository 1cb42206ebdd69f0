"""Makes an entry point of Lambda from a function of one message of an SQS queue.

A queue delivers at least once. What is reported to have failed comes again after the visibility timeout, and goes to
the dead letters after so many times; the other messages of the batch are done.
Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import functools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aurora_lambda_runtime.database.errors import DatabaseError
from aurora_lambda_runtime.handler.context import LambdaContext
from aurora_lambda_runtime.handler.entry import BatchResponse, EntryPoint, invocation
from aurora_lambda_runtime.handler.results import refuse_deferred, require_nothing

log = logging.getLogger(__name__)


class MessageError(Exception):
    """The event is none of an SQS queue, or a message in it lacks something."""


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        id: SQS's id of it, the same each time that it comes.
        body: What was sent, as text.
        attributes: SQS's own, such as `SentTimestamp`, in its words.
        message_attributes: The sender's, each with `dataType` and `stringValue` or `binaryValue`.
        receive_count: How often it has come, this time included.
    """

    id: str
    body: str
    attributes: Mapping[str, str]
    message_attributes: Mapping[str, Mapping[str, object]]
    receive_count: int

    @property
    def json(self) -> Any:
        """The body as JSON; a ValueError where it is none."""
        return json.loads(self.body)


MessageFunction = Callable[[Message], object]


def queue_handler(function: MessageFunction) -> EntryPoint:
    """Return the Lambda entry point that calls `function` with each message in turn.

    What `function` raises fails its message alone; in a FIFO queue also those after it, which must not overtake it. A
    `DatabaseError` fails the whole invocation, because every other message would fail too.
    """
    refuse_deferred(function)

    @functools.wraps(function)
    def handle(event: object, context: LambdaContext) -> BatchResponse:
        records = _records(event)
        with invocation(context):
            failed = _failed(function, records)
        return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}

    return handle


def _failed(function: MessageFunction, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Process messages, and return the ids of those that failed."""
    failed: list[str] = []
    for index, record in enumerate(records):
        try:
            require_nothing(function, function(_message(record)))
        except DatabaseError:
            raise
        except Exception:
            log.exception("message %s failed: it will come again", record["messageId"])
            if record["eventSourceARN"].endswith(".fifo"):
                return failed + [each["messageId"] for each in records[index:]]
            failed.append(record["messageId"])
    return failed


def _message(record: Mapping[str, Any]) -> Message:
    try:
        attributes = record["attributes"]
        count = int(attributes["ApproximateReceiveCount"])
        return Message(record["messageId"], record["body"], attributes, record.get("messageAttributes") or {}, count)
    except (KeyError, TypeError, ValueError):
        raise MessageError("a message lacks its body or its attributes") from None


def _records(event: object) -> list[Mapping[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and record.get("eventSource") == "aws:sqs" and "messageId" in record
        for record in records
    ):
        raise MessageError('this function takes the messages of an SQS queue: {"Records": [...]}')
    return records
