"""The Lambda Runtime API as one execution environment sees it.

Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

import json
import queue
import threading
import time
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from http import HTTPStatus

from local.platform.http_server import Request, Response, Server

PREFIX = "/2018-06-01/runtime"
RESPONSE_LIMIT = 6 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to: a payload, whether it is an error's, and whether the environment is spent."""

    payload: bytes
    failed: bool = False
    fatal: bool = False

    @classmethod
    def error(cls, kind: str, message: str) -> "Outcome":
        """An error of Lambda's own."""
        return cls(json.dumps({"errorType": kind, "errorMessage": message}).encode(), failed=True, fatal=True)


@dataclass(frozen=True)
class Invocation:
    """One event on its way through an environment."""

    request_id: str
    payload: bytes
    function_arn: str
    timeout: float
    client_context: str = ""
    outcome: Future[Outcome] = field(default_factory=Future)

    def settle(self, outcome: Outcome) -> None:
        """Give the outcome, unless there is one already."""
        try:
            self.outcome.set_result(outcome)
        except InvalidStateError:
            return

    def fail(self, kind: str, message: str) -> None:
        """Give an error of Lambda's own as the outcome, unless there is one already."""
        self.settle(Outcome.error(kind, f"RequestId: {self.request_id} Error: {message}"))


class RuntimeApi:
    """Hands events to the one process that asks at `address`, and takes its answers.

    `started` is set when the process asks for its first event, or will never ask.
    """

    def __init__(self) -> None:
        self.started = threading.Event()
        self._events: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._current: Invocation | None = None
        self._server = Server(self._handle)
        self.address = self._server.address

    def expect(self, invocation: Invocation) -> None:
        """Say whose outcome it is when the process fails before it takes an event."""
        self._current = invocation

    def send(self, invocation: Invocation) -> None:
        """Hand over an event; the outcome comes in the invocation's future."""
        self._events.put(invocation)

    def ended(self, reason: str) -> None:
        """The process is gone; whoever waits for it is told why."""
        if current := self._current:
            current.fail("Runtime.ExitError", f"Runtime exited with error: {reason}")
        self.started.set()
        self._events.put(None)
        self._server.stop()

    def _handle(self, request: Request) -> Response:
        match request.path.removeprefix(PREFIX).strip("/").split("/"):
            case ["invocation", "next"]:
                return self._next()
            case ["invocation", request_id, "response"]:
                return self._answer(request_id, request.body, failed=False)
            case ["invocation", request_id, "error"]:
                return self._answer(request_id, request.body, failed=True)
            case ["init", "error"]:
                return self._answer(None, request.body, failed=True)
        return Response(HTTPStatus.NOT_FOUND, b'{"errorType":"NotFound","errorMessage":"no such path"}')

    def _next(self) -> Response:
        self.started.set()
        invocation = self._events.get()
        if invocation is None:
            return Response(HTTPStatus.GONE)
        headers = (
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + invocation.timeout) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn),
            ("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0"),
        )
        context = (("Lambda-Runtime-Client-Context", invocation.client_context),) if invocation.client_context else ()
        return Response(HTTPStatus.OK, invocation.payload, headers + context)

    def _answer(self, request_id: str | None, body: bytes, *, failed: bool) -> Response:
        current = self._current
        if current is None or request_id not in (None, current.request_id):
            return Response(
                HTTPStatus.BAD_REQUEST, b'{"errorType":"InvalidRequestID","errorMessage":"unknown request"}'
            )
        if len(body) > RESPONSE_LIMIT:
            message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            current.settle(Outcome.error("Function.ResponseSizeTooLarge", message))
            return Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b'{"errorType":"RequestEntityTooLarge"}')
        current.settle(Outcome(body, failed=failed, fatal=request_id is None))
        self.started.set()
        return Response(HTTPStatus.ACCEPTED, b'{"status":"OK"}')
