"""Which filters of a mapping are refused with the configuration, because Lambda would refuse them at the mapping."""

from typing import Any

import pytest

from aurora_lambda.filter_patterns import filter_mistakes

VALUES = "a list of values or comparisons, or an object of fields"


def field(rule: object) -> dict[str, Any]:
    """Return a pattern of one field with this rule."""
    return {"a": [rule]}


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["INSERT", "MODIFY"]},
        {"dynamodb": {"Keys": {"id": {"S": [{"prefix": "a"}, {"suffix": {"equals-ignore-case": "z"}}]}}}},
        {"dynamodb": {"NewImage": {"n": {"N": ["1"]}}, "SizeBytes": [1, 1.5, None, True, ""]}},
        {"$or": [{"eventName": ["INSERT"]}, {"dynamodb": {"SizeBytes": [{"numeric": ["<", 5]}]}}]},
        field({"numeric": ["=", 5]}),
        field({"numeric": [">", 0, "<=", 5.5]}),
        field({"exists": False}),
        field({"wildcard": "*a\\*b\\\\*"}),
        field({"equals-ignore-case": "A"}),
        field({"anything-but": 5}),
        field({"anything-but": ["a", "b"]}),
        field({"anything-but": {"prefix": ["a", "b"]}}),
        field({"anything-but": {"wildcard": "a*b"}}),
    ],
)
def test_a_filter_that_lambda_takes_is_taken(pattern: dict[str, Any]) -> None:
    """A stream that works on AWS could not be deployed."""
    assert filter_mistakes([pattern], 5) == []


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ({}, " is {}; it must be an object of at least one field"),
        ({"a": {}}, ".a is {}; it must be an object of at least one field"),
        (["INSERT"], " is ['INSERT']; it must be an object of fields"),
        ({"eventName": "INSERT"}, f".eventName is 'INSERT'; it must be {VALUES}"),
        ({"a": []}, f".a is []; it must be {VALUES}"),
        ({"a": None}, f".a is None; it must be {VALUES}"),
        ({"a": [["b"]]}, ".a is [['b']]; it must be a list of values or comparisons, not of lists"),
        ({"$or": [{"a": [1]}]}, ".$or is [{'a': [1]}]; it must be a list of at least two objects of fields"),
        ({"$or": [{"a": [1]}, {}]}, ".$or[1] is {}; it must be an object of at least one field"),
        ({"a": ["x" * 4096]}, " has 4107 characters; it must have at most 4096"),
    ],
)
def test_a_filter_that_is_no_pattern_is_refused(pattern: object, told: str) -> None:
    """A deployment would fail at the mapping, after everything before it."""
    assert filter_mistakes([pattern], 5) == [f"filters[0]{told}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("numeric", []),
        ("numeric", [">"]),
        ("numeric", [5, ">"]),
        ("numeric", [">", "5"]),
        ("numeric", [">", True]),
        ("numeric", [">", 5, ">", 3]),
        ("numeric", [">", 5, "<", 3]),
        ("numeric", [">=", 5, "<=", 5]),
        ("numeric", ["<", 5, ">", 3]),
        ("numeric", ["=", 5, "<", 6]),
        ("numeric", [">", 0, "<", 5, "<", 6]),
        ("numeric", 5),
        ("anything-but", True),
        ("anything-but", None),
        ("anything-but", []),
        ("anything-but", ["a", 5]),
        ("anything-but", {"prefix": ""}),
        ("anything-but", {"prefix": []}),
        ("anything-but", {"numeric": [">", 5]}),
        ("anything-but", {"wildcard": "a**b"}),
        ("wildcard", "a**b"),
        ("wildcard", "a\\b"),
        ("wildcard", 5),
        ("exists", "true"),
        ("prefix", 5),
        ("prefix", {"wildcard": "a"}),
        ("suffix", ["a"]),
        ("equals-ignore-case", 5),
    ],
)
def test_a_comparison_that_lambda_refuses_is_refused_with_its_field(name: str, value: object) -> None:
    """A deployment would fail at the mapping, or the mapping would match nothing for ever."""
    (mistake,) = filter_mistakes([{"eventName": ["INSERT"]}, field({name: value})], 5)
    assert mistake.startswith(f"filters[1].a: {name} is {value!r}; it must be ")


@pytest.mark.parametrize("rule", [{}, {"like": "a"}, {"prefix": "a", "suffix": "b"}])
def test_a_rule_is_one_comparison(rule: dict[str, str]) -> None:
    """Lambda would refuse the mapping after everything before it was made."""
    takes = "a value or one of anything-but, equals-ignore-case, exists, numeric, prefix, suffix, wildcard"
    assert filter_mistakes([field(rule)], 5) == [f"filters[0].a is {rule!r}; it must be {takes}"]


def test_more_filters_than_the_quota_are_refused() -> None:
    """AWS takes five unless the account's quota was raised, and says so only at the mapping."""
    six = [{"eventName": ["INSERT"]}] * 6
    assert filter_mistakes(six, 5) == ["filters are 6, more than the 5 that a mapping takes: join some with $or"]
    assert filter_mistakes(six, 6) == filter_mistakes(six[:5], 5) == []
