"""Format what functions log for people: Lambda's JSON unfolded, its own lines shortened."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aurora_lambda_local.deployed.log_reader import LogEvent

# Where the code of functions, of packages and of Python is, on Lambda and here.
CODE_FOLDERS = re.compile(r'(?<=File ")[^"]*(?:/var/task/|/\.local/images/\w+/|/site-packages/|/lib/python3\.\d+/)')
# How Python imports a module, which says nothing of the module that fails: a dozen lines for each import.
IMPORT_FRAME = re.compile(r'  File "(?:<frozen importlib|[^"]*/importlib/__init__\.py).*\n(?:    .*\n)*')
REPORT = re.compile(
    r"REPORT RequestId: (?P<requestId>\S+)\s+Duration: (?P<durationMs>[\d.]+) ms.*"
    r"Memory Size: (?P<memorySizeMB>\d+) MB\s+Max Memory Used: (?P<maxMemoryUsedMB>\d+) MB"
    r"(?:\s+Init Duration: (?P<initDurationMs>[\d.]+) ms)?",
)
# What Lambda says of an invocation that it has ended itself.
LAMBDA_ERROR = re.compile(r"RequestId: \S+ Error: |\S+Z \S+ Task timed out after ")
PLATFORM_LINE = re.compile(r"(START|END) RequestId: |INIT_START ")
# What the runtime client says of every error of an init phase, before the error itself.
INIT_WARNING = "LAMBDA_WARNING: Unhandled exception."
# What a line of its own tells of, or none needs to know.
FOLDED = {"timestamp", "level", "message", "logger", "requestId", "location", "errorType", "errorMessage", "stackTrace"}
LEVEL_STYLES = {"DEBUG": "dim", "INFO": "green", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
INDENTATION = "  "
# The room for a function's name, where no name is longer.
NAME_WIDTH = len("migrations")


@dataclass(frozen=True)
class Entry:
    """What an event says, and the lines that belong to it; what a function printed has no level."""

    level: str
    text: str
    more: tuple[str, ...] = ()


def format_event(event: LogEvent, *, name_width: int = 0) -> list[tuple[str, str]]:
    """Return an event as texts with their styles; nothing for one of Lambda's own that says nothing.

    Args:
        event: The event.
        name_width: The room for the function's name; without any it is left out.
    """
    entry = _entry(event.text)
    if entry is None:
        return []
    name = f"{event.function:<{name_width}}  " if name_width else ""
    level = f"{entry.level:<7}  " if entry.level else ""
    more = "".join(f"\n{INDENTATION}{line}" for line in entry.more)
    return [
        (f"{_local_time(event.time)}  ", "dim"),
        (name, "cyan"),
        (level, LEVEL_STYLES.get(entry.level, "dim")),
        (entry.text, "dim" if entry.level == "REPORT" else ""),
        (more, ""),
    ]


def _local_time(time: datetime) -> str:
    """Return a time as this machine's clock has it, with the day unless that is today."""
    local, today = time.astimezone(), datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M:%S}"


def _entry(text: str) -> Entry | None:
    """Return what a person reads of an event."""
    if PLATFORM_LINE.match(text) or not text:
        return None
    if report := REPORT.match(text):
        return _report(report.groupdict())
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return _split("ERROR" if LAMBDA_ERROR.match(text) else "", text)
    kind = str(record.get("type", ""))
    if kind == "platform.report":
        return _report({**record["record"], **record["record"]["metrics"]})
    if kind.startswith("platform.") or str(record.get("message")).startswith(INIT_WARNING):
        return None
    return _record(record) if FOLDED & record.keys() else _split("", text)


def _report(values: Mapping[str, Any]) -> Entry:
    """Return Lambda's report of an invocation."""
    parts = [
        f"{float(values['durationMs']):.0f} ms",
        f"{values['maxMemoryUsedMB']} of {values['memorySizeMB']} MB",
        f"init {float(values['initDurationMs']):.0f} ms" if values.get("initDurationMs") else "",
        values["status"] if values.get("status", "success") != "success" else "",
    ]
    return Entry("REPORT", f"{values['requestId'][:8]}: {', '.join(part for part in parts if part)}")


def _record(record: Mapping[str, Any]) -> Entry:
    """Return a record of Python's logging, or an error that ended an invocation."""
    error = ": ".join(str(record[key]) for key in ("errorType", "errorMessage") if record.get(key))
    message = record.get("message", error)
    text = _pairs(message) if isinstance(message, dict) else str(message)
    pairs = _pairs({key: value for key, value in record.items() if key not in FOLDED})
    trace = IMPORT_FRAME.sub("", "".join(record.get("stackTrace", ())))
    ending = error if "message" in record else ""
    return _split(str(record.get("level", "")), f"{text} {pairs}".strip() + f"\n{trace}{ending}")


def _pairs(values: Mapping[str, object]) -> str:
    return " ".join(f"{key}={_value(value)}" for key, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, str) and value and not re.search(r'[\s"=]', value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _split(level: str, text: str) -> Entry:
    """Return an entry of one line or several, with source files as the repository has them."""
    first, *more = CODE_FOLDERS.sub("", text).splitlines()
    return Entry(level, first, tuple(more))
