"""Filter patterns: which records reach a function.

Each case names the page it is from: `lambda` is "Control which events Lambda sends to your function" and `ddb` "Using
event filtering with a DynamoDB event source" in the AWS Lambda developer guide; `events` is "Comparison operators for
use in event patterns" in the Amazon EventBridge user guide.
"""

import json
from typing import Any

import pytest

from aurora_lambda_local.streams.filters import FilterPatternError, parse_filters, parse_pattern

CUSTOMER = {
    "dynamodb": {
        "ApproximateCreationDateTime": 1678831218.0,
        "Keys": {"CustomerName": {"S": "AnyCompany Industries"}},
        "NewImage": {"AccountManager": {"S": "Pat Candella"}, "PaymentTerms": {"S": "60 days"}},
        "SizeBytes": 26,
        "StreamViewType": "NEW_IMAGE",
    }
}

CASES: list[tuple[str, str, Any, Any, bool]] = [
    ("ddb", "table key", {"dynamodb": {"Keys": {"CustomerName": {"S": ["AnyCompany Industries"]}}}}, CUSTOMER, True),
    ("ddb", "other key", {"dynamodb": {"Keys": {"CustomerName": {"S": ["Other"]}}}}, CUSTOMER, False),
    (
        "ddb",
        "one of two values",
        {"dynamodb": {"NewImage": {"AccountManager": {"S": ["Pat Candella", "Shirley Rodriguez"]}}}},
        CUSTOMER,
        True,
    ),
    (
        "ddb",
        "and",
        {"dynamodb": {"NewImage": {"AccountManager": {"S": ["Pat Candella"]}, "PaymentTerms": {"S": ["30 days"]}}}},
        CUSTOMER,
        False,
    ),
    (
        "ddb",
        "anything but, of what is there",
        {"dynamodb": {"NewImage": {"AccountManager": {"S": [{"anything-but": ["Pat Candella"]}]}}}},
        CUSTOMER,
        False,
    ),
    (
        "ddb",
        "exists on the value",
        {"dynamodb": {"NewImage": {"AccountManager": {"S": [{"exists": True}]}}}},
        CUSTOMER,
        True,
    ),
    (
        "ddb",
        "exists works on leaves alone",
        {"dynamodb": {"NewImage": {"AccountManager": [{"exists": True}]}}},
        CUSTOMER,
        False,
    ),
    ("lambda", "null", {"UserID": [None]}, {"UserID": None}, True),
    ("lambda", "null is not absent", {"UserID": [None]}, {}, False),
    ("lambda", "empty", {"LastName": [""]}, {"LastName": ""}, True),
    ("lambda", "empty is not null", {"LastName": [""]}, {"LastName": None}, False),
    ("lambda", "equals", {"Name": ["Alice"]}, {"Name": "Alice"}, True),
    ("lambda", "equals is exact", {"Name": ["Alice"]}, {"Name": "alice"}, False),
    ("lambda", "equals, ignoring case", {"Name": [{"equals-ignore-case": "alice"}]}, {"Name": "ALICE"}, True),
    ("lambda", "equals, ignoring case, is whole", {"Name": [{"equals-ignore-case": "ali"}]}, {"Name": "Alice"}, False),
    ("lambda", "and", {"Location": ["New York"], "Day": ["Monday"]}, {"Location": "New York", "Day": "Tuesday"}, False),
    ("lambda", "or", {"PaymentType": ["Credit", "Debit"]}, {"PaymentType": "Debit"}, True),
    (
        "lambda",
        "or, of several fields",
        {"$or": [{"Location": ["New York"]}, {"Day": ["Monday"]}]},
        {"Location": "Paris", "Day": "Monday"},
        True,
    ),
    (
        "lambda",
        "or, neither",
        {"$or": [{"Location": ["New York"]}, {"Day": ["Monday"]}]},
        {"Location": "Paris", "Day": "Friday"},
        False,
    ),
    (
        "events",
        "or, and a field beside it",
        {"Name": ["Alice"], "$or": [{"Day": ["Monday"]}, {"Day": ["Friday"]}]},
        {"Name": "Bob", "Day": "Monday"},
        False,
    ),
    ("lambda", "not", {"Weather": [{"anything-but": ["Raining"]}]}, {"Weather": "Sunny"}, True),
    ("lambda", "not, of an absent field", {"Weather": [{"anything-but": ["Raining"]}]}, {}, False),
    ("lambda", "numeric equals", {"Price": [{"numeric": ["=", 100]}]}, {"Price": 100.0}, True),
    ("lambda", "numeric range", {"Price": [{"numeric": [">", 10, "<=", 20]}]}, {"Price": 20}, True),
    ("lambda", "out of the numeric range", {"Price": [{"numeric": [">", 10, "<=", 20]}]}, {"Price": 10}, False),
    (
        "lambda",
        "numeric compares no strings",
        {"Price": {"N": [{"numeric": [">", 10]}]}},
        {"Price": {"N": "20"}},
        False,
    ),
    ("recorded", "numbers are equal as numbers", {"Price": [300]}, {"Price": 300.0}, True),
    ("recorded", "an empty list has no element", {"l": {"L": [{"exists": True}]}}, {"l": {"L": []}}, False),
    ("lambda", "a truth is no number", {"Done": [1]}, {"Done": True}, False),
    ("lambda", "exists", {"ProductName": [{"exists": True}]}, {"ProductName": "x"}, True),
    ("lambda", "exists, with null", {"ProductName": [{"exists": True}]}, {"ProductName": None}, True),
    ("lambda", "does not exist", {"ProductName": [{"exists": False}]}, {}, True),
    ("lambda", "does not exist, nor what holds it", {"a": {"b": [{"exists": False}]}}, {}, True),
    ("lambda", "does exist", {"ProductName": [{"exists": False}]}, {"ProductName": "x"}, False),
    ("lambda", "begins with", {"Region": [{"prefix": "us-"}]}, {"Region": "us-east-1"}, True),
    ("lambda", "ends with", {"FileName": [{"suffix": ".png"}]}, {"FileName": "a.jpg"}, False),
    (
        "events",
        "begins with, any case",
        {"s": [{"prefix": {"equals-ignore-case": "eventb"}}]},
        {"s": "EventBridge"},
        True,
    ),
    ("events", "ends with, any case", {"f": [{"suffix": {"equals-ignore-case": ".png"}}]}, {"f": "A.PNG"}, True),
    ("events", "anything but a number", {"x": [{"anything-but": 123}]}, {"x": 124}, True),
    ("events", "anything but one of", {"x": [{"anything-but": [100, 200]}]}, {"x": 200}, False),
    ("events", "anything but a prefix", {"s": [{"anything-but": {"prefix": "init"}}]}, {"s": "initial"}, False),
    ("events", "anything but prefixes", {"s": [{"anything-but": {"prefix": ["a", "b"]}}]}, {"s": "bc"}, False),
    ("events", "anything but a suffix", {"s": [{"anything-but": {"suffix": ".png"}}]}, {"s": "a.txt"}, True),
    ("events", "anything but, any case", {"s": [{"anything-but": {"equals-ignore-case": ["x"]}}]}, {"s": "X"}, False),
    ("events", "anything but a wildcard", {"s": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"s": "a/lib/b"}, False),
    ("events", "wildcard", {"path": [{"wildcard": "/users/*/dir/*"}]}, {"path": "/users/ada/dir/x"}, True),
    ("events", "wildcard is whole", {"path": [{"wildcard": "a*"}]}, {"path": "ba"}, False),
    ("events", "wildcard, escaped", {"path": [{"wildcard": "a\\*b"}]}, {"path": "axb"}, False),
    ("events", "one of an array's elements", {"tags": ["b"]}, {"tags": ["a", "b"]}, True),
    ("events", "an object in an array", {"L": {"S": ["b"]}}, {"L": [{"S": "a"}, {"S": "b"}]}, True),
    ("lambda", "an empty pattern", {}, CUSTOMER, True),
]


