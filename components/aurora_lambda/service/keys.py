"""Configuration keys: how the field of a dataclass declares one, and how what is given for it is read."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import pulumi

from aurora_lambda.arguments import Argument, Value, ValueType, suggestion, text
from aurora_lambda.naming import camel_case
from aurora_lambda_runtime.database.engines import ENGINES

Item = TypeVar("Item")

# The value of `engine` for a stack that is its streams alone.
NO_DATABASE = "none"
WITHOUT_DATABASE_TOO = (*ENGINES, NO_DATABASE)


class SettingsError(pulumi.RunError):
    """The configuration is wrong; the message lists every mistake and what to type instead."""

    def __init__(self, stack: str, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__("\n  ".join([f"stack {stack!r} has {count} in its configuration:", *mistakes]))


@dataclass(frozen=True)
class ConfigKey:
    """One configuration key: the field of `Settings` it sets, what it takes, its default, and what it means.

    On engines other than `engines` it means nothing. `replaces` is what another value replaces on a live stack that is
    on one of `replaced_on`. A `required` key has no default; what a `secret` one holds is never repeated.
    """

    field: str
    argument: Argument
    default: Value | None
    description: str
    engines: Sequence[str]
    replaces: str
    replaced_on: Sequence[str]
    required: bool = False
    secret: bool = False

    @property
    def name(self) -> str:
        """The key as it is typed."""
        return camel_case(self.field)

    @property
    def documentation(self) -> str:
        """What it means and what it replaces."""
        replaces = f" On a live stack another value replaces {self.replaces}: it takes replaceData."
        return self.description + (replaces if self.replaces else "")

    def read(self, given: str) -> Value:
        """Return the value that `given` stands for; an empty one is the default where that is empty.

        Raises:
            ValueError: the key does not take it; the message says what it takes.
        """
        if given == self.default == "":
            return given
        value = _parsed(given, self.argument.type)
        if value is None:
            raise ValueError(f"must be {self.argument.takes}")
        return self.argument.check(value)


def config_key(
    argument: Argument,
    description: str,
    default: Value | None = None,
    engines: Sequence[str] = tuple(ENGINES),
    *,
    replaces: str = "",
    replaced_on: Sequence[str] = WITHOUT_DATABASE_TOO,
    required: bool = False,
    secret: bool = False,
) -> Any:
    """Declare a configuration key; the default is the argument's own where none is given."""
    default = argument.default if default is None else default
    metadata = {"argument": argument, "default": default, "description": description, "engines": engines}
    metadata |= {"replaces": replaces, "replaced_on": replaced_on, "required": required, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


def secret_key(description: str) -> Any:
    """Declare a key whose value every stack has to give, encrypted; its field is a `pulumi.Output[str]`, a secret."""
    return config_key(text(r"(?s:.+)", "a text"), description, required=True, secret=True)


def declared_keys(settings: type[Any]) -> Mapping[str, ConfigKey]:
    """Return the keys that the fields of a dataclass declare, by the name that is typed.

    Raises:
        TypeError: a field is declared without `config_key`.
    """
    if plain := [each.name for each in fields(settings) if "argument" not in each.metadata]:
        raise TypeError(f"{settings.__name__}.{plain[0]} is no configuration key: declare it by config_key")
    keys = (ConfigKey(field=each.name, **each.metadata) for each in fields(settings))
    return {key.name: key for key in keys}


def given_arguments(settings: Any, arguments: Iterable[str]) -> dict[str, Any]:
    """Return those of a component's arguments that the configuration has keys for, less what is not given there."""
    names = {each.name for each in fields(settings)}
    values = {name: getattr(settings, name) for name in arguments if name in names}
    return {name: value for name, value in values.items() if value not in ("", ())}


def parse_entries(given: str, takes: str) -> list[dict[str, object]]:
    """Return the objects of a JSON list.

    Raises:
        ValueError: it is no list of objects; the message says that it must be what `takes` says.
    """
    entries = _json_list(given, dict)
    if entries is None:
        raise ValueError(f"must be {takes}")
    return entries


def read_entry(
    entry: Mapping[str, Any], keys: Mapping[str, ConfigKey], required: Sequence[str], what: str
) -> tuple[dict[str, Any], list[str]]:
    """Return the values of one object by their fields, and every mistake in it; `what` is it, as in "a stream"."""
    mistakes = [f"{key} is missing; must be {keys[key].argument.takes}" for key in required if key not in entry]
    values: dict[str, Any] = {}
    for name, value in entry.items():
        if name not in keys:
            mistakes.append("; ".join(filter(None, [f"{name} is not a key of {what}", suggestion(name, keys)])))
            continue
        try:
            whole = tuple(value) if isinstance(value, list) else value
            key = keys[name]
            values[key.field] = key.read(value) if isinstance(value, str) else key.argument.check(whole)
        except ValueError as error:
            mistakes.append(f"{name} is {value!r}; {error}")
    return values, mistakes


def _parsed(given: str, type_: ValueType) -> Value | None:
    """Return the value of this type that a text stands for; None where it stands for none."""
    match type_:
        case "integer":
            return int(given) if re.fullmatch(r"-?[0-9]{1,9}", given) else None
        case "number":
            return float(given) if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", given) else None
        case "boolean":
            return {"true": True, "false": False}.get(given)
        case "array":
            items = _json_list(given, str)
            return None if items is None else tuple(items)
    return given


def _json_list(given: str, item: type[Item]) -> list[Item] | None:
    """Return a JSON list of such items; None where it is none."""
    try:
        items = json.loads(given)
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) and all(isinstance(each, item) for each in items) else None
