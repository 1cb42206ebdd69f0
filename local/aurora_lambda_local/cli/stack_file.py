"""Set and remove single entries of a stack's file as text, so that its comments and its order stay."""

import copy
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.program.configuration import load_stack_file

Segments = Sequence[str | int]


def value_at(value: Any, path: Segments) -> Any:
    """Return what stands at `path` in a configuration value.

    Raises:
        LookupError: there is nothing.
    """
    for segment in path:
        if isinstance(segment, int) != isinstance(value, list) or not isinstance(value, dict | list):
            raise KeyError(segment)
        value = value[segment]
    return value


def with_value(value: Any, path: Segments, new: Any) -> Any:
    """Return a configuration value with `new` at `path`; what is missing on the way is made.

    >>> with_value([{"name": "a"}], [0, "table"], "b")
    [{'name': 'a', 'table': 'b'}]

    Raises:
        LookupError: the path does not fit the value, or leaves a gap in a list.
    """
    if not path:
        return new
    segment, rest = path[0], path[1:]
    changed: Any = copy.copy(value) if value is not None else [] if isinstance(segment, int) else {}
    if isinstance(segment, int) and isinstance(changed, list) and segment == len(changed):
        changed.append(None)
    old = changed.get(segment) if isinstance(changed, dict) else value_at(changed, [segment])
    changed[segment] = with_value(old, rest, new)
    return changed


def without_value(value: Any, path: Segments) -> Any:
    """Return a configuration value without what stands at `path`.

    Raises:
        LookupError: there is nothing.
    """
    changed = copy.deepcopy(value)
    value_at(changed, path)
    del value_at(changed, path[:-1])[path[-1]]
    return changed


def changed_text(file: Path, names: Sequence[str], path: Segments, value: Any) -> str:
    """Return the text of a stack's file in which an entry of the configuration is `value`; None removes it.

    Args:
        file: The stack's file.
        names: The ways in which the file may spell the entry's key; a new one gets the first.
        path: Where the entry is changed; a scalar there is replaced alone, one more item of a list goes behind the
            others, and the entry's comments stay.
        value: The whole entry, changed.

    Raises:
        UsageError: the file is written in a way that is left to a person to change.
    """
    text = f"{file.read_text(encoding='utf-8').rstrip()}\n"
    before = load_stack_file(text).get("config") or {}
    key = next((name for name in names if name in before), names[0])
    wanted = {name: each for name, each in before.items() if name != key} | ({} if value is None else {key: value})
    changed = _changed(text, key, path, value)
    with suppress(yaml.YAMLError):
        same_comments = value is None or _comments(changed) == _comments(text)
        if same_comments and (load_stack_file(changed).get("config") or {}) == wanted:
            return changed
    lines = f"make it read\n{_dump({key: value})}" if value is not None else "remove it by hand"
    raise UsageError(f"{key} in {file} is not written as expected; {lines}")


def _changed(text: str, key: str, path: Segments, value: Any) -> str:
    lines = text.splitlines()
    config = _child(yaml.compose(text), "config")
    new = [] if value is None else _dump({key: value}).splitlines()
    if config is None or not config.value:
        others = [line for line in lines if line != "config:"]
        return "\n".join([*others, "config:", *(f"  {line}" for line in new), ""])
    node, column = _child(config, key), config.start_mark.column
    place, place_above = _node_at(node, path), _node_at(node, path[:-1])
    if place and place.id == "scalar" and value is not None:
        scalar = _dump(value_at(value, path)).rstrip("\n")
        return text[: place.start_mark.index] + scalar + text[place.end_mark.index :]
    if node is None:
        start = end = _content_end(lines, config.end_mark.line)
    elif not place and place_above and place_above.id == "sequence" and not place_above.flow_style:
        start = end = _content_end(lines, place_above.end_mark.line)
        new, column = _dump([value_at(value, path)]).splitlines(), place_above.start_mark.column
    else:
        start = next(name.start_mark.line for name, _ in config.value if name.value == key)
        end = _content_end(lines, max(node.end_mark.line, start + 1))
    return "\n".join([*lines[:start], *(f"{' ' * column}{line}" for line in new), *lines[end:], ""])


def _node_at(node: Any, path: Segments) -> Any:
    for segment in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(segment, int):
            node = node.value[segment] if segment < len(node.value) else None
        else:
            node = _child(node, str(segment))
    return node


def _child(node: Any, name: str) -> Any:
    """Return the value of one of a mapping's keys."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def _content_end(lines: Sequence[str], end: int) -> int:
    """Return the end of an entry's lines, without the blank lines and comments that belong to what follows."""
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _comments(text: str) -> list[str]:
    return [line.partition(" #")[2] for line in text.splitlines() if " #" in f" {line}"]


class _PulumiDumper(yaml.SafeDumper):
    """Writes text that needs quotes in double ones, and lists indented, as Pulumi does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Begin a list or an object, always further in than the key."""
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    plain = not yaml.safe_dump(value, width=len(value) + 80).startswith(("'", '"', "|", "?"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_PulumiDumper.add_representer(str, _represent_text)


def _dump(value: Any) -> str:
    dumped = yaml.dump(value, Dumper=_PulumiDumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    return dumped.removesuffix("...\n")
