"""A stack with a schedule, brought up for real: it invokes its function when its moment comes."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pulumi_aws as aws
import pytest

from aurora_lambda import LambdaImage, Schedule
from aurora_lambda_local import commands
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.progress import Progress
from tests.local.running import Lines, log
from tests.services import eventually

pytestmark = pytest.mark.slow


def program(expression: str = "") -> None:
    """Register a function, and where there is an expression its schedule."""
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    role = "arn:aws:iam::123456789012:role/hello"
    function = aws.lambda_.Function("hello", package_type="Image", image_uri=image.image_uri, role=role)
    if expression:
        given = '{"do": "print", "bytes": 7}'
        Schedule("hello", {"function_arn": function.arn, "expression": expression, "input": given})


def bring_up(checkout: Path, expression: str = "") -> Lines:
    lines = Lines()
    up("local", checkout=checkout, program=partial(program, expression), progress=Progress(lines.append))
    return lines


def test_a_function_is_invoked_when_its_moment_comes(checkout: Path) -> None:
    """A scheduled job could be tried on AWS alone."""
    bring_up(checkout)
    moment = datetime.now(UTC) + timedelta(seconds=10)
    expression = f"at({moment:%Y-%m-%dT%H:%M:%S})"
    lines = bring_up(checkout, expression)
    assert lines.changes()["aws:scheduler:Schedule hello"] == "created"
    status = commands.status(checkout)["schedules"]["hello"]
    assert (status["state"], status["expression"], status["error"]) == ("ENABLED", expression, "")
    assert eventually(lambda: "xxxxxxx" in log(checkout).splitlines())
    assert commands.status(checkout)["schedules"]["hello"]["next"] == ""
    commands.down(checkout, keep_data=True)
    assert set(bring_up(checkout, expression).changes().values()) <= {"same", "restored"}
    assert (commands.status(checkout)["schedules"]["hello"]["next"], log(checkout)) == ("", "")


def test_a_schedule_that_the_program_no_longer_has_is_gone(checkout: Path) -> None:
    """A job taken out of the program would go on."""
    bring_up(checkout, "rate(1 hour)")
    assert bring_up(checkout).changes()["aws:scheduler:Schedule hello"] == "deleted"
    assert commands.status(checkout)["schedules"] == {}
