"""One execution environment: the official runtime client at work, and the variables it is given."""

import signal
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from local.lambda_service.logs import FunctionLog, OutputPump, report_lines, start_line, timeout_line
from local.lambda_service.runtime_api import Invocation, Outcome, RuntimeApi

INIT_SECONDS = 10.0
PATH = "/usr/local/bin:/usr/bin:/bin"


class Running(Protocol):
    """What an execution environment is on this machine: a process or a container."""

    def poll(self) -> int | None:
        """Its exit status; None while it runs. Negative for a signal."""

    def wait(self) -> int:
        """Its exit status, once it has ended."""

    def kill(self) -> None:
        """End it, with all it started."""

    def memory_mb(self) -> int:
        """The memory it takes now; 0 where that cannot be told."""


class Runnable(Protocol):
    """An image, with its code in `directory` as the function sees it."""

    @property
    def directory(self) -> Path:
        """Where the function finds its code."""

    def start(self, handler: str, variables: Mapping[str, str], memory_mb: int, output: int) -> Running:
        """Begin an environment that runs `handler`."""


@dataclass(frozen=True)
class FunctionConfig:
    """What a deployed function is."""

    name: str
    arn: str
    image: "Runnable"
    handler: str
    variables: Mapping[str, str]
    memory_mb: int
    timeout: float
    concurrency: int
    log_group: str
    json_logs: bool
    region: str
    aws_endpoint: str


class Environment:
    """A process or container that runs one invocation at a time, from its first to its last."""

    def __init__(self, config: FunctionConfig, log: FunctionLog) -> None:
        self._config = config
        self._pump = OutputPump(log)
        self._api = RuntimeApi()
        self._cold_since: float | None = time.monotonic()
        self._used_mb = 0
        variables = environment_variables(config, self._api.address)
        self._process = config.image.start(config.handler, variables, config.memory_mb, self._pump.sink)
        self._pump.start()
        threading.Thread(target=self._watch, daemon=True).start()

    def alive(self) -> bool:
        """Whether it can take another invocation."""
        return self._process.poll() is None

    def invoke(self, invocation: Invocation) -> tuple[Outcome, bytes]:
        """Run one invocation; the outcome and the last 4 KB that were logged meanwhile."""
        json_logs = self._config.json_logs
        self._api.expect(invocation)
        with self._pump.tail() as tail:
            init_ms = self._initialise(invocation)
            self._pump.write(start_line(invocation.request_id, as_json=json_logs))
            started = time.monotonic()
            outcome = self._run(invocation)
            elapsed = (time.monotonic() - started) * 1000
            memory, used = self._config.memory_mb, self._used_mb
            self._pump.write(report_lines(invocation.request_id, elapsed, memory, used, init_ms, as_json=json_logs))
        return outcome, bytes(tail)

    def stop(self) -> None:
        """Kill it."""
        self._process.kill()

    def _initialise(self, invocation: Invocation) -> float | None:
        """Wait until the handler is imported, or has failed to be; the milliseconds that took, None when it was."""
        if self._cold_since is None:
            return None
        limit = max(INIT_SECONDS, self._config.timeout)
        if not self._api.started.wait(limit):
            invocation.fail("Sandbox.Timedout", f"Task timed out after {limit:.2f} seconds")
        milliseconds = (time.monotonic() - self._cold_since) * 1000
        self._cold_since = None
        return milliseconds

    def _run(self, invocation: Invocation) -> Outcome:
        """The outcome, from the handler or, where that fails to give one, as Lambda reports it."""
        seconds = self._config.timeout
        if not invocation.outcome.done():
            self._api.send(invocation)
            wait([invocation.outcome], seconds)
        if not invocation.outcome.done():
            invocation.fail("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
            self._pump.write(timeout_line(invocation.request_id, seconds))
        outcome = invocation.outcome.result()
        self._used_mb = self._process.memory_mb() or self._used_mb
        if outcome.fatal:
            self.stop()
        return outcome

    def _watch(self) -> None:
        status = self._process.wait()
        self._api.ended(f"exit status {status}" if status >= 0 else f"signal: {_signal_name(-status)}")


def _signal_name(number: int) -> str:
    return "killed" if number == signal.SIGKILL else signal.Signals(number).name


def environment_variables(config: FunctionConfig, runtime_api: str) -> dict[str, str]:
    """The function's own variables with those that Lambda sets, and nothing of this process's.

    Source: AWS Lambda developer guide, "Defined runtime environment variables".
    """
    day = datetime.now(UTC).strftime("%Y/%m/%d")
    reserved = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_DEFAULT_REGION": config.region,
        "AWS_ENDPOINT_URL": config.aws_endpoint,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": config.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON" if config.json_logs else "Text",
        "AWS_LAMBDA_LOG_GROUP_NAME": config.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{day}/[$LATEST]{uuid.uuid4().hex}",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_REGION": config.region,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "LAMBDA_TASK_ROOT": str(config.image.directory),
        "_HANDLER": config.handler,
    }
    return {"LANG": "C.UTF-8", "PATH": PATH, "TZ": ":UTC", **config.variables, **reserved}
