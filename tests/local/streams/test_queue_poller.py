"""Messages on their way from a queue to a function, with moto's queues and a function made of Python."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from aurora_lambda_local.lambda_service.function import InvocationResult, ThrottledError
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.streams import queue_poller
from aurora_lambda_local.streams.queue_poller import QueuePoller, delete, parse_queue_mapping, reported
from tests.local.streams.conftest import REGION
from tests.services import PATIENCE_SECONDS, eventually

ARN = f"arn:aws:sqs:{REGION}:123456789012:mail"
LETTERS = f"arn:aws:sqs:{REGION}:123456789012:letters"
FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:mail"
REPORT = {"functionResponseTypes": ["ReportBatchItemFailures"]}


@dataclass
class Mail:
    """A function that answers by `answer`, which gets the messages; an exception is a function error."""

    answer: Callable[[list[dict[str, Any]]], object] = lambda _: None
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, payload: bytes) -> InvocationResult:
        records = json.loads(payload)["Records"]
        with self.lock:
            self.batches.append(records)
        try:
            answer = self.answer(records)
        except ValueError:
            return InvocationResult("r-1", b'{"errorMessage": "no"}', failed=True, log_tail=b"")
        return InvocationResult("r-1", json.dumps(answer).encode(), failed=False, log_tail=b"")

    def bodies(self) -> list[str]:
        with self.lock:
            return sorted(record["body"] for batch in self.batches for record in batch)


@pytest.fixture
def sqs() -> Iterator[SQSBackend]:
    """The queue `mail`, whose messages go to `letters` after two tries, and are tried again after a second."""
    backend = sqs_backends[DEFAULT_ACCOUNT_ID][REGION]
    backend.reset()
    backend.create_queue("letters")
    redrive = json.dumps({"deadLetterTargetArn": LETTERS, "maxReceiveCount": 2})
    backend.create_queue("mail")
    backend.set_queue_attributes("mail", {"VisibilityTimeout": "1", "RedrivePolicy": redrive})
    yield backend
    backend.reset()


Start = Callable[..., QueuePoller]


@pytest.fixture
def start(sqs: SQSBackend) -> Iterator[Start]:
    """Starts mappings of `mail` to a function."""
    assert sqs
    started: list[QueuePoller] = []

    def make(function: Callable[[bytes], InvocationResult], **inputs: Any) -> QueuePoller:
        mapping = parse_queue_mapping({"eventSourceArn": ARN, "functionName": FUNCTION, **REPORT, **inputs})
        started.append(QueuePoller(mapping, function))
        started[-1].start()
        return started[-1]

    yield make
    for poller in started:
        poller.close()


def empty(sqs: SQSBackend, name: str = "mail") -> bool:
    queue = sqs.get_queue(name)
    return queue.approximate_number_of_messages + queue.approximate_number_of_messages_not_visible == 0


def test_a_message_is_delivered_as_lambda_does_and_deleted(sqs: SQSBackend, start: Start) -> None:
    """A function that works here would find another event on AWS, or each message again and again."""
    mail = Mail()
    poller = start(mail)
    attributes = {
        "kind": {"DataType": "String", "StringValue": "news"},
        "stamp": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = sqs.send_message("mail", "hello", attributes)
    assert eventually(lambda: mail.bodies() == ["hello"])
    assert eventually(lambda: empty(sqs))
    ((record,),) = mail.batches
    assert {**record, "receiptHandle": "", "attributes": {}} == {
        "messageId": sent.id,
        "receiptHandle": "",
        "body": "hello",
        "attributes": {},
        "messageAttributes": {
            "kind": {"dataType": "String", "stringValue": "news"},
            "stamp": {"dataType": "Binary", "binaryValue": "AP8="},
        },
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": REGION,
    }
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert poller.status() == {
        "state": "Enabled",
        "function": FUNCTION,
        "queue": "mail",
        "waiting": 0,
        "inWork": 0,
        "deadLetters": 0,
    }


def test_a_batch_has_ten_messages_at_most(sqs: SQSBackend, start: Start) -> None:
    """A function that is slow would be given more than it has time for."""
    for number in range(25):
        sqs.send_message("mail", f"{number:02d}")
    mail = Mail()
    start(mail)
    assert eventually(lambda: mail.bodies() == [f"{number:02d}" for number in range(25)])
    assert sorted(map(len, mail.batches)) == [5, 10, 10]


def test_a_window_waits_for_a_batch_to_fill(sqs: SQSBackend, start: Start) -> None:
    """A function of large batches would be invoked for each message."""
    for number in range(12):
        sqs.send_message("mail", f"{number:02d}")
    mail = Mail()
    start(mail, batchSize=12, maximumBatchingWindowInSeconds=30)
    assert eventually(lambda: [len(batch) for batch in mail.batches] == [12])


@pytest.mark.slow
def test_what_a_function_reports_comes_again_and_ends_in_the_dead_letters(sqs: SQSBackend, start: Start) -> None:
    """A poisonous message would be tried for ever, or take the others with it."""

    def poison(records: list[dict[str, Any]]) -> object:
        failed = [record["messageId"] for record in records if record["body"] == "poison"]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}

    mail = Mail(poison)
    poller = start(mail)
    for body in ("a", "poison", "b"):
        sqs.send_message("mail", body)
    assert eventually(lambda: poller.status()["deadLetters"] == 1)
    assert mail.bodies() == ["a", "b", "poison", "poison"]
    assert [message.body for message in sqs.get_queue("letters").messages] == ["poison"]
    assert empty(sqs)


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["error", "throttled"])
def test_a_batch_whose_function_fails_comes_again(sqs: SQSBackend, start: Start, failure: str) -> None:
    """Messages would be lost with the first error, or with a function that is busy."""
    failures = iter([True, False])

    def fail_once(_: list[dict[str, Any]]) -> None:
        if next(failures):
            raise ThrottledError("busy") if failure == "throttled" else ValueError

    mail = Mail(fail_once)
    sqs.send_message("mail", "a")
    start(mail)
    assert eventually(lambda: mail.bodies() == ["a", "a"])
    assert eventually(lambda: empty(sqs))
    assert empty(sqs, "letters")


def test_without_partial_answers_what_a_function_returns_counts_for_nothing(sqs: SQSBackend, start: Start) -> None:
    """Lambda deletes the whole batch then, and a function that relies on its answer would lose messages."""
    mail = Mail(lambda records: {"batchItemFailures": [{"itemIdentifier": records[0]["messageId"]}]})
    sqs.send_message("mail", "a")
    start(mail, functionResponseTypes=[])
    assert eventually(lambda: mail.bodies() == ["a"] and empty(sqs))


def test_a_message_of_a_fifo_queue_says_its_place(sqs: SQSBackend, start: Start) -> None:
    """A function that reads them would find them on AWS alone."""
    sqs.create_queue("orders.fifo")
    sqs.set_queue_attributes("orders.fifo", {"FifoQueue": "true"})
    sent = sqs.send_message("orders.fifo", "one", group_id="g", deduplication_id="d")
    mail = Mail()
    start(mail, eventSourceArn=f"{ARN.rpartition(':')[0]}:orders.fifo")
    assert eventually(lambda: mail.bodies() == ["one"])
    place = {"MessageGroupId": "g", "MessageDeduplicationId": "d", "SequenceNumber": sent.sequence_number}
    assert place.items() <= mail.batches[0][0]["attributes"].items()


@pytest.mark.slow
def test_messages_of_a_fifo_queue_come_again_in_their_order(sqs: SQSBackend, start: Start) -> None:
    """The last of a batch that fails once would overtake the others: a withdrawal before its deposit."""
    sqs.create_queue("orders.fifo")
    sqs.set_queue_attributes("orders.fifo", {"FifoQueue": "true", "VisibilityTimeout": "1"})
    failures = iter([True])

    def fail_once(_: list[dict[str, Any]]) -> None:
        if next(failures, False):
            raise ValueError

    for body in "abcd":
        sqs.send_message("orders.fifo", body, group_id="g", deduplication_id=body)
    mail = Mail(fail_once)
    start(mail, eventSourceArn=f"{ARN.rpartition(':')[0]}:orders.fifo")
    assert eventually(lambda: mail.bodies() == list("aabbccdd"))
    assert [record["body"] for batch in mail.batches for record in batch] == list("abcdabcd")


def test_a_message_costs_the_same_whatever_waits_behind_it(
    sqs: SQSBackend, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some hundreds of messages would take minutes: moto counts all of them three times for each that it gives."""
    counted: list[Queue] = []
    sqs.send_message("mail", "a")
    monkeypatch.setattr(Queue, "approximate_number_of_messages", property(counted.append))
    mail = Mail()
    start(mail)
    assert eventually(lambda: mail.bodies() == ["a"] and not sqs.get_queue("mail").pending_messages)
    assert counted == []


