"""What a person reads of a function's log."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aurora_lambda_local.deployed.log_lines import format_event
from aurora_lambda_local.deployed.log_reader import LogEvent

REQUEST = "7451581d-b1d0-4558-b7ce-32f52fb6aa21"
METRICS = {"durationMs": 24.47, "billedDurationMs": 1267, "memorySizeMB": 256, "maxMemoryUsedMB": 55}
REPORT = (
    f"REPORT RequestId: {REQUEST}\tDuration: 24.47 ms\tBilled Duration: 25 ms\tMemory Size: 256 MB\t"
    "Max Memory Used: 55 MB\t"
)
IMAGE = "/home/me/work/.local/images/10032f77c9474c96"
PACKAGES = "/home/me/work/.local/environments/5f1e/lib/python3.13/site-packages"
FRAMES = [
    f'  File "{IMAGE}/lambda_images/handler/app.py", line 17, in lambda_handler\n    return dispatcher.handle(event)\n',
    f'  File "{PACKAGES}/sqlalchemy/engine/base.py", line 99, in execute\n    raise error\n',
    '  File "/var/lang/lib/python3.13/json/decoder.py", line 9, in decode\n',
    '  File "/var/task/lambda_images/payload.py", line 25, in parse\n    raise ValueError(text)\n',
]
ERROR = {"errorType": "ValueError", "errorMessage": "no", "stackTrace": FRAMES}
IMPORTING = [
    '  File "/var/lang/lib/python3.13/importlib/__init__.py", line 88, in import_module\n    return _bootstrap()\n',
    '  File "<frozen importlib._bootstrap>", line 1206, in _gcd_import\n',
    '  File "<frozen importlib._bootstrap_external>", line 940, in exec_module\n',
    '  File "/var/task/application/web.py", line 2, in <module>\n    import nowhere\n    ^^^^^^^^^^^^^^\n',
    '  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed\n',
]
SHORT_FRAMES = """
    File "lambda_images/handler/app.py", line 17, in lambda_handler
      return dispatcher.handle(event)
    File "sqlalchemy/engine/base.py", line 99, in execute
      raise error
    File "json/decoder.py", line 9, in decode
    File "lambda_images/payload.py", line 25, in parse
      raise ValueError(text)"""


@pytest.fixture(autouse=True)
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the clock of the machine to a zone other than UTC."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(text: str | dict[str, object]) -> str:
    """Return what is printed of an event at 9 o'clock, without the time."""
    line = text if isinstance(text, str) else json.dumps(text)
    parts = format_event(LogEvent(datetime(2026, 1, 2, 14, tzinfo=UTC), "handler", line))
    return "".join(part for part, _ in parts).removeprefix("2026-01-02 09:00:00  ")


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("a printed line", "a printed line"),
        ('{"id": 7}', '{"id": 7}'),
        ("[1, 2]", "[1, 2]"),
        (
            {"timestamp": "2026-01-02T14:00:00Z", "level": "WARNING", "message": "run again", "logger": "db"},
            "WARNING  run again",
        ),
        (
            {"level": "INFO", "message": "sent", "requestId": REQUEST, "order": 7, "to": "a b", "ok": True, "why": ""},
            'INFO     sent order=7 to="a b" ok=true why=""',
        ),
        ({"level": "INFO", "message": {"order": 7, "lines": ["x"]}}, 'INFO     order=7 lines=["x"]'),
        ({"level": "INFO", "message": "two\nlines"}, "INFO     two\n  lines"),
        ({"level": "INFO", "message": ""}, "INFO     "),
        (
            {"level": "ERROR", **ERROR, "requestId": REQUEST},
            f"ERROR    ValueError: no{SHORT_FRAMES}",
        ),
        (
            {"level": "ERROR", **ERROR, "message": "failed"},
            f"ERROR    failed{SHORT_FRAMES}\n  ValueError: no",
        ),
        ({"level": "ERROR", "errorType": "Runtime.ExitError"}, "ERROR    Runtime.ExitError"),
        (
            f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed",
            f"ERROR    RequestId: {REQUEST} Error: Runtime exited with error: signal: killed",
        ),
        (
            f"2026-01-02T14:00:00.123Z {REQUEST} Task timed out after 3.00 seconds",
            f"ERROR    2026-01-02T14:00:00.123Z {REQUEST} Task timed out after 3.00 seconds",
        ),
        (f"[ERROR] ValueError: no\r{''.join(FRAMES)}", f"[ERROR] ValueError: no{SHORT_FRAMES}"),
    ],
)
def test_what_a_function_logs_reads_as_text(line: str | dict[str, object], printed: str) -> None:
    """People would have to read JSON, or look for a line of code in a path that is not the repository's."""
    assert shown(line) == printed


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        (f"START RequestId: {REQUEST} Version: $LATEST", ""),
        (f"END RequestId: {REQUEST}", ""),
        ("INIT_START Runtime Version: python:3.13.v1", ""),
        ("", ""),
        ({"time": "x", "type": "platform.start", "record": {"requestId": REQUEST}}, ""),
        ({"level": "WARNING", "message": "LAMBDA_WARNING: Unhandled exception. The most likely cause"}, ""),
        (REPORT, "REPORT   7451581d: 24 ms, 55 of 256 MB"),
        (f"{REPORT}Init Duration: 1242.32 ms\t", "REPORT   7451581d: 24 ms, 55 of 256 MB, init 1242 ms"),
        (
            {"type": "platform.report", "record": {"requestId": REQUEST, "status": "success", "metrics": METRICS}},
            "REPORT   7451581d: 24 ms, 55 of 256 MB",
        ),
        (
            {
                "type": "platform.report",
                "record": {
                    "requestId": REQUEST,
                    "status": "timeout",
                    "metrics": METRICS | {"initDurationMs": 1242.316},
                },
            },
            "REPORT   7451581d: 24 ms, 55 of 256 MB, init 1242 ms, timeout",
        ),
    ],
)
def test_lambdas_own_lines_are_one_short_line(line: str | dict[str, object], printed: str) -> None:
    """Three long lines of Lambda's would hide each line of the function's."""
    assert shown(line) == printed


def test_a_line_begins_with_the_time_and_the_function() -> None:
    """Nobody could tell when something happened, or where."""
    now = datetime.now(UTC)
    assert format_event(LogEvent(now, "handler", '{"level": "ERROR", "message": "no"}'), name_width=10) == [
        (f"{now.astimezone():%H:%M:%S}  ", "dim"),
        ("handler     ", "cyan"),
        ("ERROR    ", "red"),
        ("no", ""),
        ("", ""),
    ]
    days_ago = LogEvent(now - timedelta(days=3), "handler", "x")
    assert format_event(days_ago)[0] == (f"{days_ago.time.astimezone():%Y-%m-%d %H:%M:%S}  ", "dim")


def test_how_python_imports_is_left_out_of_a_trace() -> None:
    """A slip in a module that all functions import takes a screen of each, with its own line at the end of that."""
    error = {"errorType": "NameError", "errorMessage": "no", "stackTrace": IMPORTING}
    assert shown({"level": "ERROR", **error}) == (
        'ERROR    NameError: no\n    File "application/web.py", line 2, in <module>\n      import nowhere\n'
        "      ^^^^^^^^^^^^^^"
    )
