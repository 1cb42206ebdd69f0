"""Functions, run by the official runtime client in processes of their own."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from aurora_lambda_local.lambda_service import environment as environment_module
from aurora_lambda_local.lambda_service import function as function_module
from aurora_lambda_local.lambda_service.function import Function, ThrottledError
from aurora_lambda_local.lambda_service.logs import FunctionLog
from aurora_lambda_local.lambda_service.runtime_api import Invocation, RuntimeApi
from aurora_lambda_local.runtimes.virtualenv import VirtualenvImage
from tests.services import eventually

pytestmark = pytest.mark.slow

Deploy = Callable[..., Function]


def call(function: Function, **event: Any) -> Any:
    """Invoke with an event; the answer, which has to be no error."""
    result = function.invoke(json.dumps(event).encode())
    assert not result.failed, result.payload
    return json.loads(result.payload)


def fail(function: Function, **event: Any) -> dict[str, Any]:
    """Invoke with an event; the error it has to end in."""
    result = function.invoke(json.dumps(event).encode(), request_id="r-1")
    assert result.failed, result.payload
    return json.loads(result.payload)


def test_a_function_answers_and_stays_warm(deploy: Deploy) -> None:
    """Connections are kept in the environment: a new one for each invocation would hide what goes wrong with them."""
    function = deploy()
    assert call(function, name="you") == {"greeting": "good day", "event": {"name": "you"}}
    assert call(function, do="pid") == call(function, do="pid")
    assert function.environments() == 1


def test_the_context_is_lambdas(deploy: Deploy) -> None:
    """Code that reads its time left, its memory or its caller's context would go wrong only on AWS."""
    function = deploy()
    result = function.invoke(b'{"do": "context"}', client_context='{"custom": {"k": "v"}}', request_id="r-1")
    context = json.loads(result.payload)
    assert 30_000 < context.pop("milliseconds") <= 60_000
    assert context == {
        "request": "r-1",
        "arn": "arn:aws:lambda:eu-west-1:123456789012:function:hello",
        "memory": "256",
        "client": {"k": "v"},
    }


def test_the_environment_is_the_functions_own(
    deploy: Deploy, image: VirtualenvImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable of the developer's shell would make a function work here that fails on AWS."""
    monkeypatch.setenv("DATABASE_URL", "postgres://left@over/shell")
    variables = call(deploy(json_logs=True), do="environment")
    assert variables.pop("AWS_LAMBDA_RUNTIME_API").startswith("127.0.0.1:")
    assert "/[$LATEST]" in variables.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    # Set by the interpreter itself.
    variables.pop("LC_CTYPE", None)
    assert variables == {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "hello",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "GREETING": "good day",
        "LAMBDA_TASK_ROOT": str(image.directory),
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
        "_HANDLER": "app.lambda_handler",
        "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000;Sampled=0",
    }


def test_an_exception_is_reported_and_the_environment_lives_on(deploy: Deploy) -> None:
    """The error's type and message are all that a caller has to go by."""
    function = deploy()
    before = call(function, do="pid")
    error = fail(function, do="raise")
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "out of cheese")
    assert call(function, do="pid") == before


def test_a_function_that_takes_too_long_is_killed_and_reported_as_lambda_does(deploy: Deploy) -> None:
    """A function that hangs would hang here for ever, and nobody would see that its timeout is too short."""
    function = deploy(timeout=1.0)
    before = call(function, do="pid")
    started = time.monotonic()
    assert fail(function, do="sleep", seconds=30) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r-1 Error: Task timed out after 1.00 seconds",
    }
    # Not before its time, and long before its end.
    assert 1.0 <= time.monotonic() - started < 30
    assert not psutil.pid_exists(before)
    assert call(function, do="pid") != before


def test_a_process_that_exits_is_reported_as_lambda_does(deploy: Deploy) -> None:
    """The caller would wait for the timeout and learn nothing."""
    assert fail(deploy(), do="exit") == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-1 Error: Runtime exited with error: exit status 3",
    }


@pytest.mark.parametrize(
    ("event", "logged"),
    [
        (b'{"do": "exit"}', "RequestId: r-1 Error: Runtime exited with error: exit status 3\nRuntime.ExitError"),
        (
            b'{"do": "answer", "bytes": 6291457}',
            "Response payload size exceeded maximum allowed payload size (6291456 bytes).\n"
            "Function.ResponseSizeTooLarge",
        ),
    ],
)
def test_the_log_says_why_lambda_itself_ended_an_invocation(deploy: Deploy, event: bytes, logged: str) -> None:
    """Behind a URL, a stream or a queue nobody gets the error: a 502 or a batch that comes again is all there is."""
    tail = deploy().invoke(event, request_id="r-1").log_tail.decode()
    # The runtime client may log its own failure to answer beside it.
    assert f"\n{logged}\n" in tail.partition("END RequestId: r-1")[0]


