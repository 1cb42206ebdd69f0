"""Writes the configuration keys into Pulumi.yaml and docs/configuration.md, between their markers: `make config`."""

import json
from collections.abc import Mapping

from aurora_lambda.arguments import Value
from aurora_lambda.project import Project
from aurora_lambda.service.function_settings import FUNCTION_KEYS
from aurora_lambda.service.keys import ConfigKey, declared_keys
from aurora_lambda.service.names import PATTERN
from aurora_lambda.service.settings import program_settings
from aurora_lambda.service.stream_settings import STREAM_KEYS

# Project configuration has no type for fractions.
PULUMI_TYPES = {"number": "string"}


def main() -> None:
    """Write all blocks anew, in those of the files that the project has."""
    project = Project.find()
    for file, name, block in blocks(declared_keys(program_settings(project))):
        path = project.root / file
        if not path.is_file():
            continue
        path.write_text(with_block(path.read_text(), name, block))


def blocks(keys: Mapping[str, ConfigKey]) -> list[tuple[str, str, str]]:
    """Return the file, the name and the text of each block; `keys` are those of the program."""
    return [
        ("Pulumi.yaml", "keys", pulumi_block(keys)),
        ("docs/configuration.md", "keys", key_table(keys)),
        ("docs/configuration.md", "streams", key_table(STREAM_KEYS)),
        ("docs/configuration.md", "functions", key_table(FUNCTION_KEYS)),
    ]


def with_block(text: str, name: str, block: str) -> str:
    """Return the text of a file with what is between the markers of a name replaced by `block`.

    Raises:
        ValueError: the text lacks a marker, or has it twice.
    """
    lines = text.splitlines(keepends=True)
    (begin,), (end,) = (
        [i for i, line in enumerate(lines) if f"make config: {mark} {name}" in line] for mark in ("begin", "end")
    )
    return "".join([*lines[: begin + 1], block, *lines[end:]])


def pulumi_block(keys: Mapping[str, ConfigKey]) -> str:
    """Return the `config` block of Pulumi.yaml: how resources are named, and the keys."""
    autonaming = f"  pulumi:autonaming:\n    value:\n      pattern: {PATTERN}\n"
    return f"config:\n{autonaming}" + "".join(map(_entry, keys.values()))


def key_table(keys: Mapping[str, ConfigKey]) -> str:
    """Return a table of configuration keys."""
    return "| key | default | takes | |\n|---|---|---|---|\n" + "".join(map(_row, keys.values()))


def _row(key: ConfigKey) -> str:
    default = "" if key.default in ("", (), None) else f"`{_text(key.default)}`"
    return f"| `{key.name}` | {default} | {key.argument.takes} | {key.documentation} |\n"


def _entry(key: ConfigKey) -> str:
    type_ = key.argument.type
    default = json.dumps(_text(key.default) if type_ == "number" else key.default)
    description = key.documentation if type_ == "boolean" else f"{key.documentation} Takes {key.argument.takes}."
    return (
        f"  {key.name}:\n"
        f"    type: {PULUMI_TYPES.get(type_, type_)}\n"
        + (f"    items:\n      type: {key.argument.items}\n" if type_ == "array" else "")
        + ("" if key.required else f"    default: {default}\n")
        + ("    secret: true\n" if key.secret else "")
        + f"    description: {json.dumps(description)}\n"
    )


def _text(value: Value | None) -> str:
    """Return a value as it is typed: `true`, `0.5`, `mysql`."""
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    main()
