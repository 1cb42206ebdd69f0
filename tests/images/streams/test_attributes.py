"""DynamoDB attribute values and Python values."""

import json
import random
import sys
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from aurora_lambda_runtime.handler.streams.attributes import (
    AttributeValueError,
    Value,
    decode,
    decode_item,
    encode,
    item_from_json,
    item_to_json,
)

KILOBYTE = 1024


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ({"S": "Tung Nguyen"}, "Tung Nguyen"),
        ({"S": ""}, ""),
        ({"S": "\0 '\" \\ ü 漢 🙂"}, "\0 '\" \\ ü 漢 🙂"),
        ({"N": "0"}, Decimal(0)),
        ({"N": "-12.50"}, Decimal("-12.50")),
        ({"N": "12345678901234567890123456789012345678"}, Decimal("12345678901234567890123456789012345678")),
        (
            {"N": "9.9999999999999999999999999999999999999E+125"},
            Decimal("9.9999999999999999999999999999999999999E+125"),
        ),
        ({"N": "1E-130"}, Decimal("1E-130")),
        ({"B": "AAEC/w=="}, b"\0\1\2\xff"),
        ({"B": ""}, b""),
        ({"BOOL": True}, True),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"L": []}, []),
        ({"L": [{"S": "a"}, {"N": "1"}, {"L": [{"NULL": True}]}]}, ["a", Decimal(1), [None]]),
        ({"M": {}}, {}),
        ({"M": {"": {"M": {"deep": {"BOOL": False}}}}}, {"": {"deep": False}}),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["1", "2.5"]}, {Decimal(1), Decimal("2.5")}),
        ({"BS": ["AA==", "AQ=="]}, {b"\0", b"\1"}),
    ],
)
def test_every_type_of_dynamodb_is_a_python_value_and_back(attribute: dict[str, Any], value: Value) -> None:
    """A function that reads an item and one that writes it must mean the same."""
    assert decode(attribute) == value
    assert type(decode(attribute)) is type(value)
    assert encode(value) == attribute


def test_whole_numbers_tuples_and_frozen_sets_are_taken_too() -> None:
    """They are what people write; a `True` stays a boolean."""
    assert encode({"count": 3, "pair": (1, True), "tags": frozenset({"x"})}) == {
        "M": {"count": {"N": "3"}, "pair": {"L": [{"N": "1"}, {"BOOL": True}]}, "tags": {"SS": ["x"]}}
    }


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ({"X": "1"}, "there is no type 'X'; available: S, N, B, BOOL, NULL, L, M, SS, NS, BS"),
        ({"S": "1", "N": "1"}, "{'S': '1', 'N': '1'} is not of the form {\"S\": \"text\"}"),
        ({}, '{} is not of the form {"S": "text"}'),
        ("1", '\'1\' is not of the form {"S": "text"}'),
        ({"S": 1}, "1 is not a string"),
        ({"N": 1}, "1 is not a string"),
        ({"N": "one"}, "'one' is not a number"),
        ({"N": "NaN"}, "'NaN' is not a number"),
        ({"N": "Infinity"}, "'Infinity' is not a number"),
        ({"B": "not base64!"}, "'not base64!' is not base64"),
        ({"BOOL": "true"}, "'true' is not true or false"),
        ({"NULL": False}, "NULL is true, not False"),
        ({"L": "ab"}, "'ab' is not a list"),
        ({"M": []}, "[] is not a map"),
        ({"M": {"a": {"M": {"b": {"S": None}}}}}, "attribute 'a': attribute 'b': None is not a string"),
        ({"NS": ["1", "x"]}, "'x' is not a number"),
        ({"S": ["x" * 1000]}, f"['{'x' * 58}... is not a string"),
    ],
)
def test_what_is_no_attribute_value_is_refused_by_name(attribute: object, message: str) -> None:
    """Whoever reads the failed record learns which attribute is wrong, in a line and not a megabyte."""
    with pytest.raises(AttributeValueError) as refusal:
        decode(attribute)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.1, "DynamoDB cannot hold 0.1, a float"),
        (Decimal("NaN"), "DynamoDB cannot hold the number NaN"),
        (set(), "a set holds strings, numbers or bytes, one kind of them, and at least one"),
        ({"a", 1}, "a set holds strings, numbers or bytes, one kind of them, and at least one"),
        ({True}, "a set holds strings, numbers or bytes, one kind of them, and at least one"),
        ({"a": [object]}, "attribute 'a': DynamoDB cannot hold <class 'object'>, a type"),
    ],
)
def test_what_dynamodb_cannot_hold_is_refused(value: object, message: str) -> None:
    """A float would change its digits on the way, and an empty set vanish."""
    with pytest.raises(AttributeValueError) as refusal:
        encode(value)
    assert str(refusal.value) == message


