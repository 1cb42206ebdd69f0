"""Reads configuration keys that hold a list of objects, each object with keys of its own."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from aurora_lambda.arguments import Value
from aurora_lambda.service.keys import ConfigKey


def parse_entries(text: str, takes: str) -> list[Mapping[str, object]]:
    """Return the objects of a JSON list.

    Raises:
        ValueError: the text is no list of objects; the message says that it must be what `takes` says.
    """
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"must be {takes}")
    return entries


def read_entry(
    entry: Mapping[str, object], keys: Mapping[str, ConfigKey], required: Sequence[str], what: str
) -> tuple[dict[str, Value], list[str]]:
    """Return the values of one object by their fields, and every mistake in it; `what` is it, as in "a stream"."""
    mistakes = [f"{key} is missing; must be {keys[key].argument.takes}" for key in required if key not in entry]
    values: dict[str, Value] = {}
    for name, value in entry.items():
        if name not in keys:
            near = get_close_matches(name, keys, n=1)
            mistakes.append(f"{name} is not a key of {what}" + (f"; did you mean {near[0]!r}?" if near else ""))
            continue
        try:
            values[keys[name].field] = _read_value(value, keys[name])
        except ValueError as error:
            mistakes.append(f"{name} is {value!r}; {error}")
    return values, mistakes


def _read_value(value: object, key: ConfigKey) -> Value:
    if isinstance(value, str):
        return key.read(value)
    return key.argument.check(tuple(value) if isinstance(value, list) else value)  # ty: ignore[invalid-argument-type]
