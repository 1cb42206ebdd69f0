"""Format results for people."""

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_runtime.migrations.outcome import MigrationResult

MISSING_PACKAGE = re.compile(r"(?:does not start|cannot be loaded): .*No module named '\w+'")
NOTHING_TO_PRINT = {"sql": "-- nothing is pending", "current": "no revision", "history": "no revisions"}


def migration_summary(result: MigrationResult) -> str:
    """Return the output of a migration command that prints something, or a summary of what another one did."""
    if result["output"] or result["command"] in NOTHING_TO_PRINT:
        return result["output"].rstrip("\n") or NOTHING_TO_PRINT[result["command"]]
    lines = []
    if result["applied"]:
        lines.append("undone:" if result["command"] == "downgrade" else "applied:")
        lines += ["  {revision}  {message}  ({duration_ms} ms)".format(**step) for step in result["applied"]]
    if result["pending"]:
        lines.append("pending:")
        lines += ["  {revision}  {message}".format(**step) for step in result["pending"]]
    before, after = (revision or "empty" for revision in (result["before"], result["after"]))
    position = after if before == after else f"{before} -> {after}"
    summary = f"{result['command']}: {result['status']}, {result['engine']} at {position} ({result['duration_ms']} ms)"
    return "\n".join([*lines, summary])


def status_lines(report: Mapping[str, object]) -> list[str]:
    """Return the lines of `aurora-lambda status`."""
    return [f"{label:16} {text}" for key, value in report.items() for label, text in _entries(key, value)]


def status_value(report: Mapping[str, object], key: str) -> str:
    """Return one value of the status, or one output of the stack, for `$(aurora-lambda status KEY)`.

    Raises:
        UsageError: there is none.
    """
    outputs = report["outputs"]
    values = {**outputs, **report} if isinstance(outputs, Mapping) else report
    if key not in values:
        near = get_close_matches(key, values, n=1)
        raise UsageError(
            f"the status has no {key}; " + (f"did you mean {near[0]}?" if near else "see aurora-lambda status")
        )
    value = values[key]
    if value == "":
        raise UsageError(f"there is no {key} now; start the stack with: aurora-lambda up")
    return value if isinstance(value, str) else json.dumps(value)


def _entries(key: str, value: object) -> list[tuple[str, str]]:
    """Return a value of the status as lines, the first one labelled with its key."""
    if isinstance(value, list):
        return [("" if number else key, str(item)) for number, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return [(key, "-" if value in (None, "") else str(value))]
    return [("" if number else key, f"{name}: {_describe(item)}") for number, (name, item) in enumerate(value.items())]


def _describe(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    if "memorySize" in value:
        version = "" if value["version"] == "$LATEST" else f", version {value['version']}"
        version += "" if value["version"] == value["newest"] else f" of {value['newest']}: rolled back"
        return "{name}, {memorySize} MB, {timeout} s, {environments} environments".format(**value) + version
    if "oldestRecordAge" in value:
        age = value["oldestRecordAge"]
        waiting = "no record waits" if age is None else f"oldest record waits {age:.0f} s"
        return "{state}, at {position}, {waiting}, {failures} failures".format(**value, waiting=waiting)
    if "deadLetters" in value:
        return "{state}, {waiting} waiting, {inWork} in work, {deadLetters} dead letters".format(**value)
    if "expression" in value:
        error = f", failed: {value['error']}" if value["error"] else ""
        times = {key: value[key] or "never" for key in ("next", "last")}
        return "{state}, {expression}, next {next}, last {last}{error}".format(**{**value, **times, "error": error})
    return json.dumps(value)


def advice_here(message: str, stack: str, assignments: Sequence[str], aws: str = "aws") -> str:
    """Return what a stack's program says, with what to type here in place of Pulumi's commands and AWS's.

    Args:
        message: What the program says.
        stack: The stack whose file is read.
        assignments: The values of `-c`, each `KEY=VALUE`; they are in no file.
        aws: AWS's command line, as it reaches the stack that is up here.
    """
    if MISSING_PACKAGE.search(message):
        message += (
            "\nA package that functions import goes under handler in pyproject.toml's [dependency-groups], and what"
            " tables.py imports under migrations too; then type: make setup"
        )
    message = re.sub(r"\baws (?=dynamodb )", f"{aws} ", message)
    for key in [assignment.partition("=")[0].rpartition(":")[2] for assignment in assignments]:
        removal = rf"pulumi config rm {re.escape(key)}\b"
        message = re.sub(f"Type: {removal}", f"Leave out -c {key}", message)
        message = re.sub(f"(remove it with: )?{removal}", f"leave out -c {key}", message)
        message = re.sub(rf"pulumi config set {re.escape(key)} (\S+)", rf"-c {key}=\1", message)
    here = "" if stack == "local" else f" -s {stack}"
    # Only Pulumi encrypts, and what it has encrypted cannot be read here.
    message = message.replace("config set --secret", "config set") if not here else message
    return re.sub(r"(?<!on AWS `)pulumi (config|up)\b(?! set --secret)", rf"aurora-lambda \1{here}", message)
