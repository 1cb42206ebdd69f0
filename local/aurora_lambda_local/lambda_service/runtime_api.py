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

from aurora_lambda_local.platform.http_server import HttpServer, Request, Response

PREFIX = "/2018-06-01/runtime"
RESPONSE_LIMIT = 6 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """The outcome of an invocation: its payload, whether that is an error, and whether the environment has to end.

    `logged` is what Lambda logs of an error that nobody else tells of.
    """

    payload: bytes
    failed: bool = False
    fatal: bool = False
    logged: str = ""

    @classmethod
    def error(cls, error_type: str, message: str) -> "Outcome":
        """Return an error that Lambda itself reports."""
        payload = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
        return cls(payload, failed=True, fatal=True, logged=f"{message}\n{error_type}")


@dataclass(frozen=True)
class Invocation:
    """One event and, in time, its outcome."""

    request_id: str
    payload: bytes
    function_arn: str
    timeout: float
    client_context: str = ""
    outcome: Future[Outcome] = field(default_factory=Future)

    def complete(self, outcome: Outcome) -> None:
        """Set the outcome, unless there is one already."""
        try:
            self.outcome.set_result(outcome)
        except InvalidStateError:
            return

    def fail(self, error_type: str, message: str) -> None:
        """Set an error that Lambda itself reports as the outcome, unless there is one already."""
        self.complete(Outcome.error(error_type, f"RequestId: {self.request_id} Error: {message}"))


class RuntimeApi:
    """The Runtime API at `address` for one process.

    `ready` is set when the process asks for its first event, or has ended.
    """

    def __init__(self) -> None:
        self.ready = threading.Event()
        self._events: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._current: Invocation | None = None
        self._exit_reason = ""
        self._lock = threading.Lock()
        # The runtime client may be silent for as long as the function may run.
        self._server = HttpServer(self._handle, idle_seconds=None)
        self.address = self._server.address

    def set_current(self, invocation: Invocation) -> None:
        """Set the invocation that fails if the process ends, or has ended already."""
        with self._lock:
            self._current = invocation
            if self._exit_reason:
                self._fail_current()

    def enqueue(self, invocation: Invocation) -> None:
        """Queue an event for the process; its outcome arrives in `invocation.outcome`."""
        self._events.put(invocation)

    def process_ended(self, reason: str) -> None:
        """Fail the current invocation, because the process has ended, and stop serving."""
        with self._lock:
            self._exit_reason = reason
            self._fail_current()
        self.ready.set()
        self._events.put(None)
        self._server.stop()

    def _fail_current(self) -> None:
        if self._current:
            self._current.fail("Runtime.ExitError", f"Runtime exited with error: {self._exit_reason}")

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
        self.ready.set()
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
            current.complete(Outcome.error("Function.ResponseSizeTooLarge", message))
            return Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b'{"errorType":"RequestEntityTooLarge"}')
        current.complete(Outcome(body, failed=failed, fatal=request_id is None))
        self.ready.set()
        return Response(HTTPStatus.ACCEPTED, b'{"status":"OK"}')
