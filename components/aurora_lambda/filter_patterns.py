"""Which event filters of a mapping Lambda takes.

Lambda refuses the others when the mapping is made, after everything before it. Sources: AWS Lambda developer guide,
"Control which events Lambda sends to your function"; Amazon EventBridge user guide, "Comparison operators"; the rules'
compiler in github.com/aws/event-ruler.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeGuard

MAX_PATTERN_LENGTH = 4096
MIN_ALTERNATIVES = 2
# A wildcard's text: no star beside a star, and a backslash before a star or a backslash alone.
WILDCARD = re.compile(r"(?:\*(?!\*)|\\[*\\]|[^*\\])*", re.DOTALL)

Mistakes = Iterator[str]


def filter_mistakes(patterns: Sequence[object], quota: int) -> list[str]:
    """Return what Lambda would refuse of a mapping's filters, each mistake with the path of the field.

    >>> filter_mistakes([{"eventName": "INSERT"}], 5)
    ["filters[0].eventName is 'INSERT'; it must be a list of values or comparisons, or an object of fields"]
    """
    mistakes = [mistake for index, pattern in enumerate(patterns) for mistake in _pattern(pattern, f"filters[{index}]")]
    if len(patterns) > quota:
        mistakes.append(f"filters are {len(patterns)}, more than the {quota} that a mapping takes: join some with $or")
    return mistakes


def _pattern(pattern: object, path: str) -> Mistakes:
    if not isinstance(pattern, dict):
        yield _wrong(path, pattern, "an object of fields")
    elif (length := len(json.dumps(pattern, sort_keys=True))) > MAX_PATTERN_LENGTH:
        yield f"{path} has {length} characters; it must have at most {MAX_PATTERN_LENGTH}"
    else:
        yield from _fields(pattern, path)


def _fields(pattern: Mapping[str, object], path: str) -> Mistakes:
    if not pattern:
        yield _wrong(path, pattern, "an object of at least one field")
    for name, value in pattern.items():
        field = f"{path}.{name}"
        if isinstance(value, dict):
            yield from _fields(value, field)
        elif not isinstance(value, list) or not value:
            yield _wrong(field, value, "a list of values or comparisons, or an object of fields")
        elif name == "$or":
            yield from _alternatives(value, field)
        else:
            for each in value:
                yield from _rule(each, field)


def _alternatives(value: list[object], path: str) -> Mistakes:
    if len(value) < MIN_ALTERNATIVES or not all(isinstance(each, dict) for each in value):
        yield _wrong(path, value, "a list of at least two objects of fields")
        return
    for index, each in enumerate(value):
        yield from _pattern(each, f"{path}[{index}]")


def _rule(rule: object, path: str) -> Mistakes:
    if isinstance(rule, list):
        yield _wrong(path, [rule], "a list of values or comparisons, not of lists")
    elif isinstance(rule, dict):
        name = next(iter(rule), "")
        if len(rule) != 1 or name not in _COMPARISONS:
            yield _wrong(path, rule, f"a value or one of {', '.join(_COMPARISONS)}")
        else:
            allows, takes = _COMPARISONS[name]
            if not allows(rule[name]):
                yield _wrong(f"{path}: {name}", rule[name], takes)


def _wrong(path: str, value: object, takes: str) -> str:
    return f"{path} is {value!r}; it must be {takes}"


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_wildcard(value: object) -> bool:
    return isinstance(value, str) and WILDCARD.fullmatch(value) is not None


def _is_text_or_case(value: object) -> bool:
    """Return whether `prefix` or `suffix` takes it."""
    if isinstance(value, dict):
        return list(value) == ["equals-ignore-case"] and isinstance(value["equals-ignore-case"], str)
    return isinstance(value, str)


def _is_numeric(value: object) -> bool:
    """Return whether it is one comparison, or a lower limit and then a higher upper one."""
    match value:
        case ["=" | "<" | "<=" | ">" | ">=", limit]:
            return _is_number(limit)
        case [">" | ">=", bottom, "<" | "<=", top]:
            return _is_number(bottom) and _is_number(top) and bottom < top
    return False


def _is_unwanted(value: object) -> bool:
    """Return whether `anything-but` takes it."""
    if isinstance(value, dict):
        name = next(iter(value), "")
        texts = value[name] if isinstance(value.get(name), list) else [value.get(name)]
        check = _is_wildcard if name == "wildcard" else _is_text
        named = name in ("prefix", "suffix", "equals-ignore-case", "wildcard") and len(value) == 1
        return named and bool(texts) and all(each != "" and check(each) for each in texts)
    values = value if isinstance(value, list) else [value]
    return bool(values) and (all(map(_is_text, values)) or all(map(_is_number, values)))


_COMPARISONS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "anything-but": (_is_unwanted, "a text, a number, a list of one of the two, or one comparison of texts"),
    "equals-ignore-case": (_is_text, "a text"),
    "exists": (lambda value: isinstance(value, bool), "true or false"),
    "numeric": (_is_numeric, "one comparison, or a range such as ['>', 0, '<=', 5], the lower limit first"),
    "prefix": (_is_text_or_case, "a text"),
    "suffix": (_is_text_or_case, "a text"),
    "wildcard": (_is_wildcard, r"a text without **, in which \ stands before * or \ alone"),
}
