"""What a schedule asks AWS for, and which expressions it takes."""

import json
from typing import Any

import pytest

from aurora_lambda import Schedule, ScheduleArgs
from aurora_lambda.schedule import expression_mistake
from tests.components.recording import Recording, record
from tests.components.tokens import ROLE, ROLE_POLICY, SCHEDULE

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:purge"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:late"


def schedule(expression: str = "rate(1 hour)", **args: Any) -> Recording:
    """Record a `Schedule` of a function."""
    required: ScheduleArgs = {"function_arn": FUNCTION, "expression": expression, "tags": {"project": "demo"}}
    return record(lambda: Schedule("purge", {**required, **args}))


def test_a_schedule_invokes_its_function_and_nothing_else() -> None:
    """A purge would not run, or a schedule's role could invoke every function of the account."""
    recording = schedule("cron(0 3 * * ? *)", time_zone="Europe/Berlin")
    role = recording.output(ROLE, "purge-schedule", "arn")
    assert recording.inputs(SCHEDULE, "purge") == {
        "scheduleExpression": "cron(0 3 * * ? *)",
        "scheduleExpressionTimezone": "Europe/Berlin",
        "flexibleTimeWindow": {"mode": "OFF"},
        "state": "ENABLED",
        "target": {
            "arn": FUNCTION,
            "roleArn": role,
            "input": "{}",
            "retryPolicy": {"maximumEventAgeInSeconds": 86_400, "maximumRetryAttempts": 185},
        },
    }
    assert json.loads(recording.inputs(ROLE, "purge-schedule")["assumeRolePolicy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ]
    assert json.loads(recording.inputs(ROLE_POLICY, "purge-schedule")["policy"])["Statement"] == [
        {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [FUNCTION]}
    ]
    assert recording.resource(ROLE_POLICY, "purge-schedule").urn in recording.resource(SCHEDULE, "purge").dependencies


def test_what_does_not_reach_lambda_goes_to_the_dead_letters() -> None:
    """A run that did not take place would leave no trace."""
    recording = schedule(dead_letter_queue_arn=QUEUE, enabled=False)
    made = recording.inputs(SCHEDULE, "purge")
    assert (made["target"]["deadLetterConfig"], made["state"]) == ({"arn": QUEUE}, "DISABLED")
    *_, send = json.loads(recording.inputs(ROLE_POLICY, "purge-schedule")["policy"])["Statement"]
    assert send == {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [QUEUE]}


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "rate(1 hours)",
        "rate(30 days)",
        "cron(0/15 9-17 ? * MON-FRI *)",
        "cron(0 3 L * ? *)",
        "cron(0 3 L-2 * ? *)",
        "cron(0 3 15W * ? 2026-2030)",
        "cron(0,30 3 ? JAN,jul 6#3 *)",
        "cron(0 3 ? * 6L *)",
        "at(2026-12-24T18:00:00)",
    ],
)
def test_what_scheduler_takes_is_taken(expression: str) -> None:
    """A right expression would be refused before AWS is asked."""
    assert expression_mistake(expression) == ""


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("5 minutes", "must be rate(5 minutes), cron(0 8 ? * MON-FRI *) or at(2026-12-24T18:00:00)"),
        ("rate(0 minutes)", "a rate must be a whole number above 0 of minutes, hours or days: rate(5 minutes)"),
        ("rate(5 weeks)", "a rate must be a whole number above 0 of minutes, hours or days: rate(5 minutes)"),
        (
            "cron(0 3 * * *)",
            "cron must have 6 fields (minutes, hours, day of month, month, day of week, year), and it has 5",
        ),
        ("cron(0 3 * * * *)", "one of day of month and day of week must be ?, and only one"),
        ("cron(0 3 ? * ? *)", "one of day of month and day of week must be ?, and only one"),
        (
            "cron(60 3 * * ? *)",
            "minutes is '60'; must be *, or numbers from 0 to 59 with lists, ranges, steps",
        ),
        (
            "cron(0 3 ? * 0 *)",
            "day of week is '0'; must be *, or numbers from 1 to 7 with lists, ranges, steps",
        ),
        ("cron(0 3/0 ? * 1 *)", "hours is '3/0'; must be *, or numbers from 0 to 23 with lists, ranges, steps"),
        ("at(2026-12-24)", "at must have a date and a time without a zone: at(2026-12-24T18:00:00)"),
        ("at(2026-1-24T8:00:00)", "at must have a date and a time without a zone: at(2026-12-24T18:00:00)"),
        ("at(2026-13-24T18:00:00)", "at must have a date and a time without a zone: at(2026-12-24T18:00:00)"),
    ],
)
def test_a_wrong_expression_is_told_with_what_is_wrong(expression: str, mistake: str) -> None:
    """AWS would refuse it half way through a deployment, with a message that names nothing."""
    with pytest.raises(ValueError, match="^Schedule 'purge': expression is") as refused:
        schedule(expression)
    assert str(refused.value) == f"Schedule 'purge': expression is {expression!r}; {mistake}"


@pytest.mark.parametrize("given", ["", "30 days", "{'days': 30}"])
def test_an_input_that_is_no_json_is_refused(given: str) -> None:
    """Scheduler would refuse it, once all else is made. Source: its API reference, Target."""
    with pytest.raises(ValueError, match="^Schedule 'purge': input is") as refused:
        schedule(input=given)
    assert str(refused.value) == f"Schedule 'purge': input is {given!r}; must be JSON such as {{\"days\": 30}}"
