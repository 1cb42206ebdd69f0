"""`aurora-lambda config`: read and change a stack's file, as `pulumi config` does."""

import argparse
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from aurora_lambda.project import Project
from aurora_lambda_local.cli.stack_file import changed_text, value_at, with_value, without_value
from aurora_lambda_local.cli.terminal import print_line
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.program.configuration import full_key, load_stack_file, read_configuration

if TYPE_CHECKING:
    from aurora_lambda.service.keys import ConfigKey

# Shown for a value that only Pulumi can decrypt.
ENCRYPTED = "[secret]"
# The index of an entry in a list of objects, and a key of that; what follows is in the key's own list.
SEGMENTS_OF_A_KEY = 2
SEGMENT = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]")


def show(options: argparse.Namespace) -> None:
    """Print the configuration in a stack's file, or one value of it."""
    configuration = StackConfiguration(options.stack or "local")
    if options.key:
        print(configuration.get(options.key, path=options.path))
        return
    for line in configuration.lines():
        print_line(line)


def set_key(options: argparse.Namespace) -> None:
    """Set a key in a stack's file."""
    configuration = StackConfiguration(options.stack or "local")
    configuration.set(options.key, options.value, path=options.path)
    _print_change(configuration)


def remove_key(options: argparse.Namespace) -> None:
    """Remove a key from a stack's file."""
    configuration = StackConfiguration(options.stack or "local")
    configuration.remove(options.key, path=options.path)
    _print_change(configuration)


def _print_change(configuration: "StackConfiguration") -> None:
    up = "aurora-lambda up" if configuration.stack == "local" else f"aurora-lambda up -s {configuration.stack}"
    print(f"{configuration.file} is changed; apply it here with: {up}")


