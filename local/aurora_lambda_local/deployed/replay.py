"""Give the records that a mapping has given up to its function again."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from aurora_lambda_local.deployed.failed_batches import FailedBatch, list_failed_batches
from aurora_lambda_local.deployed.stack import StackRequestError, error_message, select_stack
from aurora_lambda_local.deployed.stream_mapping import StreamMapping, find_mapping
from aurora_lambda_local.streams.batches import read_json

# Gets what is worked through and how many there are, and gives it on.
Track = Callable[[Iterable[FailedBatch], int], Iterable[FailedBatch]]


def replay(
    stack: str | None,
    mapping_name: str,
    since: datetime | None,
    *,
    dry_run: bool,
    track: Track = lambda batches, _count: batches,
) -> Iterator[str]:
    """Yield the lines of a replay, oldest failure first; a failure is removed when its records have succeeded.

    With `since`, only those from then on; `track` may show how far it has come.

    Raises:
        UsageError: there is no such stack or mapping.
        StackRequestError: a failure failed again, or AWS refuses.
    """
    try:
        mapping = find_mapping(select_stack(stack), mapping_name)
        count, batches = list_failed_batches(mapping, since)
        yield from _list(batches) if dry_run else _replay(mapping, track(batches, count))
    except (BotoCoreError, ClientError) as error:
        raise StackRequestError(f"the failures of {mapping_name} could not be read: {error}") from None


def _list(batches: Iterator[FailedBatch]) -> Iterator[str]:
    count = records = 0
    for batch in batches:
        count, records = count + 1, records + batch.records
        condition = batch.document["requestContext"]["condition"]
        yield f"{batch.failed_at}  {condition}  {batch.records} records  {batch.first} to {batch.last}"
        batch.keep()
    yield f"failures waiting: {count}, records: {records}"


def _replay(mapping: StreamMapping, batches: Iterable[FailedBatch]) -> Iterator[str]:
    replayed = records = failed = 0
    client = mapping.client("lambda", once=True)
    for batch in batches:
        problem = _try(client, mapping.function_arn, batch)
        if problem:
            batch.keep()
            failed += 1
            yield f"{batch.failed_at}  {batch.first} to {batch.last}: {problem}"
        else:
            batch.remove()
            replayed, records = replayed + 1, records + batch.records
    yield f"failures replayed: {replayed}, records: {records}"
    if failed:
        raise StackRequestError(f"failures that failed again, and were kept: {failed}")


def _try(client: BaseClient, function_arn: str, batch: FailedBatch) -> str:
    """Invoke the function with a batch; the problem, or an empty string."""
    try:
        response = client.invoke(FunctionName=function_arn, Payload=batch.read_event())
    except (StackRequestError, BotoCoreError, ClientError) as error:
        return str(error)
    answer = response["Payload"].read()
    if "FunctionError" in response:
        return error_message(answer.decode())
    result = read_json(answer)
    failures = result.get("batchItemFailures") if isinstance(result, dict) else None
    return f"the function gave back {failures[0]['itemIdentifier']}" if failures else ""
