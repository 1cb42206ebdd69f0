"""Read the logs of a stack's functions, on this machine or on AWS."""

import heapq
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from botocore.exceptions import BotoCoreError, ClientError

from aurora_lambda_local.deployed.log_reader import LogEvent, LogReader
from aurora_lambda_local.deployed.stack import DeployedStack, StackRequestError, program_name
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.platform.paths import LocalPaths

LOCAL_POLL_SECONDS, AWS_POLL_SECONDS = 0.1, 2.0
AWS_DEFAULT = timedelta(hours=1)
# How much later than another instance's line an older one may come to CloudWatch.
LATE_MILLISECONDS = 10_000


class CloudWatchLog:
    """A function's log on AWS, from `start` on."""

    def __init__(self, stack: DeployedStack, arn: str, start: datetime) -> None:
        configuration = stack.client("lambda", arn).get_function_configuration(FunctionName=arn)
        self._name = program_name(arn)
        self._group = configuration["LoggingConfig"]["LogGroup"]
        self._pages = stack.client("logs", arn).get_paginator("filter_log_events")
        self._start = int(start.timestamp() * 1000)
        self._seen: set[str] = set()

    def read(self) -> Iterator[LogEvent]:
        """Yield what has been logged since the last call, in order of time."""
        for page in self._pages.paginate(logGroupName=self._group, startTime=self._start):
            for event in page["events"]:
                if event["eventId"] not in self._seen:
                    self._seen.add(event["eventId"])
                    self._start = max(self._start, event["timestamp"] - LATE_MILLISECONDS)
                    logged = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    yield LogEvent(logged, self._name, event["message"].rstrip("\n"))


def read_logs(
    stack: DeployedStack, names: Sequence[str], since: datetime | None, *, follow: bool
) -> Iterator[LogEvent]:
    """Yield what functions have logged, in order of time; with `follow`, also what they log from now on.

    Args:
        stack: The stack, on this machine or on AWS.
        names: The functions; none means all.
        since: When to begin; by default with the first line, on AWS an hour ago.
        follow: Whether to go on without end.

    Raises:
        UsageError: the stack has no such function.
        StackRequestError: AWS does not let a log be read.
    """
    if stack.endpoint:
        events = _read([_local_logs(stack, names)], LOCAL_POLL_SECONDS if follow else None)
        yield from (event for event in events if since is None or event.time >= since)
        return
    arns = [stack.arn(name) for name in names or stack.deployed_functions()]
    start = since or datetime.now(UTC) - AWS_DEFAULT
    try:
        yield from _read([CloudWatchLog(stack, arn, start) for arn in arns], AWS_POLL_SECONDS if follow else None)
    except (BotoCoreError, ClientError) as error:
        raise StackRequestError(f"the log could not be read: {error}") from None


def _local_logs(stack: DeployedStack, names: Sequence[str]) -> LogReader:
    known = stack.functions()
    wanted = {program_name(known.get(name, name)) for name in names}
    logs = LogReader(LocalPaths.for_checkout().logs / stack.name, wanted)
    # After a failed deployment there may be functions with a log that are no outputs.
    if unknown := wanted.difference(logs.functions()):
        have = ", ".join(logs.functions()) or "none"
        raise UsageError(f"stack {stack.name!r} has no function {min(unknown)!r}; it has {have}")
    return logs


def _read(sources: Sequence[LogReader | CloudWatchLog], pause: float | None) -> Iterator[LogEvent]:
    """Yield the events of all sources; with a pause, in seconds, read them again and again."""
    while True:
        yield from heapq.merge(*(source.read() for source in sources), key=attrgetter("time"))
        if pause is None:
            return
        time.sleep(pause)
