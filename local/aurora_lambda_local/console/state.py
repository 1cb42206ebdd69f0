"""What the console's pages share: the stack that is up, its logs, and what was tried in the console."""

import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from flask import current_app

from aurora_lambda_local.commands import status
from aurora_lambda_local.deployed.log_window import LogWindow
from aurora_lambda_local.deployed.stack import DeployedStack
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.supervisor.client import SupervisorClient
from aurora_lambda_local.supervisor.messages import StackStatus

KEPT_ATTEMPTS = 30


@dataclass(frozen=True)
class Attempt:
    """An invocation or a request that was made here: what was sent, and what came back after `seconds`."""

    sent: dict[str, str]
    answer: str
    failed: bool
    seconds: float
    note: str = ""
    number: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC).astimezone())


class History:
    """The newest attempts of each subject; they are gone when the stack goes down."""

    def __init__(self) -> None:
        self._attempts: defaultdict[str, deque[Attempt]] = defaultdict(lambda: deque(maxlen=KEPT_ATTEMPTS))
        self._numbers = count(1)
        self._lock = threading.Lock()

    def add(self, subject: str, attempt: Attempt) -> int:
        """Keep an attempt, and return the number that it gets."""
        with self._lock:
            number = next(self._numbers)
            self._attempts[subject].appendleft(replace(attempt, number=number))
        return number

    def of(self, subject: str, number: str | None) -> tuple[Sequence[Attempt], Attempt | None]:
        """Return the attempts of a subject, the newest first, and the one with this number, if there is one."""
        with self._lock:
            attempts = list(self._attempts[subject])
        return attempts, next((each for each in attempts if str(each.number) == number), None)


class Console:
    """What all pages use."""

    def __init__(self, paths: LocalPaths) -> None:
        self.paths, self.history, self.supervisor = paths, History(), SupervisorClient(paths)
        # What the next page says first.
        self.notices: list[str] = []
        self._windows: dict[str, LogWindow] = {}
        self._lock = threading.Lock()

    def status(self) -> StackStatus:
        """Return the status of the stack that is up.

        Raises:
            UsageError: none is.
        """
        report = status(self.paths.root.parent)
        if not report["running"]:
            raise UsageError("no stack is running here; start one with: aurora-lambda up")
        return report

    def stack(self) -> DeployedStack:
        """Return the stack that is up, to work with it."""
        return DeployedStack.running(self.status())

    def take_notices(self) -> list[str]:
        """Return what is to be said, once."""
        notices, self.notices = self.notices, []
        return notices

    def logs(self) -> LogWindow:
        """Return the logs of the stack that is up."""
        stack = self.status()["stack"]
        with self._lock:
            if stack not in self._windows:
                self._windows[stack] = LogWindow(self.paths.logs / stack)
            return self._windows[stack]


def console() -> Console:
    """Return what the pages of this application share."""
    return current_app.extensions["console"]