def test_messages_are_deleted_one_beside_the_other(sqs: SQSBackend) -> None:
    """Of batches that end together, moto would keep messages that are done, and lose those sent meanwhile."""
    queue = sqs.get_queue("mail")
    done, sent = ([cast(Message, Message(f"{kind} {each}", "")) for each in range(500)] for kind in ("done", "sent"))
    for message in done:
        queue.add_message(message)
    with ThreadPoolExecutor(5) as pool:
        for of_both in zip(done, sent, strict=True):
            pool.submit(delete, queue, of_both[0])
            pool.submit(queue.add_message, of_both[1])
    assert {message.id for message in queue.messages} == {message.id for message in sent}


@pytest.mark.parametrize("fifo", [False, True])
def test_all_dead_letters_are_put_back_at_once(sqs: SQSBackend, start: Start, fifo: bool) -> None:
    """Received by tens, hundreds came again before the last had come, for ever; and of a FIFO queue came only ten."""
    mail, letters = ("mail.fifo", "letters.fifo") if fifo else ("mail", "letters")
    arn = ARN.replace("mail", mail)
    if fifo:
        for name in (letters, mail):
            sqs.create_queue(name, FifoQueue="true", ContentBasedDeduplication="true")
        redrive = {"deadLetterTargetArn": LETTERS.replace("letters", letters), "maxReceiveCount": 2}
        sqs.set_queue_attributes(mail, {"RedrivePolicy": json.dumps(redrive)})
    for number in range(25):
        sqs.send_message(letters, f"{number:02d}", group_id="g" if fifo else None)
    function = Mail()
    poller = start(function, eventSourceArn=arn)
    assert poller.redrive() == 25
    assert eventually(lambda: function.bodies() == [f"{number:02d}" for number in range(25)])
    assert {record["attributes"]["ApproximateReceiveCount"] for batch in function.batches for record in batch} == {"1"}
    assert empty(sqs, letters)


