"""Replays of failures on AWS: moto's buckets, queues and streams, and a Lambda of our own, stand in for it."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from werkzeug import Request, Response
from werkzeug.serving import make_server

from aurora_lambda_local.cli.main import main
from aurora_lambda_local.deployed import replay as replay_module
from aurora_lambda_local.deployed.failed_batches import FailedBatch
from aurora_lambda_local.deployed.stack import DeployedStack
from aurora_lambda_local.streams.batches import Batch, Discarded
from aurora_lambda_local.streams.destinations import ensure_bucket
from aurora_lambda_local.streams.dynamodb import DurableDynamoDb
from aurora_lambda_local.streams.failures import FailedInvocation, failure_document, object_document, object_key
from aurora_lambda_local.streams.records import Record
from aurora_lambda_local.streams.store import StreamStore
from tests.local.streams.changes import FUNCTION_ARN, STREAM_ARN, mapping, record
from tests.local.streams.conftest import REGION, make_table

BUCKET, QUEUE = "arn:aws:s3:::failures", f"arn:aws:sqs:{REGION}:123456789012:failures"
NOON = 1795262400.0
UUID = "5f1e0000-0000-4000-8000-000000000000"
Client = Callable[[str], Any]


@dataclass
class FakeLambda:
    """Describes one mapping, and answers invocations by what is in them."""

    destination: str = BUCKET
    pattern: str = "{}"
    refused: str = ""
    given_back: str = ""
    bytes_for: str = ""
    keys: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        if request.method == "GET":
            return self._json(
                {
                    "UUID": request.path.rpartition("/")[2],
                    "FunctionArn": FUNCTION_ARN,
                    "EventSourceArn": STREAM_ARN,
                    "DestinationConfig": {"OnFailure": {"Destination": self.destination}},
                    "FilterCriteria": {"Filters": [{"Pattern": self.pattern}]},
                }
            )
        changes = [each["dynamodb"] for each in json.loads(request.get_data())["Records"]]
        keys = [change["Keys"]["id"]["S"] for change in changes]
        self.keys += keys
        if self.refused in keys:
            response = self._json({"errorMessage": "out of cheese", "errorType": "ValueError"})
            response.headers["X-Amz-Function-Error"] = "Unhandled"
            return response
        if self.bytes_for in keys:
            return Response(b"\xff")
        if self.given_back in keys:
            return self._json({"batchItemFailures": [{"itemIdentifier": changes[0]["SequenceNumber"]}]})
        return self._json(None)

    def _json(self, value: object) -> Response:
        return Response(json.dumps(value), content_type="application/json")


@pytest.fixture
def aws(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLambda]:
    """A stack `dev` with the mapping `items`, on AWS as far as the command can tell."""
    fake = FakeLambda()
    server = make_server("127.0.0.1", 0, Request.application(fake.answer), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    endpoint = client("s3").meta.endpoint_url
    for service in ("S3", "SQS", "DYNAMODB_STREAMS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.server_port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    outputs = {"copyLambdaArn": FUNCTION_ARN, "streamMappings": {"items": UUID}}
    monkeypatch.setattr(replay_module, "select_stack", lambda name: DeployedStack(name, outputs))
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


def fail_into_bucket(client: Client, at: float, *records: Record) -> str:
    """What Lambda writes when these records are given up; the object's key."""
    s3, key = client("s3"), object_key(replace(mapping(), uuid=UUID), at, f"{time.monotonic_ns():x}")
    ensure_bucket("failures", REGION)
    document = object_document(failure(at, *records), records)
    s3.put_object(Bucket="failures", Key=key, Body=json.dumps(document).encode())
    return key


def failure(at: float, *records: Record) -> dict[str, Any]:
    given_up = Discarded(Batch(records, invocations=1), "RetryAttemptsExhausted")
    return failure_document(given_up, FailedInvocation(FUNCTION_ARN, "r-1", "Unhandled"), mapping(), at)


def waiting(client: Client) -> list[str]:
    return [each["Key"] for each in client("s3").list_objects_v2(Bucket="failures").get("Contents", [])]


