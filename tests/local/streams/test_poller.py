"""Records on their way from a table to a function, with real tables, a real store and a function made of Python."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from aurora_lambda_local.lambda_service.function import InvocationResult, ThrottledError
from aurora_lambda_local.streams import poller as poller_module
from aurora_lambda_local.streams.dynamodb import DurableDynamoDb
from aurora_lambda_local.streams.poller import Poller
from aurora_lambda_local.streams.store import StreamStore
from tests.local.streams.changes import FUNCTION_ARN, mapping, record
from tests.local.streams.conftest import REGION, make_table
from tests.services import PATIENCE_SECONDS, eventually

REPORT = {"functionResponseTypes": ["ReportBatchItemFailures"]}
BUCKET, QUEUE = "arn:aws:s3:::failures", f"arn:aws:sqs:{REGION}:123456789012:failures"
Start = Callable[..., Poller]
Client = Callable[[str], Any]
Restart = Callable[[], StreamStore]


@dataclass
class PythonFunction:
    """A function that answers by `answer`; an exception is a function error."""

    answer: Callable[[dict[str, Any]], object] = lambda _: None
    events: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, payload: bytes) -> InvocationResult:
        event = json.loads(payload)
        with self.lock:
            self.events.append(event)
        try:
            answer = self.answer(event)
        except ValueError as error:
            return InvocationResult("r-1", json.dumps({"errorMessage": str(error)}).encode(), failed=True, log_tail=b"")
        return InvocationResult("r-1", json.dumps(answer).encode(), failed=False, log_tail=b"")

    def batches(self) -> list[list[str]]:
        """The keys in each event so far."""
        with self.lock:
            return [[each["dynamodb"]["Keys"]["id"]["S"] for each in event["Records"]] for event in self.events]

    def has_seen(self, *batches: list[str]) -> bool:
        return eventually(lambda: len(self.batches()) >= len(batches)) and self.batches() == list(batches)


@pytest.fixture
def function() -> PythonFunction:
    return PythonFunction()


@pytest.fixture
def start(dynamodb: DurableDynamoDb, store: StreamStore, function: PythonFunction) -> Iterator[Start]:
    """Starts mappings of the table `items` to `function`; what is given replaces AWS's defaults."""
    started: list[Poller] = []

    def make(
        invoke: Callable[[bytes], InvocationResult] = function, used: StreamStore = store, **inputs: Any
    ) -> Poller:
        started.append(Poller(mapping(**inputs), dynamodb, used, invoke))
        started[-1].start()
        return started[-1]

    yield make
    for poller in started:
        poller.close()


def put(dynamodb: DurableDynamoDb, *keys: str) -> None:
    for key in keys:
        dynamodb.request(REGION, "PutItem", TableName="items", Item={"id": {"S": key}, "at": {"S": str(time.time())}})


def fail_on(*keys: str) -> Callable[[dict[str, Any]], object]:
    """A function that raises when one of these keys is in its event."""

    def answer(event: dict[str, Any]) -> object:
        if any(each["dynamodb"]["Keys"]["id"]["S"] in keys for each in event["Records"]):
            raise ValueError("out of cheese")
        return None

    return answer


def report_on(*keys: str) -> Callable[[dict[str, Any]], object]:
    """A function that gives back the first record with one of these keys."""

    def answer(event: dict[str, Any]) -> object:
        failed = [each["dynamodb"] for each in event["Records"] if each["dynamodb"]["Keys"]["id"]["S"] in keys]
        return {"batchItemFailures": [{"itemIdentifier": each["SequenceNumber"]} for each in failed[:1]]}

    return answer


