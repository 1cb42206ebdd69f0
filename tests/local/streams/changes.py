"""Records and mappings for the tests of streams."""

from collections.abc import Mapping
from typing import Any

from aurora_lambda_local.streams.mapping import EventSourceMapping, parse_mapping
from aurora_lambda_local.streams.records import Record

STREAM_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/items/stream/2026-01-01T00:00:00.000"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:copy"


def record(number: int, created: float = 1000.0, key: str = "k", text: str = "") -> Record:
    """One change, with this sequence number."""
    image = {"id": {"S": key}, "text": {"S": text}}
    return Record(
        {
            "eventID": f"{number:032x}",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": created,
                "Keys": {"id": {"S": key}},
                "NewImage": image,
                "SequenceNumber": str(number),
                "SizeBytes": 10,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": STREAM_ARN,
        }
    )


def records(*numbers: int, created: float = 1000.0) -> tuple[Record, ...]:
    return tuple(record(number, created) for number in numbers)


def mapping(**inputs: Any) -> EventSourceMapping:
    """A mapping with AWS's defaults, but for what is given in Pulumi's words."""
    given: Mapping[str, Any] = {"eventSourceArn": STREAM_ARN, "functionName": "copy", **inputs}
    return parse_mapping("5f1e", "items", given)
