"""Reads configuration values, which Pulumi passes as text."""

import json
import re
from collections.abc import Callable, Mapping

from aurora_lambda.arguments import Argument, Value, ValueType


def read_value(text: str, argument: Argument) -> Value:
    """Return the value that `text` stands for.

    Raises:
        ValueError: the argument does not take it; the message says what it takes.
    """
    value = _READERS[argument.type](text)
    if value is None:
        raise ValueError(f"must be {argument.takes}")
    return argument.check(value)


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", text) else None


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def _array(text: str) -> tuple[str, ...] | None:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, list) or not all(isinstance(item, str) for item in parsed):
        return None
    return tuple(parsed)


_READERS: Mapping[ValueType, Callable[[str], Value | None]] = {
    "string": str,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
}
