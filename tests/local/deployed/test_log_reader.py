"""Logs as the environments of functions write them, read while they grow."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_lambda_local.deployed.log_reader import LogReader
from aurora_lambda_local.lambda_service import logs
from aurora_lambda_local.lambda_service.logs import LINE_BYTES, FunctionLog, OutputPump


@pytest.fixture
def output(tmp_path: Path) -> Iterator[int]:
    """Give the output of an environment of the function `hello`."""
    pump = OutputPump(FunctionLog(tmp_path / "hello.log"))
    output = os.dup(pump.sink)
    pump.start()
    yield output
    os.close(output)


def read(reader: LogReader, count: int) -> list[str]:
    """Return the texts of the next `count` events."""
    events: list[str] = []
    while len(events) < count:
        events += [event.text for event in reader.read()]
    return events


def test_lines_are_read_once_and_when_they_are_whole(tmp_path: Path, output: int) -> None:
    """Who follows a log would see lines twice, or in pieces."""
    reader = LogReader(tmp_path)
    os.write(output, b"one\ntwo\nth")
    assert read(reader, 2) == ["one", "two"]
    os.write(output, b"ree\n\n \xff\n")
    assert read(reader, 3) == ["three", "", " \ufffd"]
    assert reader.read() == []


def test_lines_of_several_functions_are_in_order_of_time(tmp_path: Path) -> None:
    """What one function does for another could not be told from the logs."""
    (tmp_path / "a.log").write_text("2026-11-21T10:00:00.001Z first\n2026-11-21T10:00:00.003Z third\n")
    (tmp_path / "b.log").write_text("2026-11-21T10:00:00.002Z second\n")
    reader = LogReader(tmp_path)
    assert reader.functions() == ["a", "b"]
    events = reader.read()
    assert [(event.function, event.text) for event in events] == [("a", "first"), ("b", "second"), ("a", "third")]
    assert events[1].time.isoformat() == "2026-11-21T10:00:00.002000+00:00"


def test_a_line_that_is_not_ended_is_kept_apart_from_lambdas_own(tmp_path: Path) -> None:
    """A function that prints no newline at its end would make the REPORT after it unreadable."""
    pump = OutputPump(FunctionLog(tmp_path / "hello.log"))
    output = os.dup(pump.sink)
    pump.start()
    os.write(output, b"half")
    pump.write("END")
    os.write(output, b"x" * (LINE_BYTES + 1))
    os.close(output)
    assert read(LogReader(tmp_path), 3) == ["half", "END", "x" * (LINE_BYTES + 1)]


def test_a_log_that_begins_anew_is_read_from_its_start(tmp_path: Path) -> None:
    """Who follows the logs over a `down` and an `up` would miss the new ones."""
    log, reader = tmp_path / "hello.log", LogReader(tmp_path)
    assert reader.read() == []
    log.write_text("2026-11-21T10:00:00.001Z a line of the first\n")
    assert [event.text for event in reader.read()] == ["a line of the first"]
    log.write_text("2026-11-21T10:01:00.001Z second\n")
    assert [event.text for event in reader.read()] == ["second"]


def test_a_line_that_a_full_disk_has_cut_is_left_out(tmp_path: Path) -> None:
    """One full disk would make the logs unreadable for ever."""
    (tmp_path / "hello.log").write_text("2026-11-2026-11-21T10:00:00.001Z cut\n2026-11-21T10:00:00.002Z whole\n")
    assert [event.text for event in LogReader(tmp_path).read()] == ["whole"]


def test_a_log_is_bounded_and_its_reader_misses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that logs much would fill the disk of a machine that nobody looks at."""
    monkeypatch.setattr(logs, "LOG_BYTES", 2_000)
    log, reader, seen = FunctionLog(tmp_path / "hello.log"), LogReader(tmp_path), []
    for number in range(200):
        log.write(f"line {number}".encode())
        if number % 10 == 0:
            seen += [event.text for event in reader.read()]
    seen += [event.text for event in reader.read()]
    assert seen == [f"line {number}" for number in range(200)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hello.log", "hello.log.1"]
    assert all(path.stat().st_size < 2_100 for path in tmp_path.iterdir())
    assert [event.text for event in LogReader(tmp_path).read()][-1] == "line 199"


def test_two_versions_of_a_function_fill_one_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a new version is deployed, each would put its file in the place of the other's, and lines be lost."""
    monkeypatch.setattr(logs, "LOG_BYTES", 2_000)
    old, new = FunctionLog(tmp_path / "hello.log"), FunctionLog(tmp_path / "hello.log")
    reader, seen = LogReader(tmp_path), []
    for number in range(200):
        # They become full at different times.
        (new if number % 3 else old).write(f"line {number}".encode())
        if number % 10 == 0:
            seen += [event.text for event in reader.read()]
    seen += [event.text for event in reader.read()]
    assert seen == [f"line {number}" for number in range(200)]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 2_000