def test_equal_items_have_the_same_json() -> None:
    """A copy that has not changed must not look as if it had."""
    one = item_to_json({"tags": {"b", "a"}, "id": "1"})
    assert one == item_to_json({"id": "1", "tags": {"a", "b"}}) == '{"id":{"S":"1"},"tags":{"SS":["a","b"]}}'


def test_an_item_of_400_kilobytes_is_read_back_whole() -> None:
    """It is the largest that DynamoDB has; each kind of value may fill it."""
    numbers: list[Value] = [Decimal(1)] * 130 * KILOBYTE
    for big in ("é" * 200 * KILOBYTE, b"\xff\0" * 200 * KILOBYTE, numbers):
        item: dict[str, Value] = {"id": "1", "big": big}
        assert item_from_json(item_to_json(item)) == item


def test_nesting_of_32_levels_is_read_back() -> None:
    """DynamoDB allows so many."""
    value: Value = "deep"
    for level in range(32):
        value = [value] if level % 2 else {"in": value}
    assert item_from_json(item_to_json({"id": value})) == {"id": value}


def test_values_are_those_of_boto3() -> None:
    """Code that moves between a function and a script must see the same values; boto3 wraps bytes in a class."""
    reference = TypeDeserializer()
    seed = random.Random(2026)
    for _ in range(300):
        item = {f"a{number}": _random_value(seed, 3) for number in range(4)}
        attributes = json.loads(item_to_json(item))
        assert decode_item(attributes) == item
        theirs = {name: _plain(reference.deserialize(_with_bytes(each))) for name, each in attributes.items()}
        assert theirs == item


def _random_value(seed: random.Random, depth: int) -> Value:
    def number() -> Decimal:
        return Decimal(seed.randrange(-sys.maxsize, sys.maxsize)).scaleb(seed.randrange(-100, 60))

    leaves = [
        lambda: "".join(chr(seed.choice([0, 9, 65, 233, 0x6F22, 0x1F642])) for _ in range(seed.randrange(8))),
        number,
        lambda: seed.randbytes(seed.randrange(8)),
        lambda: seed.random() < 0.5,
        lambda: None,
        lambda: {str(seed.randrange(9)) for _ in range(3)},
        lambda: {number() for _ in range(3)},
        lambda: {seed.randbytes(2) for _ in range(3)},
    ]
    nodes = [
        lambda: [_random_value(seed, depth - 1) for _ in range(seed.randrange(4))],
        lambda: {str(key): _random_value(seed, depth - 1) for key in range(seed.randrange(4))},
    ]
    return seed.choice([*leaves, *(nodes if depth else [])])()


def _with_bytes(attribute: dict[str, Any]) -> dict[str, Any]:
    """Return the attribute as botocore gives it, its binary values decoded."""
    [(descriptor, value)] = attribute.items()
    if descriptor in ("B", "BS"):
        return {descriptor: decode(attribute)}
    if descriptor == "L":
        return {"L": [_with_bytes(each) for each in value]}
    if descriptor == "M":
        return {"M": {name: _with_bytes(each) for name, each in value.items()}}
    return attribute


def _plain(value: Any) -> Any:
    """Return the value with boto3's `Binary` as bytes."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, set):
        return {_plain(each) for each in value}
    return value.value if hasattr(value, "value") else value
