"""Changing a stack's file as text, so that its comments and its order stay."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from aurora_lambda_local.cli.stack_entries import child, content_end
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.program.configuration import load_stack_file

Keys = tuple[str, str]
Entry = Mapping[str, str | bool]


def add_stream(file: Path, project: str, entry: Entry) -> str:
    """Return the text of a stack's file with one more entry in its list of streams, fit for its engine.

    Raises:
        UsageError: there is no such file, it has a stream of that name, or it is written in a way that is left to a
            person to change.
    """
    if not file.is_file():
        raise UsageError(f"there is no stack file {file}: name another stack with --stack")
    keys = (f"{project}:streams", "streams")
    try:
        text = f"{file.read_text(encoding='utf-8').rstrip()}\n"
        streams, engine = _streams(text, keys), _configured(text, (f"{project}:engine", "engine"))
    except ValueError as error:
        raise UsageError(f"{file} is not a Pulumi stack file: {error}") from None
    if engine == "none":
        entry = {**entry, "database": False}
    if entry["name"] in [stream.get("name") for stream in streams if isinstance(stream, dict)]:
        raise UsageError(f"{file} has a stream {entry['name']!r} already")
    changed = _insert(text, entry, keys)
    with suppress(ValueError):
        if _streams(changed, keys) == [*streams, entry]:
            return changed
    lines = "\n".join(_lines(entry, 4))
    raise UsageError(f"{file} is not written as expected; add this to {keys[0]} in it:\n{lines}")


def _streams(text: str, keys: Keys) -> list[Entry]:
    try:
        return list(_configured(text, keys) or [])
    except TypeError as error:
        raise ValueError(str(error)) from None


def _configured(text: str, keys: Sequence[str]) -> Any:
    """Return the value that the configuration has under one of these keys, or None."""
    try:
        config = load_stack_file(text).get("config") or {}
        return next((config[key] for key in keys if key in config), None)
    except (yaml.YAMLError, AttributeError, TypeError) as error:
        raise ValueError(str(error)) from None


def _insert(text: str, entry: Entry, keys: Keys) -> str:
    """Return the text with the entry after the last one, or with a list of it at the end of the configuration."""
    root = yaml.compose(text)
    config = child(root, "config")
    if config is None:
        return f"{text}config:\n  {keys[0]}:\n" + "\n".join(_lines(entry, 4)) + "\n"
    streams = child(config, *keys)
    new = [f"{' ' * config.start_mark.column}{keys[0]}:", *_lines(entry, config.start_mark.column + 2)]
    if streams is not None:
        new = _lines(entry, streams.start_mark.column)
    lines = text.splitlines()
    end = content_end(lines, (streams or config).end_mark.line)
    return "\n".join([*lines[:end], *new, *lines[end:]]) + "\n"


def _lines(entry: Entry, indentation: int) -> list[str]:
    """Return the entry as YAML."""
    text = yaml.safe_dump([dict(entry)], sort_keys=False).splitlines()
    return [f"{' ' * indentation}{line}" for line in text]