def test_a_mapping_that_is_closed_takes_no_more_messages(
    sqs: SQSBackend, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is disabled, or goes to another function, would deliver once more as soon as a batch ends."""
    monkeypatch.setattr(queue_poller, "STOP_SECONDS", 0.0)
    release = threading.Event()
    mail = Mail(lambda _: release.wait(PATIENCE_SECONDS) and None)
    poller = start(mail, batchSize=1, scalingConfig={"maximumConcurrency": 1})
    sqs.send_message("mail", "a")
    assert eventually(lambda: mail.bodies() == ["a"])
    sqs.send_message("mail", "b")
    poller.close()
    release.set()
    assert eventually(lambda: not poller.alive())
    assert mail.bodies() == ["a"]
    assert sqs.get_queue("mail").approximate_number_of_messages == 1


def test_a_disabled_mapping_leaves_messages_alone(sqs: SQSBackend, start: Start) -> None:
    """Messages that are held back would be processed."""
    mail = Mail()
    poller = start(mail, enabled=False)
    sqs.send_message("mail", "a")
    assert (poller.alive(), poller.status()["state"], poller.status()["waiting"]) == (True, "Disabled", 1)
    assert mail.batches == []


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ("null", set()),
        ("{}", set()),
        ('{"batchItemFailures": []}', set()),
        ('{"batchItemFailures": null}', set()),
        ('{"batchItemFailures": [{"itemIdentifier": "a"}]}', {"a"}),
        ('{"batchItemFailures": [{"itemIdentifier": ""}]}', {"a", "b"}),
        ('{"batchItemFailures": [{"itemIdentifier": null}]}', {"a", "b"}),
        ('{"batchItemFailures": [{"identifier": "a"}]}', {"a", "b"}),
        ('{"batchItemFailures": [{"itemIdentifier": "c"}]}', {"a", "b"}),
        ('{"batchItemFailures": "a"}', {"a", "b"}),
        ("bytes", {"a", "b"}),
    ],
)
def test_an_answer_is_read_as_lambda_reads_it(answer: str, failed: set[str]) -> None:
    """A misspelt answer would delete messages here, and bring all of them back on AWS."""
    assert reported(answer.encode(), {"a", "b"}) == failed


def test_a_large_batch_without_a_window_is_refused() -> None:
    """AWS would refuse the mapping."""
    with pytest.raises(UsageError) as refused:
        parse_queue_mapping({"eventSourceArn": ARN, "functionName": FUNCTION, "batchSize": 11})
    assert str(refused.value) == "batchSize is 11; above 10 it needs maximumBatchingWindowInSeconds"
