"""Events of DynamoDB streams, as Lambda hands them to a function."""

from collections.abc import Mapping
from typing import Any

from aurora_lambda_local.testing.client import Context
from aurora_lambda_runtime.handler.entry import BatchResponse, EntryPoint
from aurora_lambda_runtime.handler.streams import EventName, StreamRecord
from aurora_lambda_runtime.handler.streams.attributes import encode_item
from aurora_lambda_runtime.handler.streams.records import parse_record

ENABLED_AT = "2019-02-15T23:01:06.871"
CREATED_AT = 1_550_272_599
# The record that the project's contract shows.
MODIFIED: dict[str, Any] = {
    "eventID": "1a87201789a6e14315b8038ebbd3b99d",
    "eventName": "MODIFY",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "us-west-2",
    "dynamodb": {
        "ApproximateCreationDateTime": CREATED_AT,
        "Keys": {"id": {"S": "1"}},
        "NewImage": {"name": {"S": "Tung Nguyen"}, "id": {"S": "1"}},
        "OldImage": {"name": {"S": "Tung"}, "id": {"S": "1"}},
        "SequenceNumber": "261800000000059086429283",
        "SizeBytes": 32,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
    "eventSourceARN": f"arn:aws:dynamodb:us-west-2:112233445566:table/test-table/stream/{ENABLED_AT}",
}


def raw_record(
    keys: Mapping[str, object],
    new: Mapping[str, object] | None = None,
    old: Mapping[str, object] | None = None,
    *,
    sequence_number: int = 1,
    table: str = "test-table",
    enabled_at: str = ENABLED_AT,
) -> dict[str, Any]:
    """Return the record of a change from `old` to `new`, the attributes besides the keys, as Python values.

    Without `old` the item is new, without `new` it was removed.
    """
    images = {"NewImage": new, "OldImage": old}
    return {
        **MODIFIED,
        "eventID": f"event-{sequence_number}",
        "eventName": _event_name(new, old),
        "dynamodb": {
            "ApproximateCreationDateTime": CREATED_AT + sequence_number % 1000,
            "Keys": encode_item(keys),
            **{name: encode_item({**keys, **image}) for name, image in images.items() if image is not None},
            "SequenceNumber": str(sequence_number),
            "SizeBytes": 32,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": f"arn:aws:dynamodb:us-west-2:112233445566:table/{table}/stream/{enabled_at}",
    }


def record(keys: Mapping[str, object], new: Mapping[str, object] | None = None, **options: Any) -> StreamRecord:
    """Return what a function is given of such a change."""
    return parse_record(raw_record(keys, new, **options))


def invoke(entry_point: EntryPoint, *records: Mapping[str, object]) -> BatchResponse:
    """Invoke a function of a stream or a queue with these records or messages, as Lambda does."""
    return entry_point({"Records": list(records)}, Context())


def _event_name(new: Mapping[str, object] | None, old: Mapping[str, object] | None) -> EventName:
    if new is None:
        return "REMOVE"
    return "INSERT" if old is None else "MODIFY"