class StackConfiguration:
    """The configuration in one stack's file."""

    def __init__(self, stack: str, checkout: Path | None = None) -> None:
        """Read the file.

        Raises:
            UsageError: there is no such stack, or its file cannot be used.
        """
        project = Project.find(checkout)
        self.project, self.stack, self.file = project.name, stack, project.stack_file(stack)
        self._program = project
        self.values = read_configuration(project, stack, ENCRYPTED)

    def lines(self) -> Iterator[str]:
        """Yield every key with its value."""
        for key, value in sorted(self.values.items()):
            yield f"{key.removeprefix(f'{self.project}:'):32} {value}"

    def get(self, text: str, *, path: bool) -> str:
        """Return the value of a key.

        Raises:
            UsageError: it has none.
        """
        key, segments = self._parse(text, path=path)
        try:
            value = value_at(self._value(key), segments) if segments else self.values[key]
        except LookupError:
            raise self._unset(text, key) from None
        return value if isinstance(value, str) else json.dumps(value)

    def set(self, text: str, new: str, *, path: bool) -> None:
        """Give a key a value; one inside a list or an object may be a number or true or false, as in Pulumi.

        Raises:
            UsageError: there is no such key, it does not take this value, or the file is left to a person to change.
        """
        key, segments = self._parse(text, path=path)
        try:
            value = with_value(self._value(key) if segments else None, segments, _typed(new) if segments else new)
        except (LookupError, TypeError):
            raise UsageError(f"{text} does not fit what {key} holds now: {self.values.get(key, 'nothing')}") from None
        self._check(key, segments, value, new)
        self.write(changed_text(self.file, self._names(key), segments, value))

    def remove(self, text: str, *, path: bool) -> None:
        """Remove a key, which gives it its default.

        Raises:
            UsageError: it has no value, or the file is left to a person to change.
        """
        key, segments = self._parse(text, path=path)
        entry = {key: self._value(key)} if key in self.values else {}
        try:
            value = without_value(entry, [key, *segments]).get(key)
        except LookupError:
            raise self._unset(text, key) from None
        self.write(changed_text(self.file, self._names(key), (), value))

    def with_stream(self, entry: Mapping[str, str | bool]) -> str:
        """Return the file's text with one more stream, fit for the stack's engine.

        Raises:
            UsageError: there is a stream of that name, or the file is left to a person to change.
        """
        key = f"{self.project}:streams"
        streams = self._value(key) or []
        if not isinstance(streams, list):
            raise UsageError(f"{key} in {self.file} must be a list")
        if entry["name"] in [each.get("name") for each in streams if isinstance(each, dict)]:
            raise UsageError(f"{self.file} has a stream {entry['name']!r} already")
        if self.values.get(f"{self.project}:engine") == "none":
            entry = {**entry, "database": False}
        return changed_text(self.file, self._names(key), [len(streams)], [*streams, entry])

    def write(self, text: str) -> None:
        """Put a changed text into the file."""
        self.file.write_text(text, encoding="utf-8")

    def _parse(self, text: str, *, path: bool) -> tuple[str, Sequence[str | int]]:
        namespace, colon, rest = text.rpartition(":")
        found = list(SEGMENT.finditer(rest)) if path else []
        if path and "".join(each[0] for each in found) != rest:
            raise UsageError(f"{text} is no path; one is 'subnetIds[0]'")
        segments = [int(each[2]) if each[2] else each[1] for each in found] or [rest]
        return full_key(f"{namespace}{colon}{segments[0]}", self.project, "config"), segments[1:]

    def _names(self, key: str) -> Sequence[str]:
        namespace, _, name = key.partition(":")
        return (key, name) if namespace == self.project else (key, f"{namespace}:config:{name}")

    def _value(self, key: str) -> object:
        config = load_stack_file(self.file.read_text(encoding="utf-8")).get("config") or {}
        return next((config[name] for name in self._names(key) if name in config), None)

    def _check(self, key: str, segments: Sequence[str | int], value: object, new: str) -> None:
        from aurora_lambda.service.function_settings import FUNCTION_KEYS
        from aurora_lambda.service.stream_settings import STREAM_KEYS

        namespace, _, name = key.partition(":")
        if namespace != self.project:
            return
        known, nested = self._declared(), {"streams": STREAM_KEYS, "functions": FUNCTION_KEYS}
        if name in nested and (inner := next((each for each in segments if isinstance(each, str)), "")):
            known, name, value = nested[name], inner, new if len(segments) == SEGMENTS_OF_A_KEY else [new]
        if name not in known:
            raise _unknown(name, known)
        text = value if isinstance(value, str) else json.dumps(value)
        # A list of objects grows key by key; `up` checks it as a whole.
        if known[name].argument.items == "object" and segments:
            return
        if known[name].secret and self.stack != "local":
            remedy = f"pulumi config set --secret {name} VALUE -s {self.stack}"
            raise UsageError(f"{name} is a secret, which Pulumi encrypts; type: {remedy}")
        try:
            known[name].read(text)
        except ValueError as error:
            raise UsageError(f"{name} is {text!r}; {error}") from None

    def _declared(self) -> "Mapping[str, ConfigKey]":
        """Return the keys of every service, and those that the program declares."""
        from aurora_lambda.service.keys import declared_keys
        from aurora_lambda.service.settings import program_settings

        return declared_keys(program_settings(self._program))

    def _unset(self, text: str, key: str) -> UsageError:
        namespace, _, name = key.partition(":")
        if namespace == self.project and name not in (keys := self._declared()):
            return _unknown(name, keys)
        return UsageError(f"{text} is not set in {self.file}; type: aurora-lambda config set {text} VALUE")


def _unknown(name: str, known: Collection[str]) -> UsageError:
    near = get_close_matches(name, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else "Pulumi.yaml describes those that there are"
    return UsageError(f"{name} is no configuration key; {remedy}")


def _typed(text: str) -> str | int | bool:
    """Return a value inside a list or an object, as Pulumi reads it there."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"0|-?[1-9]\d*", text) else text
