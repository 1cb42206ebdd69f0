"""Functions of messages, and what Lambda sees of them."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from aurora_lambda_local.testing.queues import raw_message
from aurora_lambda_runtime.database.errors import DatabaseUnavailableError
from aurora_lambda_runtime.handler.queues import Message, MessageError, queue_handler
from tests.images.client import Context


def event(*bodies: str, queue: str = "mail", **more: Any) -> dict[str, Any]:
    """Return an event with these messages, whose ids are their bodies."""
    return {"Records": [raw_message(body, identifier=body, queue=queue) | more for body in bodies]}


class Mail:
    """A function that notes what it is given and fails at some of it."""

    def __init__(self, *failing: str, error: Exception | None = None) -> None:
        self.done: list[str] = []
        self._failing, self._error = failing, error or ValueError("no such address")

    def process(self, message: Message) -> None:
        if message.body in self._failing:
            raise self._error
        self.done.append(message.body)


def failures(answer: Any) -> list[str]:
    assert set(answer) == {"batchItemFailures"}
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def test_a_function_gets_each_message_with_what_it_says() -> None:
    """Three lines are all that an author writes."""
    messages: list[Message] = []

    @queue_handler
    def process(message: Message) -> None:
        messages.append(message)

    attributes = {"kind": {"dataType": "String", "stringValue": "news"}}
    assert failures(process(event('{"to": "ann"}', messageAttributes=attributes), Context())) == []
    (message,) = messages
    assert (message.id, message.body, message.json) == ('{"to": "ann"}', '{"to": "ann"}', {"to": "ann"})
    assert (message.receive_count, message.message_attributes) == (2, attributes)
    assert message.attributes["SentTimestamp"] == "1764410000000"


def test_a_message_that_fails_is_reported_and_the_others_are_done(caplog: pytest.LogCaptureFixture) -> None:
    """One wrong address would send every other mail of the batch again."""
    mail = Mail("b", "c")
    with caplog.at_level(logging.ERROR):
        assert failures(queue_handler(mail.process)(event("a", "b", "c", "d"), Context())) == ["b", "c"]
    assert mail.done == ["a", "d"]
    assert [record.message for record in caplog.records] == [
        "message b failed: it will come again",
        "message c failed: it will come again",
    ]


def test_in_a_fifo_queue_nothing_overtakes_a_message_that_failed() -> None:
    """The later state of an order would be written before the earlier one."""
    mail = Mail("b")
    assert failures(queue_handler(mail.process)(event("a", "b", "c", queue="mail.fifo"), Context())) == ["b", "c"]
    assert mail.done == ["a"]


def test_a_database_error_fails_the_whole_batch() -> None:
    """While a database is away each message of a batch would use up one of its tries by a timeout of its own."""
    mail = Mail("b", error=DatabaseUnavailableError("away"))
    with pytest.raises(DatabaseUnavailableError):
        queue_handler(mail.process)(event("a", "b", "c"), Context())
    assert mail.done == ["a"]


def test_a_result_is_a_failure() -> None:
    """A list of failures that a function returns would be taken for success."""
    assert failures(queue_handler(lambda message: [message.id])(event("a"), Context())) == ["a"]


def test_what_has_yet_to_run_is_refused() -> None:
    """Every message would be deleted and none processed."""

    async def later(message: Message) -> None:
        raise AssertionError(message)

    def generator(message: Message) -> Iterator[str]:
        yield message.body

    for function, kind in ((later, "an async def"), (generator, "a generator")):
        with pytest.raises(TypeError, match=f"is {kind}, of which a call runs nothing"):
            queue_handler(function)


@pytest.mark.parametrize(
    "given", [None, {}, {"Records": [{"eventSource": "aws:dynamodb", "messageId": "a"}]}, {"Records": ["a"]}]
)
def test_another_event_is_refused(given: object) -> None:
    """A function behind the wrong source would drop what it gets."""
    message = r"^this function takes the messages of an SQS queue: \{\"Records\": \[...\]\}$"
    with pytest.raises(MessageError, match=message):
        queue_handler(Mail().process)(given, Context())


def test_a_message_that_lacks_something_fails_alone() -> None:
    """A message that cannot be read would bring the others back with it."""
    mail = Mail()
    given = event("a", "b")
    del given["Records"][0]["attributes"]
    assert failures(queue_handler(mail.process)(given, Context())) == ["a"]
    assert mail.done == ["b"]
