"""A schedule of EventBridge Scheduler: when it is due, and at work.

Source: EventBridge Scheduler user guide, "Schedule types".
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypedDict
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aws_croniter import AwsCroniter

from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_local.streams.store import StreamStore

UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
# The clock is read this often: it may be set, and this machine may sleep.
TICK_SECONDS = 1.0
# Runs an asynchronous invocation, as Scheduler's are, and returns its error; empty for none.
InvokeEvent = Callable[[bytes], str]


class ScheduleStatus(TypedDict):
    """The status of a schedule; times are ISO 8601 in UTC and empty where there is none."""

    state: Literal["ENABLED", "DISABLED"]
    function: str
    expression: str
    next: str
    last: str
    error: str


@dataclass(frozen=True)
class ScheduleDefinition:
    """What the program asks for."""

    arn: str
    expression: str
    time_zone: str
    function_arn: str
    payload: bytes
    enabled: bool


def parse_schedule(arn: str, inputs: Mapping[str, Any]) -> ScheduleDefinition:
    """Return the schedule that a resource's inputs describe.

    Raises:
        UsageError: AWS would refuse it, or its target is no function.
    """
    target = inputs.get("target") or {}
    function = str(target.get("arn"))
    if ":lambda:" not in function:
        raise UsageError(f"its target is {function}; schedules here invoke functions alone")
    definition = ScheduleDefinition(
        arn,
        str(inputs.get("scheduleExpression")),
        str(inputs.get("scheduleExpressionTimezone") or "UTC"),
        function,
        str(target.get("input") or "{}").encode(),
        inputs.get("state") != "DISABLED",
    )
    next_due(definition.expression, definition.time_zone, time.time())
    return definition


class RunningSchedule:
    """Invokes a function whenever it is due, each time in a thread of its own.

    What is due while this machine or the stack is down runs once when it is up again.
    """

    def __init__(
        self,
        definition: ScheduleDefinition,
        store: StreamStore,
        invoke: InvokeEvent,
        clock: Callable[[], float] = time.time,
        tick: float = TICK_SECONDS,
    ) -> None:
        self.definition = definition
        self._store, self._invoke_function, self._clock, self._tick = store, invoke, clock, tick
        self._stopping = threading.Event()
        self._last, self._error = 0.0, ""
        self._due = self._first_due()
        self._thread = threading.Thread(target=self._run, name=definition.arn, daemon=True)

    def start(self) -> None:
        """Begin to invoke the function."""
        if self.definition.enabled:
            self._thread.start()

    def alive(self) -> bool:
        """Return whether it waits for its time; a disabled one need not."""
        return self._thread.is_alive() or not self.definition.enabled

    def close(self) -> None:
        """Stop; when it is due next is kept."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def status(self) -> ScheduleStatus:
        """Return how the schedule is."""
        enabled = self.definition.enabled
        return {
            "state": "ENABLED" if enabled else "DISABLED",
            "function": self.definition.function_arn,
            "expression": self.definition.expression,
            "next": _iso(self._due) if enabled else "",
            "last": _iso(self._last),
            "error": self._error,
        }

    def _first_due(self) -> float | None:
        """Return when it is due: as before, or by its expression where it is new, another one, or was disabled."""
        if not self.definition.enabled:
            return self._keep(None)
        expression = f"{self.definition.expression} {self.definition.time_zone}"
        kept = self._store.schedule(self.definition.arn)
        if kept and kept[0] == expression and kept[1] is not None:
            return kept[1]
        return self._keep(next_due(self.definition.expression, self.definition.time_zone, self._clock()))

    def _keep(self, due: float | None) -> float | None:
        expression = f"{self.definition.expression} {self.definition.time_zone}"
        self._store.put_schedule(self.definition.arn, expression, due)
        return due

    def _run(self) -> None:
        while not self._stopping.wait(self._tick):
            now = self._clock()
            if self._due is not None and self._due <= now:
                # Kept first: what ends this process during the invocation must not repeat it at every start.
                self._due = self._keep(self._next(self._due, now))
                self._last = now
                threading.Thread(target=self._invoke, daemon=True).start()

    def _next(self, due: float, now: float) -> float | None:
        """Return the next time after `due` that is not past; a rate goes on in the steps that it began with."""
        expression, zone = self.definition.expression, self.definition.time_zone
        following = next_due(expression, zone, due)
        if following is None or following > now:
            return following
        step = following - due
        return now + step - (now - due) % step if expression.startswith("rate") else next_due(expression, zone, now)

    def _invoke(self) -> None:
        try:
            self._error = self._invoke_function(self.definition.payload)
        except LocalError as error:
            self._error = str(error)


def _iso(moment: float | None) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds") if moment else ""


def next_due(expression: str, time_zone: str, after: float) -> float | None:
    """Return when a schedule is due first after a time, in seconds since the epoch; None where it never is.

    Raises:
        UsageError: AWS would refuse the expression or the time zone.
    """
    match = re.fullmatch(r"(rate|cron|at)\((.*)\)", expression)
    if match is None:
        raise UsageError(f"scheduleExpression is {expression!r}; must be rate(...), cron(...) or at(...)")
    kind, inside = match.groups()
    try:
        zone = ZoneInfo(time_zone)
        if kind == "rate":
            value, _, unit = inside.partition(" ")
            return after + int(value) * UNIT_SECONDS[unit.removesuffix("s")]
        if kind == "at":
            moment = datetime.fromisoformat(inside).replace(tzinfo=zone).timestamp()
            return moment if moment > after else None
        return _next_cron(AwsCroniter(inside), zone, after)
    except ZoneInfoNotFoundError:
        raise UsageError(f"scheduleExpressionTimezone is {time_zone!r}; must be a time zone such as UTC") from None
    except Exception as error:
        raise UsageError(f"scheduleExpression is {expression!r}; {error}") from None


def _next_cron(cron: AwsCroniter, zone: ZoneInfo, after: float) -> float | None:
    # The library knows UTC alone: the clock on the wall is taken for it.
    wall = datetime.fromtimestamp(after, zone).replace(tzinfo=UTC)
    while (wall := cron.get_next(wall)[0]) is not None:
        due = wall.replace(tzinfo=zone)
        skipped = due.astimezone(UTC).astimezone(zone).replace(tzinfo=UTC) != wall
        # When clocks go forward, what would be in the hour that is left out does not run; when back, it runs once.
        if not skipped and due.timestamp() > after:
            return due.timestamp()
        wall += timedelta(seconds=1) if skipped else timedelta()
    return None