def test_records_arrive_in_order_whatever_was_written_before(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """TRIM_HORIZON: records from before the mapping would be lost."""
    make_table(dynamodb)
    put(dynamodb, "a", "b")
    start(batchSize=2)
    assert function.has_seen(["a", "b"])
    put(dynamodb, "c")
    assert function.has_seen(["a", "b"], ["c"])
    assert function.events[0]["Records"][0]["eventName"] == "INSERT"


def test_a_mapping_from_latest_gets_only_what_comes_after_it(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """A new function would be flooded with a day of old records."""
    make_table(dynamodb)
    put(dynamodb, "a")
    start(startingPosition="LATEST")
    put(dynamodb, "b")
    assert function.has_seen(["b"])


def test_records_that_no_filter_lets_through_are_passed_by(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction, store: StreamStore
) -> None:
    """A function would be invoked for nothing, or the mapping never come further."""
    arn = make_table(dynamodb)
    poller = start(
        filterCriteria={"filters": [{"pattern": '{"dynamodb": {"Keys": {"id": {"S": [{"prefix": "b"}]}}}}'}]}
    )
    put(dynamodb, "a", "b", "c")
    assert function.has_seen(["b"])
    assert eventually(lambda: poller.status()["position"] == str(store.last_position(arn)))


@pytest.mark.slow
def test_a_window_collects_records_for_one_invocation(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """Many small invocations would hide what a large batch does to the function."""
    make_table(dynamodb)
    start(maximumBatchingWindowInSeconds=3)
    put(dynamodb, "a", "b", "c")
    assert function.has_seen(["a", "b", "c"])


def test_a_failed_batch_blocks_its_shard_until_it_is_given_up(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """Records would overtake the one that fails, or be lost with it."""
    make_table(dynamodb)
    function.answer = fail_on("b")
    put(dynamodb, "a", "b", "c")
    start(batchSize=1, maximumRetryAttempts=2)
    assert function.has_seen(["a"], ["b"], ["b"], ["b"], ["c"])


def test_bisecting_isolates_the_record_that_fails(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction, client: Client
) -> None:
    """Its neighbours would be given up with it; and only it is to be found in the bucket, whole."""
    make_table(dynamodb)
    function.answer = fail_on("c")
    put(dynamodb, *"abcd")
    start(
        maximumRetryAttempts=1,
        bisectBatchOnFunctionError=True,
        destinationConfig={"onFailure": {"destinationArn": BUCKET}},
    )
    assert function.has_seen(["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["c"], ["d"])
    (document,) = objects(client)
    (failed,) = json.loads(document["payload"])["Records"]
    assert failed["dynamodb"]["Keys"] == {"id": {"S": "c"}}
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["functionArn"] == FUNCTION_ARN


def objects(client: Client) -> list[dict[str, Any]]:
    """The documents in the bucket, oldest first."""
    s3 = client("s3")
    assert eventually(lambda: any(each["Name"] == "failures" for each in s3.list_buckets()["Buckets"]))
    found = s3.list_objects_v2(Bucket="failures").get("Contents", [])
    return [json.loads(s3.get_object(Bucket="failures", Key=each["Key"])["Body"].read()) for each in found]


def test_a_reported_record_is_tried_again_and_those_before_it_are_not(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """A handler that is not idempotent would do its work twice here and once on AWS, or the other way round."""
    make_table(dynamodb)
    function.answer = report_on("c")
    put(dynamodb, *"abcd")
    start(maximumRetryAttempts=0, bisectBatchOnFunctionError=True, **REPORT)
    assert function.has_seen(["a", "b", "c", "d"], ["c", "d"], ["c"], ["d"])


def test_a_failure_in_a_queue_survives_until_somebody_takes_it(
    dynamodb: DurableDynamoDb,
    start: Start,
    function: PythonFunction,
    client: Client,
    restart: Restart,
) -> None:
    """A record that was given up would be lost with the process, or come back for ever."""
    make_table(dynamodb)
    function.answer = fail_on("a")
    put(dynamodb, "a")
    poller = start(maximumRetryAttempts=0, destinationConfig={"onFailure": {"destinationArn": QUEUE}})
    assert eventually(lambda: poller.status()["failures"] == 1)
    poller.close()
    store = restart()
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName="failures")["QueueUrl"]
    (message, *others) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    while others:
        others = sqs.receive_message(QueueUrl=url).get("Messages", [])
    assert json.loads(message["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert store.failures(delivered=True) == []
    assert restart().failures(delivered=True) == []


def test_a_function_that_cannot_be_invoked_uses_up_no_retry(dynamodb: DurableDynamoDb, start: Start) -> None:
    """Records would be given up because a function was busy."""
    make_table(dynamodb)
    refusals = iter(range(3))

    class Busy(PythonFunction):
        def __call__(self, payload: bytes) -> InvocationResult:
            for _ in refusals:
                raise ThrottledError("busy")
            return super().__call__(payload)

    busy = Busy()
    put(dynamodb, "a")
    start(invoke=busy, maximumRetryAttempts=0)
    assert busy.has_seen(["a"])


def test_a_record_that_grew_too_old_is_given_up_without_an_invocation(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction, client: Client, store: StreamStore
) -> None:
    """A function that was down for a day would be given what nobody wants any more."""
    store.append(make_table(dynamodb), [record(1, created=time.time() - 61)])
    put(dynamodb, "b")
    start(maximumRecordAgeInSeconds=60, destinationConfig={"onFailure": {"destinationArn": BUCKET}})
    assert function.has_seen(["b"])
    assert [each["requestContext"]["condition"] for each in objects(client)] == ["RecordAgeExceeded"]


def test_lanes_work_side_by_side_and_keep_each_keys_order(dynamodb: DurableDynamoDb, start: Start) -> None:
    """ParallelizationFactor: one slow key would hold up all others, or a key's changes overtake each other."""
    make_table(dynamodb)
    together = threading.Barrier(2, timeout=PATIENCE_SECONDS)
    seen: list[tuple[str, str]] = []

    def answer(event: dict[str, Any]) -> None:
        together.wait()
        seen.extend(
            (each["dynamodb"]["Keys"]["id"]["S"], each["dynamodb"]["SequenceNumber"]) for each in event["Records"]
        )

    # "a" and "c" are in different lanes of two.
    put(dynamodb, "a", "c", "a", "c")
    start(invoke=PythonFunction(answer), parallelizationFactor=2, batchSize=1)
    assert eventually(lambda: len(seen) == 4)
    for key in "ac":
        numbers = [number for each, number in seen if each == key]
        assert numbers == sorted(numbers)


@pytest.mark.slow
def test_a_tumbling_window_hands_on_its_state_and_ends(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """Sums over a window would start again with each batch, or never be final."""
    make_table(dynamodb)
    function.answer = lambda event: {"state": {"sum": event["state"].get("sum", 0) + len(event["Records"])}}
    put(dynamodb, "a", "b")
    start(batchSize=1, tumblingWindowInSeconds=1)
    assert eventually(lambda: any(event["isFinalInvokeForWindow"] for event in function.events))
    finals = [event for event in function.events if event["isFinalInvokeForWindow"]]
    assert sum(event["state"]["sum"] for event in finals[:1]) in (1, 2)
    assert finals[0]["Records"] == []


def test_a_window_that_the_mapping_no_longer_has_is_forgotten(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """A function that takes no windows asks to leave them out, and would get them all the same, for ever."""
    make_table(dynamodb)
    function.answer = lambda event: {"state": {}} if "window" in event else None
    windowed = start(tumblingWindowInSeconds=900)
    put(dynamodb, "a")
    assert eventually(lambda: windowed.status()["oldestRecordAge"] is None)
    windowed.close()
    put(dynamodb, "b")
    start()
    assert function.has_seen(["a"], ["b"])
    assert ["window" in event for event in function.events] == [True, False]


def test_an_answer_that_is_no_json_does_not_end_the_mapping(dynamodb: DurableDynamoDb, start: Start) -> None:
    """A function that returns bytes would get no record any more."""
    make_table(dynamodb)
    received: list[bytes] = []

    def answer_bytes(payload: bytes) -> InvocationResult:
        received.append(payload)
        return InvocationResult("r-1", b"\xff", failed=False, log_tail=b"")

    started = start(invoke=answer_bytes)
    put(dynamodb, "a")
    assert eventually(lambda: len(received) == 1 and started.status()["oldestRecordAge"] is None)
    assert started.status()["state"] == "Enabled"


def test_a_mapping_that_has_failed_is_made_anew_by_the_next_up(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stay as it is, and its records wait, until somebody changes the mapping."""
    told: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda ended: told.append(repr(ended.exc_value)))
    make_table(dynamodb)
    mended = threading.Event()

    def answer(_: object) -> None:
        if not mended.is_set():
            raise OSError("no space left on device")

    function.answer = answer
    failed = start()
    assert failed.alive()
    put(dynamodb, "a")
    assert eventually(lambda: not failed.alive())
    assert failed.status()["state"] == "Failed"
    assert told == ["OSError('no space left on device')"]
    mended.set()
    assert start().alive()
    assert function.has_seen(["a"], ["a"])


def test_a_disabled_mapping_invokes_nothing_and_forgets_nothing(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """Records written while it is off are what it is switched on for."""
    make_table(dynamodb)
    off = start(enabled=False)
    put(dynamodb, "a")
    status = off.status()
    assert (status["state"], function.batches()) == ("Disabled", [])
    assert status["oldestRecordAge"] is not None
    start()
    assert function.has_seen(["a"])


def test_a_mapping_goes_on_where_it_was_killed(
    dynamodb: DurableDynamoDb, restart: Restart, start: Start, function: PythonFunction
) -> None:
    """Records would be lost, or all of the day's delivered again, after each restart."""
    make_table(dynamodb)
    put(dynamodb, "a")
    first = start()
    assert function.has_seen(["a"])
    assert eventually(lambda: first.status()["oldestRecordAge"] is None)
    first.close()
    put(dynamodb, "b")
    second = start(used=restart())
    assert function.has_seen(["a"], ["b"])
    # Before its store is closed.
    second.close()


def test_another_number_of_lanes_loses_nothing(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction
) -> None:
    """Keys move to other lanes: what one lane had not reached yet would be passed by."""
    make_table(dynamodb)
    put(dynamodb, "a")
    start(parallelizationFactor=3).close()
    put(dynamodb, "b", "c", "d")
    start(parallelizationFactor=2)
    assert eventually(lambda: {key for batch in function.batches() for key in batch} >= set("bcd"))


def test_an_invocation_that_outlives_its_mapping_is_delivered_again(
    dynamodb: DurableDynamoDb, start: Start, function: PythonFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed store would be written to; and the next mapping would start in the middle of it."""
    monkeypatch.setattr(poller_module, "STOP_SECONDS", 0.0)
    make_table(dynamodb)
    put(dynamodb, "a")
    release, ended = threading.Event(), threading.Event()

    def answer(_: object) -> None:
        release.wait(PATIENCE_SECONDS)
        ended.set()

    slow = PythonFunction(answer)
    stopped = start(invoke=slow)
    assert slow.has_seen(["a"])
    stopped.close()
    release.set()
    assert ended.wait(PATIENCE_SECONDS)
    start()
    assert function.has_seen(["a"])


@pytest.mark.slow
def test_a_window_ends_once(dynamodb: DurableDynamoDb, start: Start, function: PythonFunction) -> None:
    """Its sum would be counted again by each start of the stack."""
    make_table(dynamodb)
    function.answer = lambda event: {"state": {"sum": len(event["Records"])}}
    put(dynamodb, "a")
    first = start(tumblingWindowInSeconds=1)
    assert function.has_seen(["a"], [])
    first.close()
    put(dynamodb, "b")
    start(tumblingWindowInSeconds=1)
    assert function.has_seen(["a"], [], ["b"], [])


@pytest.mark.slow
def test_the_end_of_a_window_that_outlives_its_mapping_comes_again(
    dynamodb: DurableDynamoDb, start: Start, store: StreamStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mapping after it would go back to where this one was, or go on without the window's state."""
    monkeypatch.setattr(poller_module, "STOP_SECONDS", 0.0)
    arn = make_table(dynamodb)
    put(dynamodb, "a")
    release, ended = threading.Event(), threading.Event()

    def answer(event: dict[str, Any]) -> object:
        if event["isFinalInvokeForWindow"]:
            release.wait(PATIENCE_SECONDS)
            ended.set()
        return {"state": {"sum": 1}}

    slow = PythonFunction(answer)
    stopped = start(invoke=slow, tumblingWindowInSeconds=1)
    assert eventually(lambda: len(slow.events) == 2)
    kept = store.checkpoints(stopped.mapping.uuid, arn)
    stopped.close()
    release.set()
    assert ended.wait(PATIENCE_SECONDS)
    assert eventually(lambda: stopped.status()["state"] == "Failed")
    assert store.checkpoints(stopped.mapping.uuid, arn) == kept
    assert kept[0].window is not None
    assert kept[0].window[1] == {"sum": 1}


@pytest.mark.slow
def test_nothing_is_lost_among_ten_thousand_changes(
    dynamodb: DurableDynamoDb, start: Start, store: StreamStore
) -> None:
    """The promise of it all: what is in the table arrives or is to be found in full, and no key goes back."""
    arn = make_table(dynamodb)
    random = Random(6)
    copy: dict[str, tuple[int, str]] = {}
    crashed: set[int] = set()

    def answer(event: dict[str, Any]) -> object:
        for change in (each["dynamodb"] for each in event["Records"]):
            number, key, text = _content(change)
            if "poison" in text:
                return {"batchItemFailures": [{"itemIdentifier": change["SequenceNumber"]}]}
            if number % 499 == 0 and number not in crashed:
                crashed.add(number)
                raise ValueError("killed with half a batch done")
            # Again after a crash, but never older than what was there before the batch.
            copy[key] = max(copy.get(key, (0, "")), (number, text))
        return None

    for round_number in range(400):
        keys = random.sample(range(500), 25)
        texts = {key: f"{round_number}{' poison' if random.random() < 0.01 else ''}" for key in keys}
        items = [{"id": {"S": f"k{key}"}, "text": {"S": text}} for key, text in texts.items()]
        dynamodb.request(REGION, "BatchWriteItem", RequestItems={"items": [{"PutRequest": {"Item": i}} for i in items]})
    poller = start(
        invoke=PythonFunction(answer),
        maximumRetryAttempts=1,
        bisectBatchOnFunctionError=True,
        destinationConfig={"onFailure": {"destinationArn": BUCKET}},
        **REPORT,
    )
    assert eventually(lambda: poller.status()["position"] == str(store.last_position(arn)))

    changes = [each.event["dynamodb"] for each in store.read(arn, 0, 20_000)]
    assert len(changes) == 10_000
    assert len(crashed) >= 10
    poison = [each["SequenceNumber"] for each in changes if "poison" in _content(each)[2]]
    given_up = [json.loads(json.loads(each.document)["payload"]) for each in store.failures(delivered=True)]
    records = [each["dynamodb"] for document in given_up for each in document["Records"]]
    assert [each["SequenceNumber"] for each in records] == poison
    for number, key, text in map(_content, records):
        copy[key] = max(copy.get(key, (0, "")), (number, text))
    assert copy == {key: (number, text) for number, key, text in map(_content, changes)}


def _content(change: Mapping[str, Any]) -> tuple[int, str, str]:
    """A change's sequence number, key and text."""
    return int(change["SequenceNumber"]), change["Keys"]["id"]["S"], change["NewImage"]["text"]["S"]
