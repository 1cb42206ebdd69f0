"""Makes an entry point of Lambda from a function of one record, or of a batch.

A stream delivers at least once and in order, and Lambda goes on behind the first record that is reported to have
failed. So an entry point stops there and returns that one; those before it are done.
Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

import functools
import json
import logging
import os
from collections.abc import Callable, Sequence

from aurora_lambda_runtime.database.contract import REPORT_BATCH_ITEM_FAILURES
from aurora_lambda_runtime.database.errors import DatabaseError
from aurora_lambda_runtime.handler.context import LambdaContext
from aurora_lambda_runtime.handler.entry import BatchResponse, EntryPoint, invocation
from aurora_lambda_runtime.handler.results import refuse_deferred, require_nothing
from aurora_lambda_runtime.handler.streams.records import RecordError, StreamRecord, parse_record

log = logging.getLogger(__name__)


class BatchError(Exception):
    """A record of the batch failed, and the event source mapping takes no partial batch response."""


RecordFunction = Callable[[StreamRecord], object]
BatchFunction = Callable[[Sequence[StreamRecord]], object]


def stream_handler(function: RecordFunction) -> EntryPoint:
    """Return the Lambda entry point that calls `function` with each record in turn.

    What `function` raises fails its record: Lambda tries that one and those after it again. A `DatabaseError` fails
    the whole invocation, because every other record would fail too.
    """

    def first_failure(records: Sequence[StreamRecord]) -> StreamRecord | None:
        for record in records:
            try:
                require_nothing(function, function(record))
            except DatabaseError:
                raise
            except Exception:
                _log_failure(record)
                return record
        return None

    return _entry_point(function, first_failure)


def batch_handler(function: BatchFunction) -> EntryPoint:
    """Return the Lambda entry point that calls `function` with all records at once, the oldest first.

    When `function` raises it is called again with half of the records, and so on, until the first record that fails
    is found and all before it are done; so it must accept a record twice. A `DatabaseError` fails the whole
    invocation.
    """

    def first_failure(records: Sequence[StreamRecord]) -> StreamRecord | None:
        try:
            require_nothing(function, function(records))
        except DatabaseError:
            raise
        except Exception as error:
            if len(records) == 1:
                _log_failure(records[0])
                return records[0]
            log.warning("a batch of %d records failed (%s): trying its halves", len(records), type(error).__name__)
            half = len(records) // 2
            return first_failure(records[:half]) or first_failure(records[half:])
        return None

    return _entry_point(function, first_failure)


def _entry_point(
    function: Callable[..., object], first_failure: Callable[[Sequence[StreamRecord]], StreamRecord | None]
) -> EntryPoint:
    refuse_deferred(function)

    @functools.wraps(function)
    def handle(event: object, context: LambdaContext) -> BatchResponse:
        print(f"event {json.dumps(event, separators=(',', ':'))}")
        records, unreadable = _parse_event(event)
        with invocation(context):
            failed = first_failure(records) if records else None
        identifier = failed.item_identifier if failed else unreadable
        if identifier and os.environ.get(REPORT_BATCH_ITEM_FAILURES) == "false":
            raise BatchError(f"the record with the sequence number {identifier} failed, and the batch with it")
        return {"batchItemFailures": [{"itemIdentifier": identifier}] if identifier else []}

    return handle


def _parse_event(event: object) -> tuple[list[StreamRecord], str]:
    """Return the event's records up to the first that cannot be read, and the sequence number of that one, or "".

    Raises:
        RecordError: it is no event of a stream, or the first unreadable record has no sequence number to report.
    """
    if isinstance(event, dict) and "window" in event:
        raise BatchError(
            "this function would lose the state of a tumbling window: leave out the mapping's tumblingWindowInSeconds,"
            " or give the stream a `command` of your own, a function of (event, context) that returns the state"
        )
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise RecordError('this function takes the events of a DynamoDB stream: {"Records": [...]}')
    parsed: list[StreamRecord] = []
    for record in records:
        try:
            parsed.append(parse_record(record))
        except RecordError as error:
            log.warning("%s; it and the records after it will be tried again", error)
            return parsed, _sequence_number(record, error)
    return parsed, ""


def _sequence_number(record: object, error: RecordError) -> str:
    match record:
        case {"dynamodb": {"SequenceNumber": str(number)}} if number:
            return number
    raise error


def _log_failure(record: StreamRecord) -> None:
    log.exception(
        "%s %s of table %s failed: it and the records after it will be tried again",
        record.event_name,
        record.event_id,
        record.table,
    )
