"""When a schedule is due, and what it does then: with a clock that the test moves."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_local.streams.schedule import RunningSchedule, next_due, parse_schedule
from aurora_lambda_local.streams.store import StreamStore
from tests.services import eventually

ARN = "default/purge"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:purge"
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
MINUTE = 60


class Clock:
    """A clock that stands still until it is moved, and a function that tells what it was invoked with."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.payloads: list[bytes] = []
        self.failures: list[str] = []
        self.reads = threading.Semaphore(0)

    def __call__(self) -> float:
        self.reads.release()
        return self.now

    def invoke(self, payload: bytes) -> str:
        self.payloads.append(payload)
        error = self.failures.pop(0) if self.failures else ""
        if error == "gone":
            raise LocalError("there is no function 'purge'")
        return error

    def move(self, seconds: float) -> None:
        self.now += seconds

    def invoked(self, times: int) -> bool:
        """Whether the function has been invoked so often, and is not again while the clock stands."""
        if not eventually(lambda: len(self.payloads) >= times):
            return False
        while self.reads.acquire(blocking=False):
            pass
        for _ in range(8):
            self.reads.acquire()
        return len(self.payloads) == times


@pytest.fixture
def clock() -> Clock:
    return Clock()


Start = Callable[..., RunningSchedule]


@pytest.fixture
def start(clock: Clock, store: StreamStore) -> Iterator[Start]:
    """Starts schedules of `purge`; what is given replaces a rate of a minute."""
    started: list[RunningSchedule] = []

    def make(**inputs: Any) -> RunningSchedule:
        given = {"scheduleExpression": "rate(1 minute)", "target": {"arn": FUNCTION, "input": '{"all": true}'}}
        definition = parse_schedule(ARN, {**given, **inputs})
        started.append(RunningSchedule(definition, store, clock.invoke, clock, tick=0.001))
        started[-1].start()
        return started[-1]

    yield make
    for schedule in started:
        schedule.close()


def test_a_rate_invokes_the_function_an_interval_later_and_so_on(clock: Clock, start: Start) -> None:
    """A purge would never run here, or in the moment it is deployed."""
    schedule = start()
    assert clock.invoked(0)
    clock.move(MINUTE)
    assert clock.invoked(1)
    clock.move(MINUTE)
    assert clock.invoked(2)
    assert set(clock.payloads) == {b'{"all": true}'}
    assert schedule.status() == {
        "state": "ENABLED",
        "function": FUNCTION,
        "expression": "rate(1 minute)",
        "next": "2026-03-01T12:03:00+00:00",
        "last": "2026-03-01T12:02:00+00:00",
        "error": "",
    }


def test_what_was_due_while_the_stack_was_down_runs_once(clock: Clock, start: Start) -> None:
    """A nightly job would never run on a laptop that is closed at night, or run a thousand times in the morning."""
    start().close()
    clock.move(1000 * MINUTE + 30)
    schedule = start()
    assert clock.invoked(1)
    assert schedule.status()["next"] == "2026-03-02T04:41:00+00:00"


def test_another_expression_begins_anew(clock: Clock, start: Start) -> None:
    """A schedule made rarer would run once more at its old time."""
    start().close()
    clock.move(2 * MINUTE)
    schedule = start(scheduleExpression="rate(1 hour)")
    assert clock.invoked(0)
    assert schedule.status()["next"] == "2026-03-01T13:02:00+00:00"


def test_a_moment_comes_once(clock: Clock, start: Start) -> None:
    """A single run would be repeated at each start of the stack."""
    moment = {"scheduleExpression": "at(2026-03-01T13:01:00)", "scheduleExpressionTimezone": "Europe/Berlin"}
    schedule = start(**moment)
    clock.move(MINUTE)
    assert clock.invoked(1)
    schedule.close()
    clock.move(MINUTE)
    assert start(**moment).status()["next"] == ""
    assert clock.invoked(1)


def test_a_disabled_schedule_does_nothing(clock: Clock, start: Start) -> None:
    """A job that is switched off would run."""
    schedule = start(state="DISABLED")
    clock.move(MINUTE)
    assert (schedule.alive(), schedule.status()["state"], clock.payloads) == (True, "DISABLED", [])


def test_what_was_due_while_a_schedule_was_disabled_does_not_run(clock: Clock, start: Start) -> None:
    """A job that was switched off for its time would run the moment that it is switched on."""
    start().close()
    start(state="DISABLED").close()
    clock.move(10 * MINUTE + 30)
    schedule = start()
    assert clock.invoked(0)
    assert schedule.status()["next"] == "2026-03-01T12:11:30+00:00"


def test_a_failure_is_told_until_the_next_run(clock: Clock, start: Start) -> None:
    """A job could fail every night and nobody would know."""
    clock.failures = ["no disk"]
    schedule = start()
    clock.move(MINUTE)
    assert eventually(lambda: schedule.status()["error"] == "no disk")
    clock.move(MINUTE)
    assert eventually(lambda: schedule.status()["error"] == "")


def test_a_function_that_is_gone_is_told(clock: Clock, start: Start) -> None:
    """The schedule would end with its first failure."""
    clock.failures = ["gone"]
    schedule = start()
    clock.move(MINUTE)
    assert eventually(lambda: schedule.status()["error"] == "there is no function 'purge'")
    clock.move(MINUTE)
    assert clock.invoked(2)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-01-10T12:00:00+01:00", "2026-01-11T03:00:00+01:00"),
        ("cron(0/20 9 ? * MON-FRI *)", "UTC", "2026-01-09T09:45:00+00:00", "2026-01-12T09:00:00+00:00"),
        ("cron(0 0 L * ? *)", "UTC", "2026-02-03T00:00:00+00:00", "2026-02-28T00:00:00+00:00"),
        # There is no 02:30 on the day when clocks go forward, and there are two when they go back.
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-30T02:30:00+02:00"),
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
        ("cron(0 3 * * ? 2025)", "UTC", "2026-01-10T12:00:00+00:00", None),
        ("at(2026-01-01T00:00:00)", "Asia/Tokyo", "2025-12-31T14:00:00+00:00", "2026-01-01T00:00:00+09:00"),
        ("at(2026-01-01T00:00:00)", "UTC", "2026-01-01T00:00:00+00:00", None),
        ("rate(2 hours)", "UTC", "2026-01-01T00:30:00+00:00", "2026-01-01T02:30:00+00:00"),
    ],
)
def test_an_expression_is_due_in_its_time_zone(expression: str, zone: str, after: str, due: str | None) -> None:
    """A job would run an hour early for half of the year, or twice in a night of October."""
    expected = None if due is None else datetime.fromisoformat(due).timestamp()
    assert next_due(expression, zone, datetime.fromisoformat(after).timestamp()) == expected


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"scheduleExpression": "hourly"}, "scheduleExpression is 'hourly'; must be rate(...), cron(...) or at(...)"),
        (
            {"scheduleExpressionTimezone": "Mars"},
            "scheduleExpressionTimezone is 'Mars'; must be a time zone such as UTC",
        ),
        ({"target": {"arn": "arn:aws:sns:x"}}, "its target is arn:aws:sns:x; schedules here invoke functions alone"),
    ],
)
def test_what_aws_would_refuse_is_refused_here(start: Start, inputs: dict[str, Any], message: str) -> None:
    """A mistake would show with the first deployment to AWS."""
    with pytest.raises(UsageError) as refused:
        start(**inputs)
    assert str(refused.value) == message
