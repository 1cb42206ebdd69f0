"""Which lines of a log belong to which request."""

from pathlib import Path

import pytest

from aurora_lambda_local.deployed.log_window import LogWindow

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
NOON = "2026-11-29T12:00:00.00"


def write(folder: Path, *lines: str, name: str = "handler-174a9ba") -> None:
    with (folder / f"{name}.log").open("a") as log:
        log.writelines(f"{NOON}{number}Z {line}\n" for number, line in enumerate(lines))


@pytest.fixture
def window(tmp_path: Path) -> LogWindow:
    return LogWindow(tmp_path)


def test_what_a_function_prints_belongs_to_the_request_it_works_on(tmp_path: Path, window: LogWindow) -> None:
    """The filter would show the lines of Lambda alone, and not what was printed in between."""
    write(
        tmp_path,
        "printed while it is imported",
        f"START RequestId: {FIRST} Version: $LATEST",
        "printed",
        f"REPORT RequestId: {FIRST}\tDuration: 5 ms\tMemory Size: 256 MB\tMax Memory Used: 56 MB",
        f'{{"timestamp": "t", "level": "ERROR", "message": "broken", "requestId": "{SECOND}"}}',
        "printed afterwards",
    )
    assert [(line.request_id, line.is_error, line.text.strip()) for line in window.lines("handler")] == [
        ("", False, "printed while it is imported"),
        (FIRST, False, "printed"),
        (FIRST, False, "REPORT   11111111: 5 ms, 56 of 256 MB"),
        (SECOND, True, "ERROR    broken"),
        ("", False, "printed afterwards"),
    ]
    assert [line.text.strip() for line in window.lines("handler", "22")] == ["ERROR    broken"]


def test_a_line_of_two_requests_at_once_is_given_to_neither(tmp_path: Path, window: LogWindow) -> None:
    """Somebody would search the fault in the wrong request."""
    write(tmp_path, f"START RequestId: {FIRST}", f"START RequestId: {SECOND}", "whose", f"END RequestId: {SECOND}")
    assert [(line.request_id, line.text) for line in window.lines("handler")] == [("", "whose")]


def test_reading_goes_on_where_it_stopped_and_knows_the_last_error(tmp_path: Path, window: LogWindow) -> None:
    """A page that follows the log would show lines twice, or none."""
    write(tmp_path, "one", "[ERROR] ValueError: out of cheese")
    write(tmp_path, "other", name="copy")
    lines = window.lines("handler")
    write(tmp_path, "two")
    assert [line.text for line in window.lines("handler", after=lines[-1].number)] == ["two"]
    assert {name: line.text for name, line in window.last_errors().items()} == {
        "handler": "[ERROR] ValueError: out of cheese"
    }
