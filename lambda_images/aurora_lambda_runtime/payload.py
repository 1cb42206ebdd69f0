"""The payload of a direct invocation: a JSON object that names a command."""

from collections.abc import Mapping, Sequence

MAX_CHARACTERS = 60
JSON_TYPES = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}


class CommandError(Exception):
    """The payload asks for something that the function does not do, or cannot do yet."""


def parse_payload(event: object, commands: Sequence[str]) -> tuple[str, Mapping[str, object]]:
    """Return the command that `event` names, the first of `commands` if it names none, and the whole payload.

    Raises:
        CommandError: the payload is not an object, or the command is not one of `commands`.
    """
    payload = {} if event is None else event
    if not isinstance(payload, dict):
        kind = JSON_TYPES.get(type(payload), type(payload).__name__)
        raise CommandError(f'the payload must be a JSON object such as {{"command": "{commands[0]}"}}, not {kind}')
    command = payload.get("command", commands[0])
    if command not in commands:
        raise CommandError(f"unknown command {shorten(command)}: the allowed commands are {', '.join(commands)}")
    return command, payload


def shorten(value: object) -> str:
    """Return `value` as an error message shows it: a long one is cut off."""
    text = repr(value)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}..."
