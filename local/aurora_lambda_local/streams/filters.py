"""Event filter patterns: which records of a stream are handed to the function.

Sources: AWS Lambda developer guide, "Control which events Lambda sends to your function"; Amazon EventBridge user
guide, "Comparison operators for use in event patterns".
"""

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeGuard

from aurora_lambda_local.platform.errors import UsageError

MAXIMUM_FILTERS = 10
MAXIMUM_PATTERN_LENGTH = 4096
MIN_ALTERNATIVES = 2
_ABSENT = object()
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

# Takes the value of a field, or _ABSENT.
Test = Callable[[object], bool]


class FilterPatternError(UsageError):
    """A pattern that Lambda would refuse."""


def parse_filters(patterns: Sequence[str]) -> Test:
    """Return a test that a record passes when it matches at least one pattern, or when there is none.

    Raises:
        FilterPatternError: a pattern is not valid, or there are more than Lambda takes.
    """
    if len(patterns) > MAXIMUM_FILTERS:
        raise FilterPatternError(f"{len(patterns)} filters are too many: a mapping takes {MAXIMUM_FILTERS}")
    tests = [parse_pattern(pattern) for pattern in patterns]
    return lambda record: not tests or any(test(record) for test in tests)


def parse_pattern(text: str) -> Test:
    """Return the test that a filter's `Pattern` describes.

    >>> parse_pattern('{"eventName": ["INSERT", {"prefix": "MOD"}]}')({"eventName": "MODIFY"})
    True

    Raises:
        FilterPatternError: it is not valid; the message names the field.
    """
    if len(text) > MAXIMUM_PATTERN_LENGTH:
        raise FilterPatternError(f"filter pattern has {len(text)} characters; Lambda takes {MAXIMUM_PATTERN_LENGTH}")
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise FilterPatternError(f"filter pattern {text!r} is not JSON: {error}") from None
    if not isinstance(pattern, dict):
        raise FilterPatternError(f'filter pattern {text!r} is not an object; for example: {{"eventName": ["INSERT"]}}')
    return _object_test(pattern, "")


def _object_test(pattern: Mapping[str, object], path: str) -> Test:
    """Every field has to match, and one of the alternatives in `$or`."""
    tests = {key: _field_test(each, f"{path}{key}") for key, each in pattern.items() if key != "$or"}
    alternatives = _alternatives(pattern["$or"], path) if "$or" in pattern else []

    def test(value: object) -> bool:
        if isinstance(value, list):
            return any(test(each) for each in value)
        fields = value if isinstance(value, dict) else {}
        return all(check(fields.get(key, _ABSENT)) for key, check in tests.items()) and (
            not alternatives or any(check(fields) for check in alternatives)
        )

    return test


def _alternatives(value: object, path: str) -> list[Test]:
    if not isinstance(value, list) or len(value) < MIN_ALTERNATIVES or not all(isinstance(v, dict) for v in value):
        raise _invalid(f"{path}$or", value, "a list of at least two objects")
    return [_object_test(each, path) for each in value]


def _field_test(pattern: object, path: str) -> Test:
    if isinstance(pattern, dict):
        return _object_test(pattern, f"{path}.")
    if not isinstance(pattern, list) or not pattern:
        raise _invalid(path, pattern, "a list of at least one value or comparison")
    tests = [_rule(each, path) for each in pattern]

    def test(value: object) -> bool:
        # A list is its elements; an empty one is no value at all.
        values = (value or [_ABSENT]) if isinstance(value, list) else [value]
        return any(check(each) for check in tests for each in values)

    return test


def _rule(rule: object, path: str) -> Test:
    """Return the test of one value or comparison in a field's list."""
    if not isinstance(rule, dict):
        return _equals(rule, path)
    if len(rule) != 1 or (name := next(iter(rule))) not in _OPERATORS:
        raise _invalid(path, rule, f"a value, or one of {', '.join(_OPERATORS)}")
    return _OPERATORS[name](rule[name], path)


