"""A schedule that invokes a function: at a rate, by a cron expression, or once."""

import json
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import policy_of
from aurora_lambda.arguments import Argument, flag, map_input, text, whole_number
from aurora_lambda.component import Component
from aurora_lambda.naming import Tags
from aurora_lambda.transform import ChildTypes, Transform

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Each field's name, its least and greatest value, the values' names, and what else it takes.
# Source: EventBridge Scheduler user guide, "Schedule types", cron-based schedules.
CRON_FIELDS: tuple[tuple[str, int, int, tuple[str, ...], str], ...] = (
    ("minutes", 0, 59, (), ""),
    ("hours", 0, 23, (), ""),
    ("day of month", 1, 31, (), r"\?|L(-\d+)?|\d+W|LW"),
    ("month", 1, 12, MONTHS, ""),
    ("day of week", 1, 7, DAYS, r"\?|L|[1-7]L|[1-7]#[1-5]"),
    ("year", 1970, 2199, (), ""),
)


class ScheduleArgs(TypedDict):
    """When to invoke which function."""

    function_arn: pulumi.Input[str]
    """ARN of the function."""
    expression: pulumi.Input[str]
    """When: `rate(5 minutes)`, `cron(0 8 ? * MON-FRI *)` or `at(2026-12-24T18:00:00)`."""
    time_zone: NotRequired[pulumi.Input[str]]
    """The time zone of `cron` and `at`, such as Europe/Berlin."""
    input: NotRequired[pulumi.Input[str]]
    """What the function is invoked with, as JSON."""
    maximum_retry_attempts: NotRequired[pulumi.Input[int]]
    """How often Scheduler tries again to reach Lambda. A function that fails is tried twice more by Lambda itself."""
    maximum_event_age_in_seconds: NotRequired[pulumi.Input[int]]
    """How long Scheduler tries."""
    dead_letter_queue_arn: NotRequired[pulumi.Input[str]]
    """ARN of an SQS queue that gets the invocations with which Scheduler did not reach Lambda. Default: none. Plain
    where it is given or not, since that decides what the schedule's role may do."""
    enabled: NotRequired[pulumi.Input[bool]]
    """Whether the function is invoked."""
    tags: NotRequired[Tags]
    """Tags of the role; a schedule has none."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


def _is_time_zone(value: object) -> bool:
    # A machine may have no time zone data: then AWS decides.
    known = zoneinfo.available_timezones()
    return not known or value in known


def _is_json(value: object) -> bool:
    try:
        json.loads(str(value))
    except ValueError:
        return False
    return True


# Sources: EventBridge Scheduler API reference, RetryPolicy and Target.
ARGUMENTS: Mapping[str, Argument] = {
    "function_arn": text(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?", "the ARN of a function"),
    "time_zone": Argument("string", "a time zone such as Europe/Berlin", _is_time_zone, "UTC"),
    "input": Argument("string", 'JSON such as {"days": 30}', _is_json, "{}"),
    "maximum_retry_attempts": whole_number(0, 185, "attempts", 185),
    "maximum_event_age_in_seconds": whole_number(60, 86_400, "seconds", 86_400),
    "dead_letter_queue_arn": text(r"arn:[\w-]+:sqs:[\w-]+:\d{12}:[\w-]+", "the ARN of an SQS queue"),
    "enabled": flag(default=True),
}
CHILDREN: ChildTypes = {"role": aws.iam.Role, "policy": aws.iam.RolePolicy, "schedule": aws.scheduler.Schedule}


class Schedule(Component[ScheduleArgs]):
    """A schedule of EventBridge Scheduler for one function, at least once each time, and at the minute it says.

    Makes: the schedule (`schedule` in `transform`), and the role by which it may invoke this function and nothing else
    (`role`, `policy`). Free at rest; 14 million invocations a month are free too.
    """

    name: pulumi.Output[str]
    """The schedule's name."""

    def __init__(self, name: str, args: ScheduleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the schedule and its role.

        Raises:
            ValueError: an argument that is not allowed; of an output, once it is known.
        """
        super().__init__(name, args, opts, takes=ScheduleArgs, arguments=ARGUMENTS, children=CHILDREN)
        expression = map_input(self._args["expression"], self._checked)
        role = self._role()
        self.name = self._schedule(expression, role, self._policy(role)).name
        self._register_outputs()

    def _checked(self, expression: str) -> str:
        if mistake := expression_mistake(expression):
            raise ValueError(f"Schedule {self._name!r}: expression is {expression!r}; {mistake}")
        return expression

    def _role(self) -> aws.iam.Role:
        account_id = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        return aws.iam.Role(
            f"{self._name}-schedule",
            assume_role_policy=policy_of(policies.trust, "scheduler.amazonaws.com", account_id),
            tags=self._tags(f"{self._name}-schedule"),
            opts=self._child("role"),
        )

    def _policy(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        def statements(function: str, dead_letters: str) -> list[policies.Statement]:
            send = [policies.allow(["sqs:SendMessage"], dead_letters)] if dead_letters else []
            return [policies.allow(["lambda:InvokeFunction"], function), *send]

        return aws.iam.RolePolicy(
            f"{self._name}-schedule",
            role=role.name,
            policy=policy_of(statements, self._args["function_arn"], self._args.get("dead_letter_queue_arn", "")),
            opts=self._child("policy"),
        )

    def _schedule(
        self, expression: pulumi.Input[str], role: aws.iam.Role, policy: aws.iam.RolePolicy
    ) -> aws.scheduler.Schedule:
        args = self._args
        dead_letters = args.get("dead_letter_queue_arn")
        return aws.scheduler.Schedule(
            self._name,
            schedule_expression=expression,
            schedule_expression_timezone=args["time_zone"],
            flexible_time_window={"mode": "OFF"},
            state=pulumi.Output.from_input(args["enabled"]).apply(lambda on: "ENABLED" if on else "DISABLED"),
            target={
                "arn": args["function_arn"],
                "role_arn": role.arn,
                "input": args["input"],
                "retry_policy": {
                    "maximum_event_age_in_seconds": args["maximum_event_age_in_seconds"],
                    "maximum_retry_attempts": args["maximum_retry_attempts"],
                },
                **({"dead_letter_config": {"arn": dead_letters}} if dead_letters else {}),
            },
            opts=self._child("schedule", depends_on=[policy]),
        )


def expression_mistake(expression: str) -> str:
    """Return what is wrong with a schedule's expression and what to write instead; empty where nothing is.

    >>> expression_mistake("rate(5 minutes)")
    ''
    >>> expression_mistake("cron(0 8 * * MON-FRI *)")
    'one of day of month and day of week must be ?, and only one'
    """
    match = re.fullmatch(r"(rate|cron|at)\((.*)\)", expression, re.ASCII)
    if match is None:
        return "must be rate(5 minutes), cron(0 8 ? * MON-FRI *) or at(2026-12-24T18:00:00)"
    kind, inside = match.groups()
    if kind == "rate":
        rate = re.fullmatch(r"[1-9]\d* (minute|hour|day)s?", inside, re.ASCII)
        return "" if rate else "a rate must be a whole number above 0 of minutes, hours or days: rate(5 minutes)"
    return _cron_mistake(inside.split()) if kind == "cron" else _moment_mistake(inside)


def _moment_mistake(moment: str) -> str:
    try:
        known = re.fullmatch(r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}", moment, re.ASCII) and datetime.fromisoformat(moment)
    except ValueError:
        known = None
    return "" if known else "at must have a date and a time without a zone: at(2026-12-24T18:00:00)"


def _cron_mistake(fields: list[str]) -> str:
    names = ", ".join(name for name, *_ in CRON_FIELDS)
    if len(fields) != len(CRON_FIELDS):
        return f"cron must have {len(CRON_FIELDS)} fields ({names}), and it has {len(fields)}"
    for given, (name, least, greatest, words, more) in zip(fields, CRON_FIELDS, strict=True):
        if not re.fullmatch(more or r"(?!)", given, re.ASCII) and not _is_in_range(given, least, greatest, words):
            return f"{name} is {given!r}; must be *, or numbers from {least} to {greatest} with lists, ranges, steps"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "one of day of month and day of week must be ?, and only one"
    return ""


def _is_in_range(field: str, least: int, greatest: int, words: Sequence[str]) -> bool:
    """Return whether each item of a field is `*`, a value or a range, with or without a step."""
    for item in field.split(","):
        span, slash, step = item.partition("/")
        if slash and not re.fullmatch(r"[1-9]\d*", step, re.ASCII):
            return False
        values = span.upper().split("-", 1)
        numbers = [value for value in values if value not in words]
        if span != "*" and not all(each.isdecimal() and least <= int(each) <= greatest for each in numbers):
            return False
    return True