@pytest.mark.parametrize(
    ("pattern", "event", "matches"), [each[2:] for each in CASES], ids=[f"{each[0]}: {each[1]}" for each in CASES]
)
def test_a_pattern_matches_what_lambda_matches(pattern: object, event: object, matches: bool) -> None:
    """A filter that lets something else through here would lose records, or pay for them, on AWS."""
    assert parse_pattern(json.dumps(pattern))(event) is matches


def test_one_filter_of_several_is_enough_and_none_lets_all_through() -> None:
    """A mapping's filters are alternatives; taken together they would let nothing through."""
    either = parse_filters(['{"eventName": ["INSERT"]}', '{"eventName": ["REMOVE"]}'])
    assert [either({"eventName": name}) for name in ("INSERT", "MODIFY", "REMOVE")] == [True, False, True]
    assert parse_filters([])({"eventName": "MODIFY"})


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "{",
            "filter pattern '{' is not JSON: "
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("[]", 'filter pattern \'[]\' is not an object; for example: {"eventName": ["INSERT"]}'),
        ('{"a": "x"}', 'filter pattern: a is "x"; it has to be a list of at least one value or comparison'),
        ('{"a": {"b": []}}', "filter pattern: a.b is []; it has to be a list of at least one value or comparison"),
        ('{"a": [["x"]]}', 'filter pattern: a is ["x"]; it has to be a string, a number, true, false or null'),
        (
            '{"a": [{"like": "x"}]}',
            'filter pattern: a is {"like": "x"}; it has to be a value, or one of anything-but, equals-ignore-case, '
            "exists, numeric, prefix, suffix, wildcard",
        ),
        ('{"a": [{"exists": "yes"}]}', 'filter pattern: a: exists is "yes"; it has to be true or false'),
        ('{"a": [{"prefix": 1}]}', "filter pattern: a: prefix is 1; it has to be a string"),
        (
            '{"a": [{"numeric": [">"]}]}',
            'filter pattern: a: numeric is [">"]; it has to be one or two comparisons, such as [">", 0, "<=", 5]',
        ),
        (
            '{"a": [{"numeric": ["!", 1]}]}',
            'filter pattern: a: numeric is ["!", 1]; it has to be pairs of one of = < <= > >= and a number',
        ),
        (
            '{"a": [{"anything-but": []}]}',
            "filter pattern: a: anything-but is []; it has to be a string, a number or a list of them",
        ),
        (
            '{"a": [{"anything-but": {"numeric": ["=", 1]}}]}',
            'filter pattern: a: anything-but is {"numeric": ["=", 1]}; it has to be prefix, suffix, '
            "equals-ignore-case or wildcard",
        ),
        ('{"$or": [{"a": [1]}]}', 'filter pattern: $or is [{"a": [1]}]; it has to be a list of at least two objects'),
    ],
)
def test_a_pattern_that_lambda_refuses_is_refused_here(pattern: str, message: str) -> None:
    """It would be found only at the deployment to AWS, or silently match nothing."""
    with pytest.raises(FilterPatternError) as refused:
        parse_pattern(pattern)
    assert str(refused.value) == message


def test_as_many_filters_and_as_long_ones_as_lambda_takes() -> None:
    """The limits are Lambda's quota."""
    assert parse_pattern(json.dumps({"a": ["x" * 4085]}))({"a": "x" * 4085})
    with pytest.raises(FilterPatternError, match="filter pattern has 4097 characters; Lambda takes 4096"):
        parse_pattern(json.dumps({"a": ["x" * 4086]}))
    with pytest.raises(FilterPatternError, match="11 filters are too many: a mapping takes 10"):
        parse_filters(["{}"] * 11)
