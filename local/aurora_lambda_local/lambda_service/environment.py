"""One execution environment: a process or container that runs AWS's runtime client."""

import signal
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import UTC, datetime

from aurora_lambda_local.lambda_service.logs import FunctionLog, OutputPump, report_lines, start_line, timeout_line
from aurora_lambda_local.lambda_service.runtime_api import Invocation, Outcome, RuntimeApi
from aurora_lambda_local.runtimes.container import ContainerImage
from aurora_lambda_local.runtimes.debugged import DebuggedImage
from aurora_lambda_local.runtimes.virtualenv import VirtualenvImage

INIT_SECONDS = 10.0
# The start that `up` tries waits longer than Lambda: it finds what does not start, not what this machine delays.
CHECK_SECONDS = 120.0
PATH = "/usr/local/bin:/usr/bin:/bin"
FunctionImage = VirtualenvImage | ContainerImage | DebuggedImage


@dataclass(frozen=True)
class FunctionConfig:
    """The configuration of a deployed function; `timeout` is in seconds, `version` a published one's number."""

    name: str
    arn: str
    image: FunctionImage
    handler: str
    variables: Mapping[str, str]
    memory_mb: int
    timeout: float
    concurrency: int
    log_group: str
    json_logs: bool
    region: str
    aws_endpoint: str
    access_key_id: str = "local"
    version: str = "$LATEST"


class Environment:
    """An execution environment, which runs one invocation at a time."""

    def __init__(self, config: FunctionConfig, log: FunctionLog) -> None:
        self._config = config
        self._pump = OutputPump(log)
        self._runtime_api = RuntimeApi()
        self._init_started: float | None = time.monotonic()
        self._used_mb = 0
        variables = environment_variables(config, self._runtime_api.address)
        self._process = config.image.start(config.handler, variables, config.memory_mb, self._pump.sink)
        self._pump.start()
        threading.Thread(target=self._wait_for_exit, daemon=True).start()

    def alive(self) -> bool:
        """Return whether it can run another invocation."""
        return self._process.poll() is None

    def initialise(self) -> Outcome | None:
        """Run the init phase without an invocation; return its error, or None."""
        init = Invocation(str(uuid.uuid4()), b"", self._config.arn, self._config.timeout)
        self._runtime_api.set_current(init)
        self._wait_for_init(init, CHECK_SECONDS)
        if not init.outcome.done():
            return None
        self.stop()
        return init.outcome.result()

    def invoke(self, invocation: Invocation) -> tuple[Outcome, bytes]:
        """Run one invocation; return its outcome and the last 4 KB of its log."""
        json_logs = self._config.json_logs
        self._runtime_api.set_current(invocation)
        with self._pump.tail() as tail:
            init_ms = self._wait_for_init(invocation)
            self._pump.write(start_line(invocation.request_id, as_json=json_logs))
            started = time.monotonic()
            outcome = self._run(invocation)
            elapsed = (time.monotonic() - started) * 1000
            memory, used = self._config.memory_mb, self._used_mb
            self._pump.write(report_lines(invocation.request_id, elapsed, memory, used, init_ms, as_json=json_logs))
        return outcome, bytes(tail)

    def stop(self) -> None:
        """Kill the process."""
        self._process.kill()

    def _wait_for_init(self, invocation: Invocation, at_least: float = INIT_SECONDS) -> float | None:
        """Wait for the end of the init phase; return its milliseconds, None in a warm environment."""
        if self._init_started is None:
            return None
        limit = max(at_least, self._config.timeout)
        if not self._runtime_api.ready.wait(limit):
            invocation.fail("Sandbox.Timedout", f"Task timed out after {limit:.2f} seconds")
        milliseconds = (time.monotonic() - self._init_started) * 1000
        self._init_started = None
        return milliseconds

    def _run(self, invocation: Invocation) -> Outcome:
        """Return the handler's outcome, or Lambda's own error if the handler returns none."""
        seconds = self._config.timeout
        if not invocation.outcome.done():
            self._runtime_api.enqueue(invocation)
            wait([invocation.outcome], seconds)
        timed_out = not invocation.outcome.done()
        if timed_out:
            invocation.fail("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
        outcome = invocation.outcome.result()
        if outcome.logged:
            self._pump.write(timeout_line(invocation.request_id, seconds) if timed_out else outcome.logged)
        self._used_mb = self._process.memory_mb() or self._used_mb
        if outcome.fatal:
            self.stop()
        return outcome

    def _wait_for_exit(self) -> None:
        status = self._process.wait()
        self._runtime_api.process_ended(f"exit status {status}" if status >= 0 else f"signal: {_signal_name(-status)}")


def _signal_name(number: int) -> str:
    return "killed" if number == signal.SIGKILL else signal.Signals(number).name


def environment_variables(config: FunctionConfig, runtime_api: str) -> dict[str, str]:
    """Return the function's variables and those that Lambda sets, and none of this process's.

    Source: AWS Lambda developer guide, "Defined runtime environment variables".
    """
    day = datetime.now(UTC).strftime("%Y/%m/%d")
    reserved = {
        "AWS_ACCESS_KEY_ID": config.access_key_id,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_ENDPOINT_URL": config.aws_endpoint,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": config.name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON" if config.json_logs else "Text",
        "AWS_LAMBDA_LOG_GROUP_NAME": config.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{day}/[{config.version}]{uuid.uuid4().hex}",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_REGION": config.region,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "LAMBDA_TASK_ROOT": str(config.image.directory),
        "_HANDLER": config.handler,
    }
    return {"LANG": "C.UTF-8", "PATH": PATH, "TZ": ":UTC", **config.variables, **reserved}
