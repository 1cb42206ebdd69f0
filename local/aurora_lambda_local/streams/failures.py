"""Documents that Lambda writes to an on-failure destination.

Source: AWS Lambda developer guide, "Retain discarded records for a DynamoDB event source in Lambda".
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aurora_lambda_local.streams.batches import Discarded
from aurora_lambda_local.streams.mapping import EventSourceMapping
from aurora_lambda_local.streams.records import SHARD_ID, Record, timestamp


@dataclass(frozen=True)
class FailedInvocation:
    """The last invocation with a batch that is given up; without a request id there was none, as for one too old."""

    function_arn: str
    request_id: str = ""
    function_error: str = ""


def failure_document(
    discarded: Discarded, invocation: FailedInvocation, mapping: EventSourceMapping, now: float
) -> dict[str, Any]:
    """Return the document for a queue or a topic: where the records are in the stream, not what they hold."""
    records = discarded.batch.records
    return {
        "requestContext": {
            "requestId": invocation.request_id or str(uuid.uuid4()),
            "functionArn": invocation.function_arn,
            "condition": discarded.condition,
            "approximateInvokeCount": max(discarded.batch.invocations, 1),
        },
        **_response_context(invocation),
        "version": "1.0",
        "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "DDBStreamBatchInfo": {
            "shardId": SHARD_ID,
            "startSequenceNumber": str(records[0].sequence_number),
            "endSequenceNumber": str(records[-1].sequence_number),
            "approximateArrivalOfFirstRecord": timestamp(records[0].created),
            "approximateArrivalOfLastRecord": timestamp(records[-1].created),
            "batchSize": len(records),
            "streamArn": mapping.stream_arn,
        },
    }


def _response_context(invocation: FailedInvocation) -> dict[str, Any]:
    """Return what the function answered; recorded on AWS, its error is null where its answer named the failures."""
    if not invocation.request_id:
        return {}
    error = invocation.function_error or None
    return {"responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": error}}


def object_document(document: Mapping[str, Any], records: Sequence[Record]) -> dict[str, Any]:
    """Return the document for a bucket: the same, and the whole event as text."""
    return {**document, "payload": json.dumps({"Records": [record.event for record in records]})}


def object_key(mapping: EventSourceMapping, now: float, unique: str) -> str:
    """Return the key of a failure's object; those of one shard sort by time.

    >>> from aurora_lambda_local.streams.mapping import parse_mapping
    >>> inputs = {"eventSourceArn": "arn:aws:dynamodb:r:1:table/t/stream/s", "functionName": "f"}
    >>> object_key(parse_mapping("5f1e", "items", inputs), 1573690399, "c0ffee")
    'aws/lambda/5f1e/shardId-00000001541626099285-f35f62ef/2019/11/14/2019-11-14T00.13.19-c0ffee'
    """
    day = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/{mapping.uuid}/{SHARD_ID}/{day:%Y/%m/%d}/{day:%Y-%m-%dT%H.%M.%S}-{unique}"
