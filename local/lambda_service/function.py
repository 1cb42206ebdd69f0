"""A function: as many execution environments as it has invocations at once, up to its limit."""

import threading
import uuid
from dataclasses import dataclass

from local.lambda_service.environment import Environment, FunctionConfig
from local.lambda_service.logs import FunctionLog
from local.lambda_service.runtime_api import Invocation
from local.platform.errors import LocalError

QUEUE_SECONDS = 10.0


class Throttled(LocalError):  # noqa: N818 - Lambda's word
    """All environments of a function stayed busy."""


@dataclass(frozen=True)
class Result:
    """What the caller of a function gets."""

    request_id: str
    payload: bytes
    failed: bool
    log_tail: bytes


class Function:
    """Runs invocations of one deployed function; warm environments are used again, the last used one first."""

    def __init__(self, config: FunctionConfig, log: FunctionLog) -> None:
        self.config = config
        self._log = log
        self._idle: list[Environment] = []
        self._busy: set[Environment] = set()
        self._starting = 0
        self._retired = False
        self._changed = threading.Condition()

    def invoke(self, payload: bytes, client_context: str = "", request_id: str | None = None) -> Result:
        """Run one invocation to its end, in a free environment or a new one.

        Raises:
            Throttled: the function has as many environments as it may, and none of them became free in time.
        """
        environment = self._take()
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
            self._give_back(environment)
        return Result(invocation.request_id, outcome.payload, outcome.failed, tail)

    def environments(self) -> int:
        """How many there are, warm or busy."""
        with self._changed:
            return sum(environment.alive() for environment in [*self._idle, *self._busy])

    def retire(self) -> None:
        """Take no more invocations; environments end as soon as they are idle."""
        with self._changed:
            self._retired = True
            idle, self._idle = self._idle, []
        for environment in idle:
            environment.stop()

    def stop(self) -> None:
        """End all environments now, busy ones too."""
        self.retire()
        with self._changed:
            busy = list(self._busy)
        for environment in busy:
            environment.stop()

    def _take(self) -> Environment:
        with self._changed:
            if self.config.concurrency == 0:
                raise Throttled(f"{self.config.name} may not run: its reserved concurrency is 0")
            if not self._changed.wait_for(self._available, QUEUE_SECONDS):
                raise Throttled(f"{self.config.name} is busy in all its {self.config.concurrency} environments")
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
        return bool(self._idle) or len(self._busy) + self._starting < self.config.concurrency

    def _give_back(self, environment: Environment) -> None:
        with self._changed:
            self._busy.discard(environment)
            keep = not self._retired and environment.alive()
            if keep:
                self._idle.append(environment)
            self._changed.notify()
        if not keep:
            environment.stop()
