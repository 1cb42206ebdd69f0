"""The documents that tell of records which were given up.

Source: AWS Lambda developer guide, "Retain discarded records for a DynamoDB event source in Lambda".
"""

import json
from uuid import UUID

from aurora_lambda_local.streams.batches import Batch, Discarded, Window, invocation_event, is_over
from aurora_lambda_local.streams.failures import FailedInvocation, failure_document, object_document, object_key
from tests.local.streams.changes import FUNCTION_ARN, STREAM_ARN, mapping, record, records

NOW = 1573690429.717
GIVEN_UP = Discarded(Batch((record(7, 1573690399.4), record(9, 1573690400.0)), invocations=6), "RetryAttemptsExhausted")
DOCUMENT = {
    "requestContext": {
        "requestId": "316aa6d0",
        "functionArn": FUNCTION_ARN,
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 6,
    },
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "version": "1.0",
    "timestamp": "2019-11-14T00:13:49.717Z",
    "DDBStreamBatchInfo": {
        "shardId": "shardId-00000001541626099285-f35f62ef",
        "startSequenceNumber": "7",
        "endSequenceNumber": "9",
        "approximateArrivalOfFirstRecord": "2019-11-14T00:13:19Z",
        "approximateArrivalOfLastRecord": "2019-11-14T00:13:20Z",
        "batchSize": 2,
        "streamArn": STREAM_ARN,
    },
}


def test_the_document_for_a_queue_says_where_the_records_are() -> None:
    """Tools that read AWS's documents would not understand another one."""
    invocation = FailedInvocation(FUNCTION_ARN, "316aa6d0", "Unhandled")
    assert failure_document(GIVEN_UP, invocation, mapping(), NOW) == DOCUMENT


def test_records_that_grew_too_old_before_any_invocation_have_no_answer() -> None:
    """There is no request to look for in the logs."""
    old = Discarded(Batch(records(7)), "RecordAgeExceeded")
    document = failure_document(old, FailedInvocation(FUNCTION_ARN), mapping(), NOW)
    assert str(UUID(document["requestContext"].pop("requestId"))) != ""
    assert document["requestContext"] == {
        "functionArn": FUNCTION_ARN,
        "condition": "RecordAgeExceeded",
        "approximateInvokeCount": 1,
    }
    assert "responseContext" not in document


def test_a_function_that_named_the_failures_itself_has_no_error() -> None:
    """Recorded on AWS: tools that look for the key would fail without it."""
    document = failure_document(GIVEN_UP, FailedInvocation(FUNCTION_ARN, "316aa6d0"), mapping(), NOW)
    answered = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}
    assert document["responseContext"] == answered


def test_the_document_for_a_bucket_has_the_whole_event_beside() -> None:
    """It is all that is left of the records after a day."""
    document = object_document(DOCUMENT, GIVEN_UP.batch.records)
    assert json.loads(document.pop("payload")) == {"Records": [each.event for each in GIVEN_UP.batch.records]}
    assert document == DOCUMENT


def test_a_failures_object_is_called_as_on_aws() -> None:
    """A replay here and there finds the failures of a mapping by the beginning of their keys."""
    assert object_key(mapping(), NOW, "c0ffee") == (
        "aws/lambda/5f1e/shardId-00000001541626099285-f35f62ef/2019/11/14/2019-11-14T00.13.49-c0ffee"
    )


def test_an_event_without_windows_is_its_records() -> None:
    """The handler's input would differ from AWS's."""
    batch = records(1, 2)
    assert invocation_event(batch, mapping()) == {"Records": [batch[0].event, batch[1].event]}


def test_an_event_in_a_tumbling_window_carries_its_state() -> None:
    """Page "Implementing stateful DynamoDB stream processing": what was summed up so far would be lost."""
    batch, windowed = records(1, created=130.0), mapping(tumblingWindowInSeconds=60)
    assert invocation_event(batch, windowed, Window(120, {"sum": 5})) == {
        "Records": [batch[0].event],
        "window": {"start": "1970-01-01T00:02:00Z", "end": "1970-01-01T00:03:00Z"},
        "state": {"sum": 5},
        "shardId": "shardId-00000001541626099285-f35f62ef",
        "eventSourceARN": STREAM_ARN,
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }


def test_a_window_is_over_by_time_or_by_a_record_of_a_later_one() -> None:
    """Its result would come late, or before the last of its records."""
    windowed, window = mapping(tumblingWindowInSeconds=60), Window(120)
    assert not is_over(window, (), 179.9, windowed)
    assert is_over(window, (), 180.0, windowed)
    assert not is_over(window, records(1, created=179.0), 500.0, windowed)
    assert is_over(window, records(1, created=180.0), 180.0, windowed)


def test_a_state_of_more_than_a_megabyte_ends_its_window_early() -> None:
    """Page "Implementing stateful DynamoDB stream processing": Lambda takes no larger one."""
    assert not Window(0, {"a": "x" * (1024 * 1024 - 9)}).too_large
    assert Window(0, {"a": "x" * (1024 * 1024 - 8)}).too_large