def test_failures_in_a_bucket_are_replayed_oldest_first_and_removed(
    aws: FakeLambda, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key would go back to an older value, or a failure be replayed again each time."""
    fail_into_bucket(client, NOON + 60, record(30, key="c"))
    fail_into_bucket(client, NOON + 0.9, record(20, key="b"), record(21, key="b2"))
    fail_into_bucket(client, NOON + 0.1, record(10, key="a"))
    aws.bytes_for = "a"
    assert main(["replay", "items", "-s", "dev"]) == 0
    assert aws.keys == ["a", "b", "b2", "c"]
    assert waiting(client) == []
    assert capsys.readouterr().out == "failures replayed: 3, records: 4\n"


def test_objects_that_lambda_has_not_written_are_left_alone(aws: FakeLambda, client: Client) -> None:
    """A folder made in the console, or somebody's note, would end each replay before it begins."""
    key = fail_into_bucket(client, NOON, record(10, key="a"))
    folder = key.rpartition("/")[0]
    foreign = [f"{folder}/", f"{folder}/notes-of-2026-11-21.txt", f"aws/lambda/{UUID}/"]
    for each in foreign:
        client("s3").put_object(Bucket="failures", Key=each, Body=b"")
    assert main(["replay", "items", "-s", "dev"]) == 0
    assert (aws.keys, waiting(client)) == (["a"], sorted(foreign))


def test_what_fails_again_stays_and_the_rest_goes_on(
    aws: FakeLambda, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record would be lost, or one that cannot be mended hold up all the others."""
    raised = fail_into_bucket(client, NOON, record(10, key="a"))
    reported = fail_into_bucket(client, NOON + 1, record(20, key="b"))
    fail_into_bucket(client, NOON + 2, record(30, key="c"))
    aws.refused, aws.given_back = "a", "b"
    assert main(["replay", "items", "-s", "dev"]) == 1
    assert waiting(client) == [raised, reported]
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "2026-11-21T12:00:00.000Z  10 to 10: out of cheese",
        "2026-11-21T12:00:01.000Z  20 to 20: the function gave back 20",
        "failures replayed: 1, records: 1",
    ]
    assert printed.err == "error: failures that failed again, and were kept: 2\n"


def test_a_dry_run_lists_and_touches_nothing(
    aws: FakeLambda, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who only wants to look would replay."""
    key = fail_into_bucket(client, NOON, record(10, key="a"), record(11, key="b"))
    assert main(["replay", "items", "-s", "dev", "--dry-run"]) == 0
    assert (aws.keys, waiting(client)) == ([], [key])
    assert capsys.readouterr().out.splitlines() == [
        "2026-11-21T12:00:00.000Z  RetryAttemptsExhausted  2 records  10 to 11",
        "failures waiting: 1, records: 2",
    ]


def test_only_what_failed_since_a_time_is_replayed(aws: FakeLambda, client: Client) -> None:
    """Old failures that nobody wants any more would come with the new ones."""
    old = fail_into_bucket(client, NOON - 1, record(10, key="a"))
    fail_into_bucket(client, NOON, record(20, key="b"))
    assert main(["replay", "items", "-s", "dev", "--since", "2026-11-21T13:00+01:00"]) == 0
    assert (aws.keys, waiting(client)) == (["b"], [old])


@pytest.mark.slow
def test_failures_in_a_queue_are_read_from_the_stream_again(
    aws: FakeLambda, client: Client, dynamodb: DurableDynamoDb, store: StreamStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """A queue holds only where the records were; what the filters keep from the function would reach it."""
    arn = make_table(dynamodb)
    for key in ("a", "b", "c"):
        dynamodb.request(REGION, "PutItem", TableName="items", Item={"id": {"S": key}, "data": {"B": "AP8="}})
    found = store.read(arn, 0, 10)
    aws.destination, aws.pattern = QUEUE, '{"dynamodb": {"Keys": {"id": {"S": [{"anything-but": ["b"]}]}}}}'
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="failures")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(failure(NOON, found[0], found[2])))
    others = {**failure(NOON, found[1])}
    others["DDBStreamBatchInfo"] = {**others["DDBStreamBatchInfo"], "streamArn": "arn:aws:dynamodb:another"}
    foreign = ["not of Lambda", "[]", json.dumps({"requestContext": {"condition": "RetriesExhausted"}})]
    for body in (json.dumps(others), *foreign):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    assert main(["replay", "items", "-s", "dev"]) == 0
    assert aws.keys == ["a", "c"]
    assert capsys.readouterr().out == "failures replayed: 1, records: 2\n"
    left = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in left] == [json.dumps(others), *foreign]


@pytest.mark.slow
def test_a_replay_that_is_interrupted_hides_no_failure(
    aws: FakeLambda, client: Client, dynamodb: DurableDynamoDb, store: StreamStore
) -> None:
    """The next replay would find none for an hour."""
    arn = make_table(dynamodb)
    dynamodb.request(REGION, "PutItem", TableName="items", Item={"id": {"S": "a"}})
    aws.destination, sqs = QUEUE, client("sqs")
    url = sqs.create_queue(QueueName="failures")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(failure(NOON, *store.read(arn, 0, 10))))

    def interrupt(batches: Iterable[FailedBatch], _: int) -> Iterator[FailedBatch]:
        for number, batch in enumerate(batches):
            if number:
                raise KeyboardInterrupt
            yield batch

    with pytest.raises(KeyboardInterrupt):
        list(replay_module.replay("dev", "items", None, dry_run=False, track=interrupt))
    assert aws.keys == ["a"]
    assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["orders"], "stack 'dev' has no mapping 'orders'; it has items"),
        (
            ["items", "--since", "noon"],
            "--since takes 10m, 2h, 1d or a time such as 2026-11-21T15:00, not 'noon'",
        ),
        (
            ["items"],
            "mapping items has no on-failure destination; only a bucket or a queue keeps failures to be replayed",
        ),
    ],
)
def test_a_replay_that_cannot_be_is_refused_in_words(
    aws: FakeLambda, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """It would look as if nothing had failed."""
    aws.destination = ""
    assert main(["replay", *arguments, "-s", "dev"]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
