"""Functions of records, and what Lambda sees of them."""

import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from aurora_lambda_local.testing.streams import MODIFIED, invoke, raw_record
from aurora_lambda_runtime.database.errors import DatabaseUnavailableError
from aurora_lambda_runtime.handler.entry import EntryPoint
from aurora_lambda_runtime.handler.streams import StreamRecord, batch_handler, stream_handler
from aurora_lambda_runtime.handler.streams.batches import BatchError
from aurora_lambda_runtime.handler.streams.records import RecordError
from tests.images.client import Context

SUCCESS = {"batchItemFailures": []}
EVENT = (
    'event {"Records":[{"eventID":"1a87201789a6e14315b8038ebbd3b99d","eventName":"MODIFY","eventVersion":"1.1",'
    '"eventSource":"aws:dynamodb","awsRegion":"us-west-2","dynamodb":{"ApproximateCreationDateTime":1550272599,'
    '"Keys":{"id":{"S":"1"}},"NewImage":{"name":{"S":"Tung Nguyen"},"id":{"S":"1"}},"OldImage":{"name":{"S":"Tung"},'
    '"id":{"S":"1"}},"SequenceNumber":"261800000000059086429283","SizeBytes":32,"StreamViewType":'
    '"NEW_AND_OLD_IMAGES"},"eventSourceARN":'
    '"arn:aws:dynamodb:us-west-2:112233445566:table/test-table/stream/2019-02-15T23:01:06.871"}]}\n'
)


def raws(*numbers: int) -> list[dict[str, object]]:
    """Return records of one item, numbered so."""
    return [raw_record({"id": "1"}, {"n": number}, sequence_number=number) for number in numbers]


class Numbers:
    """A function that notes the numbers it is given and fails at some of them."""

    def __init__(self, *failing: int, error: Exception | None = None) -> None:
        self.done: list[int] = []
        self._failing = failing
        self._error = error or ValueError("poison")

    def one(self, record: StreamRecord) -> None:
        if record.sequence_number in self._failing:
            raise self._error
        self.done.append(record.sequence_number)

    def batch(self, records: Sequence[StreamRecord]) -> None:
        """All or nothing, as a statement is."""
        if any(record.sequence_number in self._failing for record in records):
            raise self._error
        self.done += [record.sequence_number for record in records]

    def entry_points(self) -> list[EntryPoint]:
        return [stream_handler(self.one), batch_handler(self.batch)]


def test_a_function_of_one_record_is_an_entry_point(capsys: pytest.CaptureFixture[str]) -> None:
    """Five lines are all that an author writes; `event <json>` is what people look for in the log."""
    names = []

    @stream_handler
    def collect(record: StreamRecord) -> None:
        names.append(record.new_image["name"] if record.new_image else None)

    assert invoke(collect, MODIFIED) == SUCCESS
    assert names == ["Tung Nguyen"]
    assert capsys.readouterr().out == EVENT


@pytest.mark.parametrize("kind", [0, 1])
def test_records_are_given_in_the_order_of_the_stream(kind: int) -> None:
    """Changes of one item make sense in one order only."""
    numbers = Numbers()
    assert invoke(numbers.entry_points()[kind], *raws(*range(1, 101))) == SUCCESS
    assert numbers.done == list(range(1, 101))