def _equals(expected: object, path: str) -> Test:
    """Compare numbers as such, 1 with 1.0, and everything else as JSON text."""
    if isinstance(expected, list):
        raise _invalid(path, expected, "a string, a number, true, false or null")
    if _is_number(expected):
        return lambda value: _is_number(value) and value == expected
    text = json.dumps(expected)
    return lambda value: _is_leaf(value) and json.dumps(value) == text


def _exists(wanted: object, path: str) -> Test:
    if not isinstance(wanted, bool):
        raise _invalid(f"{path}: exists", wanted, "true or false")
    return lambda value: _is_leaf(value) == wanted


def _string_test(name: str, compare: Callable[[str, str], bool], expected: object, path: str) -> Test:
    if isinstance(expected, dict) and list(expected) == ["equals-ignore-case"]:
        text = _string(expected["equals-ignore-case"], path, name).casefold()
        return lambda value: isinstance(value, str) and compare(value.casefold(), text)
    exact = _string(expected, path, name)
    return lambda value: isinstance(value, str) and compare(value, exact)


def _ignore_case(expected: object, path: str) -> Test:
    text = _string(expected, path, "equals-ignore-case").casefold()
    return lambda value: isinstance(value, str) and value.casefold() == text


def _wildcard(expected: object, path: str) -> Test:
    r"""`*` stands for any characters; `\*` and `\\` for themselves."""
    parts = re.findall(r"\\[*\\]|\*|[^*]", _string(expected, path, "wildcard"), re.DOTALL)
    words = [".*" if part == "*" else re.escape(part[-1]) for part in parts]
    expression = re.compile("".join(words), re.DOTALL)
    return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None


def _anything_but(unwanted: object, path: str) -> Test:
    if isinstance(unwanted, dict):
        tests = _anything_but_operator(unwanted, path)
    else:
        values = unwanted if isinstance(unwanted, list) else [unwanted]
        if not values or not all(isinstance(each, str | int | float) for each in values):
            raise _invalid(f"{path}: anything-but", unwanted, "a string, a number or a list of them")
        tests = [_equals(each, path) for each in values]
    return lambda value: _is_leaf(value) and not any(test(value) for test in tests)


def _anything_but_operator(unwanted: Mapping[str, object], path: str) -> list[Test]:
    name = next(iter(unwanted), "")
    if len(unwanted) != 1 or name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
        raise _invalid(f"{path}: anything-but", unwanted, "prefix, suffix, equals-ignore-case or wildcard")
    expected = unwanted[name]
    return [_OPERATORS[name](each, path) for each in (expected if isinstance(expected, list) else [expected])]


def _numeric(comparisons: object, path: str) -> Test:
    """Compare JSON numbers only: what DynamoDB has as `{"N": "1"}` is a string."""
    if not isinstance(comparisons, list) or len(comparisons) not in (2, 4):
        raise _invalid(f"{path}: numeric", comparisons, 'one or two comparisons, such as [">", 0, "<=", 5]')
    pairs = list(zip(comparisons[::2], comparisons[1::2], strict=True))
    if not all(sign in _COMPARISONS and _is_number(limit) for sign, limit in pairs):
        raise _invalid(f"{path}: numeric", comparisons, f"pairs of one of {' '.join(_COMPARISONS)} and a number")

    def test(value: object) -> bool:
        return _is_number(value) and all(_COMPARISONS[sign](value, limit) for sign, limit in pairs)

    return test


_OPERATORS: Mapping[str, Callable[[object, str], Test]] = {
    "anything-but": _anything_but,
    "equals-ignore-case": _ignore_case,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": partial(_string_test, "prefix", str.startswith),
    "suffix": partial(_string_test, "suffix", str.endswith),
    "wildcard": _wildcard,
}


def _string(value: object, path: str, name: str) -> str:
    if not isinstance(value, str):
        raise _invalid(f"{path}: {name}", value, "a string")
    return value


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_leaf(value: object) -> bool:
    return value is not _ABSENT and not isinstance(value, dict)


def _invalid(path: str, value: object, allowed: str) -> FilterPatternError:
    return FilterPatternError(f"filter pattern: {path} is {json.dumps(value)}; it has to be {allowed}")
