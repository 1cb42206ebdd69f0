"""What is decided about batches, apart from any stream or function.

Each test names the page of the AWS Lambda developer guide that its cases are from.
"""

import pytest

from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.streams.batches import (
    Batch,
    Decision,
    Discarded,
    after_failure,
    complete_batch,
    first_failure,
    split_expired,
)
from aurora_lambda_local.streams.mapping import LIMITS
from tests.local.streams.changes import mapping, record, records

REPORT = {"functionResponseTypes": ["ReportBatchItemFailures"]}
MEGABYTE = 1024 * 1024


def test_the_defaults_of_a_mapping_are_awss() -> None:
    """Page "Lambda parameters for Amazon DynamoDB event source mappings": others would hide a missing input."""
    plain = mapping()
    assert (plain.batch_size, plain.batching_window, plain.parallelization_factor) == (100, 0, 1)
    assert (plain.maximum_age, plain.maximum_retries, plain.tumbling_window) == (-1, -1, 0)
    assert (plain.bisect, plain.report_item_failures, plain.enabled, plain.destination) == (False, False, True, "")


@pytest.mark.parametrize("key", LIMITS)
def test_a_number_outside_of_awss_limits_is_refused(key: str) -> None:
    """API reference, CreateEventSourceMapping: it would be refused only at the deployment to AWS."""
    default, lowest, highest = LIMITS[key]
    for number in (default, lowest, highest):
        mapping(**{key: number})
    without = ", or -1 for no limit" if default == -1 else ""
    for number in (lowest - 1 if lowest or default != -1 else -2, highest + 1):
        with pytest.raises(UsageError) as refused:
            mapping(**{key: number})
        assert str(refused.value) == f"{key} is {number}; it can be {lowest} to {highest}{without}"


def test_a_stream_of_dynamodb_starts_at_one_of_two_positions() -> None:
    """Page "Lambda parameters for Amazon DynamoDB event source mappings": AT_TIMESTAMP is for Kinesis alone."""
    with pytest.raises(UsageError) as refused:
        mapping(startingPosition="AT_TIMESTAMP")
    assert (
        str(refused.value) == "startingPosition is 'AT_TIMESTAMP'; for a DynamoDB stream it is TRIM_HORIZON or LATEST"
    )


@pytest.mark.parametrize(
    ("inputs", "count", "waited", "taken"),
    [
        ({}, 1, 0.0, 1),
        ({"batchSize": 3}, 5, 0.0, 3),
        ({"batchSize": 3, "maximumBatchingWindowInSeconds": 60}, 2, 59.9, 0),
        ({"batchSize": 3, "maximumBatchingWindowInSeconds": 60}, 2, 60.0, 2),
        ({"batchSize": 3, "maximumBatchingWindowInSeconds": 60}, 3, 0.0, 3),
    ],
    ids=["no window", "full", "window open", "window over", "full in the window"],
)
def test_a_batch_is_complete_when_it_is_full_or_its_window_is_over(
    inputs: dict[str, int], count: int, waited: float, taken: int
) -> None:
    """Page "Batching behavior": a function would see batches here that AWS never makes."""
    assert complete_batch(records(*range(count)), waited, mapping(**inputs)) == taken


def test_a_batch_never_exceeds_the_payload_that_lambda_takes() -> None:
    """Page "Batching behavior", 6 MB: larger ones would fail for ever."""
    large = [record(number, text="x" * MEGABYTE) for number in range(8)]
    assert complete_batch(large, 0.0, mapping(maximumBatchingWindowInSeconds=300)) == 5
    assert complete_batch([record(1, text="x" * 7 * MEGABYTE)], 0.0, mapping()) == 1


def test_a_batch_lies_in_one_tumbling_window() -> None:
    """Page "Implementing stateful DynamoDB stream processing": state would be added to the wrong window."""
    both = (record(1, created=59.0), record(2, created=59.9), record(3, created=60.0))
    assert complete_batch(both, 0.0, mapping(tumblingWindowInSeconds=30)) == 2