@pytest.mark.parametrize("kind", [0, 1])
def test_a_batch_fails_as_a_whole_where_lambda_does_not_ask_which_record(
    monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    """Lambda takes any answer of a mapping without `ReportBatchItemFailures` for success: the record would be lost."""
    monkeypatch.setenv("REPORT_BATCH_ITEM_FAILURES", "false")
    entry_point = Numbers(2).entry_points()[kind]
    with pytest.raises(BatchError, match="^the record with the sequence number 2 failed, and the batch with it$"):
        invoke(entry_point, *raws(1, 2, 3))
    assert invoke(entry_point, *raws(1)) == SUCCESS


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("failing", [(1,), (4,), (7,), (2, 5), (6, 7), (1, 2, 3, 4, 5, 6, 7)])
def test_it_stops_at_the_first_failing_record_and_returns_it(kind: int, failing: tuple[int, ...]) -> None:
    """Lambda goes on from the lowest number returned: one done behind it would come again, one missing be lost."""
    numbers = Numbers(*failing)
    answer = invoke(numbers.entry_points()[kind], *raws(*range(1, 8)))
    assert answer == {"batchItemFailures": [{"itemIdentifier": str(failing[0])}]}
    assert numbers.done == list(range(1, failing[0]))


@pytest.mark.parametrize("kind", [0, 1])
def test_a_database_that_is_away_fails_the_invocation(kind: int) -> None:
    """No record is at fault: the function's error count, which alarms watch, says what is wrong."""
    numbers = Numbers(2, error=DatabaseUnavailableError("it may be resuming"))
    with pytest.raises(DatabaseUnavailableError, match="^it may be resuming$"):
        invoke(numbers.entry_points()[kind], *raws(1, 2, 3))


@pytest.mark.parametrize("kind", [0, 1])
def test_an_unreadable_record_is_a_failing_record(kind: int, caplog: pytest.LogCaptureFixture) -> None:
    """One malformed value must not keep those before it from being done."""
    numbers = Numbers()
    first, second, third = raws(1, 2, 3)
    answer = invoke(numbers.entry_points()[kind], first, {**second, "eventName": "NONE"}, third)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert numbers.done == [1]
    assert caplog.messages == [
        "stream record event-2: eventName is 'NONE'; must be one of INSERT, MODIFY, REMOVE; "
        "it and the records after it will be tried again"
    ]


def test_a_record_without_a_sequence_number_fails_the_invocation() -> None:
    """An empty identifier would make Lambda take the whole batch for done, or for failed, as it pleases."""
    numbers = Numbers()
    broken = {**MODIFIED, "dynamodb": {**MODIFIED["dynamodb"], "SequenceNumber": ""}}
    with pytest.raises(RecordError, match="^stream record .*: SequenceNumber is ''; must be the form"):
        invoke(stream_handler(numbers.one), *raws(1), broken)
    assert numbers.done == []


@pytest.mark.parametrize("event", [{}, None, [], {"Records": None}, {"command": "create"}])
def test_an_event_of_another_kind_is_refused(event: object) -> None:
    """Whoever invokes the function by hand learns what it takes."""
    with pytest.raises(RecordError) as refusal:
        stream_handler(Numbers().one)(event, Context())
    assert str(refusal.value) == 'this function takes the events of a DynamoDB stream: {"Records": [...]}'


def test_an_empty_batch_is_a_success() -> None:
    """Lambda sends one at the end of a tumbling window."""
    assert [invoke(each) for each in Numbers(1).entry_points()] == [SUCCESS, SUCCESS]


def test_a_tumbling_window_is_refused_with_what_to_use_instead() -> None:
    """Its state would never reach the function, and an aggregate stay empty without a word."""
    event = {"Records": raws(1, 2), "state": {"sum": 3}, "window": {}, "isFinalInvokeForWindow": False}
    with pytest.raises(BatchError, match=r"^this function would lose the state of a tumbling window: leave out the"):
        stream_handler(Numbers(2).one)(event, Context())


def test_a_function_that_has_to_be_awaited_is_refused_where_it_is_written() -> None:
    """A call of it runs nothing: every record would count as done, and be lost."""

    async def process(record: StreamRecord) -> None:
        raise ValueError(record)

    def generate(records: Sequence[StreamRecord]) -> Iterator[StreamRecord]:
        yield from records

    with pytest.raises(TypeError, match=r"process is an async def, of which a call runs nothing: functions here are"):
        stream_handler(process)
    with pytest.raises(TypeError, match=r"generate is a generator, of which a call runs nothing"):
        batch_handler(generate)


@pytest.mark.parametrize("result", [["1"], False, {"batchItemFailures": []}], ids=str)
def test_a_result_that_is_not_nothing_fails_its_record(result: object) -> None:
    """A function that answers with its failures, as a plain Lambda function does, would have them taken for success."""
    assert invoke(stream_handler(lambda _record: result), *raws(1, 2)) == {
        "batchItemFailures": [{"itemIdentifier": "1"}]
    }


def test_a_function_that_hands_on_something_to_be_awaited_fails_its_record() -> None:
    """A decorator hides an `async def` from whoever looks at the function alone."""

    async def later() -> None:
        return None

    assert invoke(stream_handler(lambda _record: later()), *raws(1)) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_a_failing_record_is_named_in_the_log_with_its_error(caplog: pytest.LogCaptureFixture) -> None:
    """It is where somebody starts to look."""
    invoke(stream_handler(Numbers(2).one), *raws(1, 2))
    assert caplog.messages == [
        "INSERT event-2 of table test-table failed: it and the records after it will be tried again"
    ]
    assert caplog.records[0].exc_text is not None
    assert caplog.records[0].exc_text.endswith("ValueError: poison")


def test_a_function_without_a_database_needs_none() -> None:
    """It may be the only function of a stack that has no database, and neither imports nor connects to one."""
    program = (
        "import sys; import aurora_lambda_runtime.handler.streams; "
        "print({'sqlalchemy', 'psycopg', 'pymysql'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_http_handler_imports_nothing_of_streams() -> None:
    """A cold start that answers a person would pay for it."""
    program = (
        "import sys; import aurora_lambda_runtime.handler.dispatcher; "
        "print([name for name in sys.modules if 'handler.streams' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
