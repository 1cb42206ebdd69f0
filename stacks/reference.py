"""Writes the configuration keys into Pulumi.yaml and README.md, between their markers: `make config`."""

import json
from pathlib import Path

from components.arguments import Value
from stacks.settings import CONFIG_KEYS, ConfigKey

ROOT = Path(__file__).parents[1]
# Project configuration has no type for fractions.
PULUMI_TYPES = {"number": "string"}


def main() -> None:
    """Write both files anew."""
    for file, block in ((ROOT / "Pulumi.yaml", pulumi_block()), (ROOT / "README.md", readme_table())):
        file.write_text(with_block(file.read_text(), block))


def with_block(text: str, block: str) -> str:
    """Return the text of a file with what is between its markers replaced by `block`.

    Raises:
        ValueError: the text lacks a marker.
    """
    lines = text.splitlines(keepends=True)
    begin, end = (
        next(i for i, line in enumerate(lines) if f"make config: {mark}" in line) for mark in ("begin", "end")
    )
    return "".join([*lines[: begin + 1], block, *lines[end:]])


def pulumi_block() -> str:
    """Return the `config` block of Pulumi.yaml."""
    return "config:\n" + "".join(_entry(key) for key in CONFIG_KEYS.values())


def readme_table() -> str:
    """Return the README's table of configuration keys."""
    return "| key | default | takes | |\n|---|---|---|---|\n" + "".join(map(_row, CONFIG_KEYS.values()))


def _row(key: ConfigKey) -> str:
    default = "" if key.default in ("", ()) else f"`{_text(key.default)}`"
    return f"| `{key.name}` | {default} | {key.argument.takes} | {key.description} |\n"


def _entry(key: ConfigKey) -> str:
    type_ = key.argument.type
    default = json.dumps(_text(key.default) if type_ == "number" else key.default)
    description = key.description if type_ == "boolean" else f"{key.description} Takes {key.argument.takes}."
    return (
        f"  {key.name}:\n"
        f"    type: {PULUMI_TYPES.get(type_, type_)}\n"
        + ("    items:\n      type: string\n" if type_ == "array" else "")
        + f"    default: {default}\n"
        f"    description: {json.dumps(description)}\n"
    )


def _text(value: Value) -> str:
    """Return a value as it is typed: `true`, `0.5`, `mysql`."""
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    main()
