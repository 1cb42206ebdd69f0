"""The logs of a stack on AWS and of one on this machine, read together and followed."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from aurora_lambda_local.cli.function_commands import parse_since
from aurora_lambda_local.deployed import logs
from aurora_lambda_local.deployed.logs import read_logs
from aurora_lambda_local.deployed.stack import DeployedStack, StackRequestError
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.platform.paths import LocalPaths
from tests.conftest import set_aws_environment

ACCOUNT = "arn:aws:lambda:us-east-1:123456789012:function:"
OUTPUTS = {"handlerLambdaArn": f"{ACCOUNT}handler-1a2b3c4", "migrationRunnerLambdaArn": f"{ACCOUNT}migrations-5d6e7f8"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stack(DeployedStack):
    """A stack whose functions log to groups of moto's."""

    aws: str = ""
    prefix: str = ""

    def client(self, service: str, arn: str = "", *, once: bool = False) -> Any:
        """Return moto's CloudWatch Logs, or this as Lambda."""
        del once
        return self if service == "lambda" else boto3.client(service, endpoint_url=self.aws)

    def get_function_configuration(self, FunctionName: str) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        return {"LoggingConfig": {"LogGroup": self.group(FunctionName)}}

    def group(self, name: str) -> str:
        return f"{self.prefix}/{self.arn(name)}".replace(":", "/")

    def log(self, name: str, text: str, *, minutes_ago: float = 0) -> None:
        """Log a line."""
        time = int((datetime.now(UTC) - timedelta(minutes=minutes_ago)).timestamp() * 1000)
        events = [{"timestamp": time, "message": text}]
        self.client("logs", "").put_log_events(logGroupName=self.group(name), logStreamName="one", logEvents=events)


@pytest.fixture
def stack(aws: str, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Give a stack on AWS whose functions have logged nothing yet."""
    set_aws_environment(monkeypatch)
    stack = Stack("dev", OUTPUTS, aws=aws, prefix=f"logs-{next(_numbers)}")
    for arn in stack.functions().values():
        stack.client("logs", arn).create_log_group(logGroupName=stack.group(arn))
        stack.client("logs", arn).create_log_stream(logGroupName=stack.group(arn), logStreamName="one")
    return stack


def test_all_functions_logs_are_one_in_order_of_time(stack: Stack) -> None:
    """Nobody could see which function did what first."""
    stack.log("handler", "third\n", minutes_ago=1)
    stack.log("migrations", "second", minutes_ago=2)
    stack.log("handler", "first", minutes_ago=3)
    stack.log("handler", "long ago", minutes_ago=90)
    events = [(event.function, event.text) for event in read_logs(stack, [], None, follow=False)]
    assert events == [("handler", "first"), ("migrations", "second"), ("handler", "third")]
    since = parse_since("150s")
    assert [event.text for event in read_logs(stack, ["handler"], since, follow=False)] == ["third"]
    assert len(list(read_logs(stack, ["handler", "migration-runner"], parse_since("1d"), follow=False))) == 4


def test_logs_on_aws_are_followed(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """People would ask for the same lines again and again."""
    monkeypatch.setattr(logs, "AWS_POLL_SECONDS", 0)
    stack.log("handler", "first", minutes_ago=1)
    followed = read_logs(stack, [], None, follow=True)
    assert next(followed).text == "first"
    stack.log("migrations", "second")
    assert next(followed).text == "second"


def test_a_line_that_comes_late_is_followed_too(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two instances, the lines of the one that CloudWatch has later were never shown."""
    polls = iter(range(3))
    monkeypatch.setattr(logs.time, "sleep", lambda _: next(polls))
    stack.log("handler", "first")
    followed = read_logs(stack, ["handler"], None, follow=True)
    assert next(followed).text == "first"
    stack.log("handler", "of another instance", minutes_ago=0.1)
    stack.log("handler", "last")
    assert [next(followed).text for _ in range(2)] == ["of another instance", "last"]


def test_a_log_group_that_cannot_be_read_is_said_in_words(stack: Stack) -> None:
    """Somebody without the permission would see a traceback."""
    group = stack.group("handler")
    stack.client("logs", "").delete_log_group(logGroupName=group)
    with pytest.raises(
        StackRequestError, match=r"^the log could not be read: .*The specified log group does not exist"
    ):
        list(read_logs(stack, ["handler"], None, follow=False))


def test_a_stack_on_aws_without_functions_is_an_error() -> None:
    """The logs of a stack whose first deployment failed would seem to be empty."""
    with pytest.raises(UsageError, match="^stack 'dev' has no functions: its deployment has not succeeded yet; "):
        list(read_logs(DeployedStack("dev", {}), [], None, follow=False))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DeployedStack:
    """Give a stack on this machine; the deployment failed before the handler was an output."""
    paths = LocalPaths(tmp_path)
    monkeypatch.setattr(LocalPaths, "for_checkout", lambda: paths)
    paths.log("local", "x").parent.mkdir(parents=True)
    paths.log("local", "handler-1a2b3c4").write_text("2026-11-21T10:00:00.001Z one\n2026-11-21T10:00:00.003Z three\n")
    paths.log("local", "migrations-5d6e7f8").write_text("2026-11-21T10:00:00.002Z two\n")
    outputs = {"migrationRunnerLambdaArn": OUTPUTS["migrationRunnerLambdaArn"]}
    return DeployedStack("local", outputs, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        ([], ["one", "two", "three"]),
        (["migration-runner"], ["two"]),
        (["migrations"], ["two"]),
        (["handler", "migrations"], ["one", "two", "three"]),
        (["handler-1a2b3c4"], ["one", "three"]),
    ],
)
def test_logs_here_are_those_of_the_functions_that_are_named(
    here: DeployedStack, names: list[str], texts: list[str]
) -> None:
    """The log of a handler whose deployment failed could not be read, which is when it is needed."""
    assert [event.text for event in read_logs(here, names, None, follow=False)] == texts
    later = parse_since("2026-11-21T10:00:00.002")
    assert [event.text for event in read_logs(here, names, later, follow=False)] == [
        text for text in texts if text != "one"
    ]


def test_a_function_that_is_not_there_is_an_error(here: DeployedStack) -> None:
    """A misspelt name would look like a function that logs nothing."""
    with pytest.raises(UsageError, match="^stack 'local' has no function 'handlr'; it has handler, migrations$"):
        next(read_logs(here, ["handler", "handlr"], None, follow=True))


def test_logs_here_are_followed(here: DeployedStack) -> None:
    """People would ask for the same lines again and again."""
    followed = read_logs(here, [], None, follow=True)
    assert [next(followed).text for _ in range(3)] == ["one", "two", "three"]
    with LocalPaths.for_checkout().log("local", "copy-items-0a1b2c3").open("w") as log:
        log.write("2026-11-21T10:00:00.004Z four\n")
    assert next(followed).function == "copy-items"


@pytest.mark.parametrize("text", ["noon", "10", "m", "10 m", "9999999999d", "99999999999999d"])
def test_a_time_that_is_none_is_an_error(text: str) -> None:
    """Logs would begin at a time that nobody meant."""
    with pytest.raises(UsageError) as error:
        parse_since(text)
    assert str(error.value) == f"--since takes 10m, 2h, 1d or a time such as 2026-11-21T15:00, not {text!r}"
