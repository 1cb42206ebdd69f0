"""The declaration of a configuration key: the field of a dataclass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from aurora_lambda.arguments import Argument, Value, text
from aurora_lambda.naming import camel_case
from aurora_lambda.service.values import read_value
from aurora_lambda_runtime.database.engines import ENGINES

# The value of `engine` for a stack that is its streams alone.
NO_DATABASE = "none"
WITHOUT_DATABASE_TOO = (*ENGINES, NO_DATABASE)


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
        return given if given == self.default == "" else read_value(given, self.argument)


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
