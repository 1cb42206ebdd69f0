"""A stream's records."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from aurora_lambda_local.testing.streams import ENABLED_AT, MODIFIED, record
from aurora_lambda_runtime.handler.streams import StreamRecord
from aurora_lambda_runtime.handler.streams.records import RecordError, parse_record


def test_a_record_is_read_into_python_values() -> None:
    """It is all that an author's function gets to see of the event."""
    assert parse_record(MODIFIED) == StreamRecord(
        event_id="1a87201789a6e14315b8038ebbd3b99d",
        event_name="MODIFY",
        table="test-table",
        stream_enabled_at=datetime(2019, 2, 15, 23, 1, 6, 871_000, UTC),
        keys={"id": "1"},
        new_image={"name": "Tung Nguyen", "id": "1"},
        old_image={"name": "Tung", "id": "1"},
        sequence_number=261800000000059086429283,
        item_identifier="261800000000059086429283",
        created_at=datetime(2019, 2, 15, 23, 16, 39, tzinfo=UTC),
        view_type="NEW_AND_OLD_IMAGES",
    )


def test_an_image_that_the_stream_leaves_out_is_none() -> None:
    """An inserted item has no old image, a removed one no new one."""
    assert record({"id": "1"}, {"name": "new"}).old_image is None
    assert record({"id": "1"}, {"name": "new"}).event_name == "INSERT"
    assert record({"id": "1"}, old={"name": "old"}).new_image is None
    assert record({"id": "1"}, old={"name": "old"}).event_name == "REMOVE"


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"sequence_number": 9}, {"sequence_number": 10}),
        ({"sequence_number": 0}, {"sequence_number": 1}),
        ({"sequence_number": 10**39 - 1}, {"sequence_number": 10**40 - 1}),
        (
            {"sequence_number": 10**30, "enabled_at": ENABLED_AT},
            {"sequence_number": 1, "enabled_at": "2019-02-15T23:01:07"},
        ),
        (
            {"sequence_number": 2, "enabled_at": "2026-11-21T10:00:00.100"},
            {"sequence_number": 1, "enabled_at": "2026-11-21T10:00:00.123456"},
        ),
    ],
)
def test_a_later_change_has_a_greater_position(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    """Numbers are no texts, 9 comes before 10; and a table that was made again starts at low numbers."""
    before, after = (record({"id": "1"}, {}, **each).position for each in (earlier, later))
    assert before < after
    assert len(before) == len(after) == 67


def test_the_position_is_the_streams_age_and_the_number() -> None:
    """It is stored in SQL, where another version of this code compares with it."""
    assert parse_record(MODIFIED).position == "2019-02-15T23:01:06.871000/0000000000000000261800000000059086429283"


def changed(**change: object) -> dict[str, Any]:
    """Return the contract's record with fields of its `dynamodb` replaced, or left out where they are None."""
    fields = {**MODIFIED["dynamodb"], **change}
    return {**MODIFIED, "dynamodb": {name: value for name, value in fields.items() if value is not None}}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({**MODIFIED, "eventName": "UPDATE"}, "eventName is 'UPDATE'; must be one of INSERT, MODIFY, REMOVE"),
        ({**MODIFIED, "dynamodb": None}, "dynamodb is None; must be a JSON object"),
        (changed(Keys=None), "Keys is None; must be a JSON object"),
        (changed(SequenceNumber=None), "SequenceNumber is None; must be the form [0-9]{1,40}"),
        (changed(SequenceNumber="12x"), "SequenceNumber is '12x'; must be the form [0-9]{1,40}"),
        (changed(SequenceNumber=12), "SequenceNumber is 12; must be the form [0-9]{1,40}"),
        (
            changed(StreamViewType="ALL"),
            "StreamViewType is 'ALL'; must be one of KEYS_ONLY, NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES",
        ),
        (
            changed(ApproximateCreationDateTime="today"),
            "ApproximateCreationDateTime is 'today'; must be seconds since 1970",
        ),
        (changed(NewImage={"name": {"S": 3}}), "attribute 'name': 3 is not a string"),
    ],
)
def test_what_is_no_record_is_refused_by_name(raw: dict[str, Any], message: str) -> None:
    """A record in the failure store is understood without a debugger."""
    with pytest.raises(RecordError) as refusal:
        parse_record(raw)
    assert str(refusal.value) == f"stream record 1a87201789a6e14315b8038ebbd3b99d: {message}"


@pytest.mark.parametrize("arn", [None, "arn:aws:kinesis:us-west-2:112233445566:stream/test", "test-table"])
def test_a_record_of_another_source_is_refused(arn: str | None) -> None:
    """A function that was mapped to a queue by mistake says so."""
    with pytest.raises(RecordError) as refusal:
        parse_record({**MODIFIED, "eventSourceARN": arn})
    assert str(refusal.value).startswith(
        f"stream record 1a87201789a6e14315b8038ebbd3b99d: eventSourceARN is {arn!r}; must be the form arn:"
    )


def test_a_record_that_is_no_object_is_refused() -> None:
    """The message is a sentence, not an AttributeError."""
    with pytest.raises(RecordError, match="^a stream record is a JSON object, not str$"):
        parse_record(json.dumps(MODIFIED))
