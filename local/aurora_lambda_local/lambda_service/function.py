"""A function: one execution environment for each concurrent invocation, up to its concurrency."""

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from aurora_lambda_local.lambda_service.environment import Environment, FunctionConfig, environment_variables
from aurora_lambda_local.lambda_service.logs import FunctionLog
from aurora_lambda_local.lambda_service.runtime_api import Invocation, Outcome
from aurora_lambda_local.platform.errors import LocalError

QUEUE_SECONDS = 10.0
# Between the tries of an asynchronous invocation: minutes on AWS.
RETRY_SECONDS = (1.0, 2.0)
# How long an asynchronous invocation waits for an environment. Source: AWS Lambda developer guide, "How Lambda handles
# errors and retries with asynchronous invocation".
EVENT_SECONDS = 6 * 60 * 60.0
# Matches a place as tracebacks and the runtime client's syntax errors write it.
FRAME = re.compile(r'File "([^"]+)",? [Ll]ine (\d+)')
HEADER = "Traceback (most recent call last):\n"
# Imports a handler's module for its traceback, which the runtime client leaves out.
IMPORT = "import importlib, sys; importlib.import_module(sys.argv[1].rpartition('.')[0])"


class ThrottledError(LocalError):
    """A function has no free execution environment and may start no other."""


@dataclass(frozen=True)
class InvocationResult:
    """The result of an invocation; `log_tail` is the last 4 KB of its log."""

    request_id: str
    payload: bytes
    failed: bool
    log_tail: bytes


class Function:
    """A deployed function; warm environments are used again, the last used one first."""

    def __init__(self, config: FunctionConfig, log: FunctionLog) -> None:
        self.config = config
        self._log = log
        self._idle: list[Environment] = []
        self._busy: set[Environment] = set()
        self._starting = 0
        self._retired = self._stopped = False
        self._changed = threading.Condition()

    def initialise(self) -> str:
        """Start an execution environment for the first invocation; return the error of its init phase, empty for none.

        So errors in the function's imports show before its first call.
        """
        if self.config.concurrency == 0:
            return ""
        environment = self._acquire()
        try:
            error = environment.initialise()
        finally:
            self._release(environment)
        return _describe_init_error(self.config, error, self._log) if error else ""

    def start_environment(self) -> None:
        """Start an execution environment for the next invocation, and do not wait for its init phase."""
        self._release(self._acquire())

    def invoke(
        self,
        payload: bytes,
        client_context: str = "",
        request_id: str | None = None,
        patience: float | None = None,
    ) -> InvocationResult:
        """Run one invocation and wait for its end, in a warm environment or a new one.

        `patience` is how long it waits for that; `QUEUE_SECONDS` where nothing is said.

        Raises:
            ThrottledError: all environments were busy for `patience` seconds, or the concurrency is 0.
        """
        environment = self._acquire(patience)
        invocation = Invocation(
            request_id or str(uuid.uuid4()),
            payload,
            self.config.arn,
            self.config.timeout,
            client_context,
        )
        try:
            outcome, tail = environment.invoke(invocation)
        finally:
            self._release(environment)
        return InvocationResult(invocation.request_id, outcome.payload, outcome.failed, tail)

    def invoke_event(self, payload: bytes, client_context: str = "", request_id: str | None = None) -> str:
        """Run an asynchronous invocation, up to three times as Lambda does; return the last error, empty for none.

        One that is throttled waits, and uses up no try.
        """
        request_id, error = request_id or str(uuid.uuid4()), ""
        for pause in (*RETRY_SECONDS, None):
            try:
                result = self.invoke(payload, client_context, request_id, EVENT_SECONDS)
            except ThrottledError as throttled:
                return str(throttled)
            error = str(json.loads(result.payload).get("errorMessage")) if result.failed else ""
            if not error or pause is None:
                break
            time.sleep(pause)
        return error

    def environments(self) -> int:
        """Return the number of environments, idle and busy."""
        with self._changed:
            return sum(environment.alive() for environment in [*self._idle, *self._busy])

    def retire(self) -> None:
        """End each environment as soon as it is idle."""
        with self._changed:
            self._retired = True
            idle, self._idle = self._idle, []
        for environment in idle:
            environment.stop()

    def resume(self) -> None:
        """Keep environments warm again, after `retire`."""
        with self._changed:
            self._retired = False

    def stop(self) -> None:
        """End all environments now, including busy ones; what waits for one fails."""
        self.retire()
        with self._changed:
            self._stopped = True
            busy = list(self._busy)
            self._changed.notify_all()
        for environment in busy:
            environment.stop()

    def _acquire(self, patience: float | None = None) -> Environment:
        with self._changed:
            if self.config.concurrency == 0:
                raise ThrottledError(f"{self.config.name} may not run: its reserved concurrency is 0")
            if not self._changed.wait_for(self._available, patience or QUEUE_SECONDS):
                raise ThrottledError(f"{self.config.name} is busy in all its {self.config.concurrency} environments")
            if self._stopped:
                raise ThrottledError(f"{self.config.name} is stopped")
            while self._idle:
                environment = self._idle.pop()
                if environment.alive():
                    self._busy.add(environment)
                    return environment
                environment.stop()
            self._starting += 1
        environment = None
        try:
            environment = Environment(self.config, self._log)
            return environment
        finally:
            with self._changed:
                self._starting -= 1
                self._busy |= {environment} if environment else set()
                self._changed.notify()

    def _available(self) -> bool:
        return self._stopped or bool(self._idle) or len(self._busy) + self._starting < self.config.concurrency

    def _release(self, environment: Environment) -> None:
        with self._changed:
            self._busy.discard(environment)
            keep = not self._retired and environment.alive()
            if keep:
                self._idle.append(environment)
            self._changed.notify()
        if not keep:
            environment.stop()


def _describe_init_error(config: FunctionConfig, outcome: Outcome, log: FunctionLog) -> str:
    """Return an init phase's error in one line, with the file and line of the function's own code."""
    error = json.loads(outcome.payload)
    trace = "".join(error.get("stackTrace") or [])
    if error["errorType"] == "Runtime.ImportModuleError":
        trace = config.image.run_python(["-c", IMPORT, config.handler], environment_variables(config, ""))
        log.write(_trace_event(trace))
    frames = [(Path(file), line) for file, line in FRAME.findall(trace)]
    own = [
        (file.relative_to(config.image.directory), line)
        for file, line in frames
        if file.is_relative_to(config.image.directory)
    ]
    where = f" ({own[-1][0]}, line {own[-1][1]})" if own else ""
    return f"{error['errorType']}: {error['errorMessage']}{where}"


def _trace_event(trace: str) -> bytes:
    """Return a printed traceback as Lambda's runtime logs that of other errors: as one event."""
    *frames, error = trace.rstrip().removeprefix(HEADER).splitlines(keepends=True) or [""]
    return json.dumps({"level": "ERROR", "message": error, "stackTrace": frames}).encode()
