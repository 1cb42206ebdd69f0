"""The batches that a mapping has given up, as Lambda's documents in its bucket or queue tell of them."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from aurora_lambda_local.deployed.stack import StackRequestError
from aurora_lambda_local.deployed.stream_mapping import StreamMapping
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.streams.batches import read_json
from aurora_lambda_local.streams.filters import parse_filters

# Messages are hidden from others while their records are given to the function.
VISIBILITY_SECONDS = 3600
MAX_MESSAGES = 10
MAX_EMPTY_PAGES = 20
# How the key of an object ends that Lambda has written; others may be in the bucket, such as a folder's own.
_OBJECT = re.compile(r".*/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[^/]+")


@dataclass(frozen=True)
class FailedBatch:
    """Records that were given up; `read_event` returns them as the function's event."""

    document: Mapping[str, Any]
    read_event: Callable[[], str]
    remove: Callable[[], None]
    keep: Callable[[], None]

    @property
    def failed_at(self) -> str:
        """When they were given up, as ISO 8601 in UTC."""
        return str(self.document["timestamp"])

    @property
    def records(self) -> int:
        """How many records it has."""
        return int(self.document["DDBStreamBatchInfo"]["batchSize"])

    @property
    def first(self) -> int:
        """The sequence number of the first record."""
        return int(self.document["DDBStreamBatchInfo"]["startSequenceNumber"])

    @property
    def last(self) -> int:
        """The sequence number of the last record."""
        return int(self.document["DDBStreamBatchInfo"]["endSequenceNumber"])


def list_failed_batches(mapping: StreamMapping, since: datetime | None) -> tuple[int, Iterator[FailedBatch]]:
    """Return how many batches wait in a mapping's destination, and the batches, oldest first.

    Raises:
        UsageError: the destination keeps no failures.
        ClientError: the destination cannot be read.
    """
    *_, service, _, _, name = (mapping.destination or ":::::").split(":")
    if service == "s3":
        return _in_bucket(mapping, name, since)
    if service == "sqs":
        return _in_queue(mapping, name, since)
    kept = f"goes to {mapping.destination}" if mapping.destination else "has no on-failure destination"
    raise UsageError(f"mapping {mapping.name} {kept}; only a bucket or a queue keeps failures to be replayed")


def _in_bucket(mapping: StreamMapping, bucket: str, since: datetime | None) -> tuple[int, Iterator[FailedBatch]]:
    client = mapping.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"aws/lambda/{mapping.uuid}/")
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    start = f"{since:%Y-%m-%dT%H.%M.%S}" if since else ""
    recent = sorted(
        (key for key in keys if _OBJECT.fullmatch(key) and _failed_second(key) >= start), key=_failed_second
    )
    return len(recent), _read_objects(client, bucket, recent)


def _failed_second(key: str) -> str:
    """Return the time in an object's key, `YYYY-MM-DDTHH.MM.SS`."""
    return key.rpartition("/")[2][: len("YYYY-MM-DDTHH.MM.SS")]


def _read_objects(client: BaseClient, bucket: str, keys: Sequence[str]) -> Iterator[FailedBatch]:
    for _, same_second in groupby(keys, key=_failed_second):
        batches = [_read_object(client, bucket, key) for key in same_second]
        yield from sorted(batches, key=lambda batch: (batch.failed_at, batch.first))


def _read_object(client: BaseClient, bucket: str, key: str) -> FailedBatch:
    document = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    return FailedBatch(
        document,
        lambda: str(document["payload"]),
        lambda: client.delete_object(Bucket=bucket, Key=key),
        lambda: None,
    )


def _in_queue(mapping: StreamMapping, name: str, since: datetime | None) -> tuple[int, Iterator[FailedBatch]]:
    client = mapping.client("sqs")
    url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=mapping.destination.split(":")[4])["QueueUrl"]
    streams, batches = mapping.client("dynamodbstreams"), []
    # All of them first: what is kept can be received again.
    for message in list(_receive_all(client, url)):
        batch = _read_message(mapping, streams, client, url, message)
        theirs = batch.document.get("DDBStreamBatchInfo", {}).get("streamArn") != mapping.stream_arn
        if theirs or (since and datetime.fromisoformat(batch.failed_at) < since):
            batch.keep()
        else:
            batches.append(batch)
    return len(batches), _each(sorted(batches, key=lambda batch: (batch.failed_at, batch.first)))


def _each(batches: Iterable[FailedBatch]) -> Iterator[FailedBatch]:
    """Yield batches; where a replay is interrupted, those that are not done can be received again at once."""
    left = list(batches)
    try:
        while left:
            yield left[0]
            del left[0]
    finally:
        for batch in left:
            batch.keep()


def _receive_all(client: BaseClient, url: str) -> Iterator[Mapping[str, Any]]:
    while messages := client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=MAX_MESSAGES, VisibilityTimeout=VISIBILITY_SECONDS, WaitTimeSeconds=1
    ).get("Messages"):
        yield from messages


def _read_message(
    mapping: StreamMapping, streams: BaseClient, client: BaseClient, url: str, message: Mapping[str, Any]
) -> FailedBatch:
    content, handle = read_json(message["Body"].encode()), message["ReceiptHandle"]
    # Others may send messages there too.
    document: Mapping[str, Any] = content if isinstance(content, dict) else {}
    return FailedBatch(
        document,
        lambda: _read_stream(mapping, streams, document["DDBStreamBatchInfo"]),
        lambda: client.delete_message(QueueUrl=url, ReceiptHandle=handle),
        lambda: client.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0),
    )


def _read_stream(mapping: StreamMapping, client: BaseClient, batch: Mapping[str, Any]) -> str:
    """Return the event for records of which a queue holds only the place in the stream.

    Raises:
        StackRequestError: the stream does not have them any more.
    """
    matches = parse_filters(mapping.filters)
    try:
        iterator = client.get_shard_iterator(
            StreamArn=mapping.stream_arn,
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
        found = [_event_record(mapping, each) for each in _records(client, iterator, int(batch["endSequenceNumber"]))]
    except ClientError as error:
        raise StackRequestError(f"the stream does not give the records, which it keeps for a day: {error}") from None
    records = [record for record in found if matches(record)]
    if len(records) < batch["batchSize"]:
        raise StackRequestError(f"the stream has {len(records)} of the {batch['batchSize']} records")
    return json.dumps({"Records": records})


def _records(client: BaseClient, iterator: str | None, last: int) -> Iterator[Mapping[str, Any]]:
    """Yield the records from an iterator to a sequence number; there may be pages without any before it."""
    empty_pages = 0
    while iterator and empty_pages < MAX_EMPTY_PAGES:
        page = client.get_records(ShardIterator=iterator)
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in page["Records"]]
        yield from (record for record, number in zip(page["Records"], numbers, strict=True) if number <= last)
        if numbers and numbers[-1] >= last:
            return
        empty_pages = 0 if numbers else empty_pages + 1
        iterator = page.get("NextShardIterator")


def _event_record(mapping: StreamMapping, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as Lambda hands it over: bytes in base64, times in seconds."""
    return json.loads(json.dumps({**record, "eventSourceARN": mapping.stream_arn}, default=_plain))


def _plain(value: object) -> str | int:
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"a stream record cannot hold {value!r}")