def test_a_handler_that_cannot_be_imported_fails_each_invocation(deploy: Deploy) -> None:
    """A missing package is the commonest fault of an image: it has to be named."""
    function = deploy(handler="nowhere.handler")
    message = "Unable to import module 'nowhere': No module named 'nowhere'"
    for _ in range(2):
        error = fail(function)
        assert (error["errorType"], error["errorMessage"]) == ("Runtime.ImportModuleError", message)
    assert function.environments() == 0


def test_a_function_is_started_before_its_first_invocation(deploy: Deploy) -> None:
    """Code that does not start would be called deployed."""
    function = deploy()
    assert function.initialise() == ""
    assert function.environments() == 1
    assert call(function, name="you") == {"greeting": "good day", "event": {"name": "you"}}
    assert function.environments() == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import os\nraise KeyError('TABLE')", "KeyError: 'TABLE' (broken.py, line 2)"),
        (
            "import os\nimport nowhere",
            "Runtime.ImportModuleError: Unable to import module 'broken': No module named 'nowhere'"
            " (broken.py, line 2)",
        ),
        (
            "def f(:",
            "Runtime.UserCodeSyntaxError: Syntax error in module 'broken': invalid syntax"
            " (broken.py, line 1) (broken.py, line 1)",
        ),
        (
            "f = 1",
            "Runtime.HandlerNotFound: Handler 'handler' missing on module 'broken'",
        ),
    ],
)
def test_code_that_does_not_start_is_named_with_its_line(
    deploy: Deploy, image: VirtualenvImage, tmp_path: Path, code: str, error: str
) -> None:
    """The runtime client leaves out where an import failed: people would search all of their code."""
    folder = tmp_path / "image"
    folder.mkdir(parents=True)
    (folder / "broken.py").write_text(code)
    function = deploy(image=replace(image, directory=folder), handler="broken.handler")
    assert function.initialise() == error
    assert function.environments() == 0


def test_where_an_import_failed_is_one_event_of_the_log(deploy: Deploy, image: VirtualenvImage, tmp_path: Path) -> None:
    """Each of its lines had a time and a name before it, thirty for each function that has the module."""
    folder = tmp_path / "image"
    folder.mkdir(parents=True)
    (folder / "broken.py").write_text("import nowhere")
    deploy(image=replace(image, directory=folder), handler="broken.handler").initialise()
    event = json.loads((tmp_path / "hello.log").read_text().splitlines()[-1].partition(" ")[2])
    assert (event["level"], event["message"]) == ("ERROR", "ModuleNotFoundError: No module named 'nowhere'")
    assert event["stackTrace"][-2:] == [f'  File "{folder}/broken.py", line 1, in <module>\n', "    import nowhere\n"]


def test_an_answer_over_six_megabytes_is_refused_and_spoils_no_other(deploy: Deploy) -> None:
    """It would work here and fail on AWS; and the runtime client exits over it, which the next caller must not feel."""
    function = deploy()
    assert fail(function, do="answer", bytes=6 * 1024 * 1024) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291456 bytes).",
    }
    assert call(function, do="answer", bytes=5) == "yyyyy"


def test_five_megabytes_of_printing_are_logged_whole(deploy: Deploy, tmp_path: Path) -> None:
    """A full pipe would block the function until its timeout."""
    function = deploy()
    result = function.invoke(b'{"do": "print", "bytes": 5000000}', request_id="r-1")
    assert not result.failed
    log = (tmp_path / "hello.log").read_text()
    assert log.count("x") >= 5_000_000
    assert len(result.log_tail) == 4096
    assert result.log_tail.decode().splitlines()[-2] == "END RequestId: r-1"


def test_the_log_has_lambdas_own_lines_around_the_functions(deploy: Deploy) -> None:
    """Durations and memory are read off these lines."""
    function = deploy()
    cold = function.invoke(b'{"do": "print", "bytes": 3}', request_id="r-1").log_tail.decode().splitlines()
    warm = function.invoke(b'{"do": "print", "bytes": 3}', request_id="r-2").log_tail.decode().splitlines()
    assert cold[:3] == ["START RequestId: r-1 Version: $LATEST", "xxx", "END RequestId: r-1"]
    assert [word.partition(":")[0] for word in cold[3].strip().split("\t")] == [
        "REPORT RequestId",
        "Duration",
        "Billed Duration",
        "Memory Size",
        "Max Memory Used",
        "Init Duration",
    ]
    assert "Memory Size: 256 MB" in cold[3]
    assert warm[0] == "START RequestId: r-2 Version: $LATEST"
    assert "Init Duration" not in warm[3]