BATCH = records(11, 12, 13, 14)


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, None),
        ({}, None),
        ({"batchItemFailures": []}, None),
        ({"batchItemFailures": None}, None),
        ({"batchItemFailures": [{"itemIdentifier": "13"}]}, 2),
        ({"batchItemFailures": [{"itemIdentifier": "14"}, {"itemIdentifier": "12"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": [{"identifier": "13"}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "99"}]}, 0),
        ({"batchItemFailures": ["13"]}, 0),
        ({"batchItemFailures": "13"}, 0),
        (b"bytes", 0),
    ],
)
def test_the_lowest_sequence_number_given_back_is_the_checkpoint(answer: object, failed: int | None) -> None:
    """Page "Configuring partial batch response": records would be lost, or succeed and be tried again."""
    assert first_failure(BATCH, answer, mapping(**REPORT)) == failed


def test_item_failures_count_only_where_the_mapping_asks_for_them() -> None:
    """Page "Configuring partial batch response": a report would seem to work without the setting."""
    assert first_failure(BATCH, {"batchItemFailures": [{"itemIdentifier": "13"}]}, mapping()) is None
    assert first_failure(BATCH, b"bytes", mapping()) is None


def test_a_tumbling_window_needs_a_state_in_each_answer() -> None:
    """Page "Implementing stateful DynamoDB stream processing": an answer without state is a failed invocation."""
    windowed = mapping(tumblingWindowInSeconds=60, **REPORT)
    assert first_failure(BATCH, {"batchItemFailures": []}, windowed) == 0
    assert first_failure(BATCH, {"state": {}, "batchItemFailures": []}, windowed) is None


def test_a_failed_batch_is_tried_again_as_often_as_allowed_and_then_given_up() -> None:
    """Page "Retain discarded records": a poison record would block the shard, or be given up too soon."""
    limited = mapping(maximumRetryAttempts=2)
    once = Batch(BATCH, invocations=1, retries=1)
    twice = Batch(BATCH, invocations=2, retries=2)
    assert after_failure(Batch(BATCH), 0, limited) == Decision(retry=(once,))
    assert after_failure(once, 0, limited) == Decision(retry=(twice,))
    given_up = Discarded(Batch(BATCH, invocations=3, retries=2), "RetryAttemptsExhausted")
    assert after_failure(twice, 0, limited) == Decision(discard=given_up)


def test_without_retries_a_failed_batch_is_given_up_at_once_and_without_a_limit_never() -> None:
    """API reference, MaximumRetryAttempts: 0 is none and -1 is without end."""
    assert after_failure(Batch(BATCH), 0, mapping(maximumRetryAttempts=0)).retry == ()
    assert after_failure(Batch(BATCH, retries=10_000), 0, mapping()).discard is None


def test_splitting_in_halves_uses_up_no_retry() -> None:
    """Page "Retain discarded records", bisect: a poison record would be given up with its good neighbours."""
    split = mapping(bisectBatchOnFunctionError=True, maximumRetryAttempts=1)
    left, right = Batch(BATCH[:2], retries=1), Batch(BATCH[2:], retries=1)
    assert after_failure(Batch(BATCH, invocations=1, retries=1), 0, split) == Decision(retry=(left, right))
    alone = Batch(BATCH[:1], invocations=1, retries=1)
    assert after_failure(alone, 0, split).discard == Discarded(
        Batch(BATCH[:1], invocations=2, retries=1), "RetryAttemptsExhausted"
    )


def test_a_reported_failure_splits_the_batch_there_and_retries_the_rest() -> None:
    """Page "Configuring partial batch response", bisecting: records that succeeded would be delivered again."""
    both = mapping(bisectBatchOnFunctionError=True, maximumRetryAttempts=1, **REPORT)
    assert after_failure(Batch(BATCH), 2, both) == Decision(retry=(Batch(BATCH[2:]),))
    first_again = after_failure(Batch(BATCH[2:], invocations=1), 0, both)
    assert first_again == Decision(retry=(Batch(BATCH[2:3]), Batch(BATCH[3:])))


def test_an_answer_that_makes_progress_starts_with_all_retries_again() -> None:
    """Recorded on AWS: with three retries five deliveries, four of them counted. Good records would be given up."""
    limited, tried = mapping(maximumRetryAttempts=3, **REPORT), Batch(BATCH, invocations=4, retries=3)
    decision, deliveries = after_failure(tried, 1, limited), 1
    assert decision == Decision(retry=(Batch(BATCH[1:]),))
    while decision.retry:
        decision, deliveries = after_failure(decision.retry[0], 0, limited), deliveries + 1
    assert deliveries == 5
    assert decision.discard == Discarded(Batch(BATCH[1:], invocations=4, retries=3), "RetryAttemptsExhausted")


def test_records_older_than_allowed_are_given_up_and_the_others_tried() -> None:
    """Page "Retain discarded records", maximum record age: a blocked shard would stay blocked for a day."""
    batch = Batch((record(1, created=100.0), record(2, created=101.0)), invocations=3)
    aging = mapping(maximumRecordAgeInSeconds=60)
    assert split_expired(batch, 160.0, aging) == Decision(retry=(batch,))
    old = Discarded(Batch(batch.records[:1], invocations=3), "RecordAgeExceeded")
    assert split_expired(batch, 160.5, aging) == Decision(retry=(Batch(batch.records[1:], 3),), discard=old)
    assert split_expired(batch, 170.0, aging).retry == ()


def test_no_record_is_tried_longer_than_its_stream_keeps_it() -> None:
    """Page "Lambda parameters for Amazon DynamoDB event source mappings": a stream keeps its records for 24 hours."""
    batch = Batch(records(1, created=0.0))
    for endless in (mapping(), mapping(maximumRecordAgeInSeconds=604_800)):
        assert split_expired(batch, 86_400.0, endless).discard is None
        assert split_expired(batch, 86_400.5, endless).discard == Discarded(batch, "RecordAgeExceeded")


def test_records_of_one_key_share_a_lane() -> None:
    """Page "Using AWS Lambda with Amazon DynamoDB", ParallelizationFactor: one key's changes overtake each other."""
    lanes = {key: {record(n, key=key).lane(10) for n in range(5)} for key in "abcdefghijklmnopqrst"}
    assert {len(each) for each in lanes.values()} == {1}
    assert len(set.union(*lanes.values())) > 5
