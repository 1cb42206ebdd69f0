"""What a direct invocation's payload may be."""

from typing import Any

import pytest

from aurora_lambda_runtime.payload import CommandError, parse_payload, shorten

COMMANDS = ["create", "get"]


@pytest.mark.parametrize("event", [None, {}, {"command": "create"}, {"other": 1}])
def test_an_invocation_that_names_no_command_means_the_first(event: Any) -> None:
    """People invoke a function with no payload."""
    assert parse_payload(event, COMMANDS) == ("create", event or {})


@pytest.mark.parametrize("command", ["list", "", "CREATE", None, 1, ["create"], {"a": 1}])
def test_an_unknown_command_is_refused_naming_the_allowed(command: Any) -> None:
    """A misspelt command must not be taken for another."""
    with pytest.raises(CommandError) as refusal:
        parse_payload({"command": command}, COMMANDS)
    assert str(refusal.value) == f"unknown command {command!r}: the allowed commands are create, get"


@pytest.mark.parametrize(
    ("event", "kind"), [([], "a list"), ("create", "a string"), (3, "a number"), (True, "a boolean"), (1.5, "a number")]
)
def test_a_payload_that_is_no_object_is_refused(event: Any, kind: str) -> None:
    """The caller learns the form, not a Python error."""
    with pytest.raises(CommandError) as refusal:
        parse_payload(event, COMMANDS)
    assert str(refusal.value) == f'the payload must be a JSON object such as {{"command": "create"}}, not {kind}'


def test_a_huge_wrong_command_is_not_repeated_whole() -> None:
    """An error message of megabytes helps nobody and costs log storage."""
    with pytest.raises(CommandError) as refusal:
        parse_payload({"command": "x" * 1_000_000}, COMMANDS)
    assert str(refusal.value) == f"unknown command '{'x' * 59}...: the allowed commands are create, get"


def test_sixty_characters_are_shown_whole() -> None:
    """A revision or a limit that was mistyped is recognised only when it is there."""
    assert shorten("x" * 58) == f"'{'x' * 58}'"
    assert shorten("x" * 59) == f"'{'x' * 59}..."