def test_json_logs_are_json_line_by_line(deploy: Deploy) -> None:
    """A tool that reads the log as JSON would stop at the first other line."""
    tail = deploy(json_logs=True).invoke(b"{}", request_id="r-1").log_tail.decode()
    start, report = (json.loads(line) for line in tail.splitlines())
    assert (start["type"], start["record"]) == ("platform.start", {"requestId": "r-1", "version": "$LATEST"})
    assert report["type"] == "platform.report"
    assert report["record"]["requestId"] == "r-1"
    assert report["record"]["metrics"]["memorySizeMB"] == 256


def test_there_are_as_many_environments_as_invocations_at_once(deploy: Deploy) -> None:
    """Faults of concurrency, such as too many connections, would not show here."""
    function = deploy(concurrency=4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: call(function, do="sleep", seconds=1), range(4)))
        assert function.environments() == 4
        list(pool.map(lambda _: call(function), range(40)))
    assert function.environments() == 4


def test_more_than_the_limit_waits_and_is_then_throttled(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a limit a loop of requests would start processes until the machine stands still."""
    monkeypatch.setattr(function_module, "QUEUE_SECONDS", 0.5)
    function = deploy(concurrency=1)
    busy = threading.Thread(target=call, args=(function,), kwargs={"do": "sleep", "seconds": 2})
    busy.start()
    assert eventually(lambda: function.environments() == 1)
    with pytest.raises(ThrottledError, match="hello is busy in all its 1 environments"):
        function.invoke(b"{}")
    busy.join()
    assert call(function)["greeting"] == "good day"


def test_an_event_waits_for_an_environment_and_uses_up_no_try(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events beyond a reserved concurrency would be lost without a word: Lambda keeps them for hours."""
    monkeypatch.setattr(function_module, "QUEUE_SECONDS", 0.05)
    monkeypatch.setattr(function_module, "RETRY_SECONDS", (0.05, 0.05))
    function = deploy(concurrency=1)
    call(function)
    with ThreadPoolExecutor() as pool:
        events = [pool.submit(function.invoke_event, b'{"do": "sleep", "seconds": 0.5}') for _ in range(3)]
    assert [event.result() for event in events] == ["", "", ""]


def test_an_event_fails_at_once_where_nothing_may_run(deploy: Deploy) -> None:
    """A function that is switched off would run for hours as soon as it is switched on."""
    assert deploy(concurrency=0).invoke_event(b"{}") == "hello may not run: its reserved concurrency is 0"


def test_an_event_that_waits_ends_with_its_function(deploy: Deploy) -> None:
    """A function that the program no longer has would go on for as long as there are events."""
    function = deploy(concurrency=1)
    with ThreadPoolExecutor() as pool:
        running, waiting = (pool.submit(function.invoke_event, b'{"do": "sleep", "seconds": 60}') for _ in range(2))
        assert eventually(lambda: function.environments() == 1)
        function.stop()
        assert {running.result(), waiting.result()} == {"hello is stopped"}
    assert function.environments() == 0


def test_nothing_is_left_of_a_stopped_function(deploy: Deploy) -> None:
    """Each edit would leave processes behind."""
    function = deploy()
    process = call(function, do="pid")
    function.stop()
    assert not psutil.pid_exists(process)


def test_an_environment_that_died_unnoticed_fails_at_once(deploy: Deploy) -> None:
    """The caller would wait for the function's timeout, and then be told that it took too long."""
    api = RuntimeApi()
    api.process_ended("signal: killed")
    invocation = Invocation("r-1", b"{}", "arn", timeout=900.0)
    api.set_current(invocation)
    assert json.loads(invocation.outcome.result(timeout=0).payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-1 Error: Runtime exited with error: signal: killed",
    }


def test_a_full_disk_costs_the_log_and_nothing_else(deploy: Deploy, image: VirtualenvImage) -> None:
    """A function would hang until its timeout, as nobody takes what it prints."""
    config = deploy().config
    function = Function(config, FunctionLog(Path("/dev/full")))
    try:
        assert call(function, do="print", bytes=500_000)["greeting"] == "good day"
    finally:
        function.stop()


def test_a_child_in_a_session_of_its_own_ends_with_its_environment(deploy: Deploy, tmp_path: Path) -> None:
    """It would hold the port, the file or the connection that the next environment needs."""
    noted = tmp_path / "child"
    function = deploy()
    call(function, do="child", path=str(noted))
    child = psutil.Process(int(noted.read_text()))
    assert child.is_running()
    function.stop()
    assert eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_the_start_that_up_tries_waits_longer_than_lambda(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine would be reported as a function that does not start."""
    monkeypatch.setattr(environment_module, "INIT_SECONDS", 0.001)
    assert deploy(timeout=0.001).initialise() == ""
