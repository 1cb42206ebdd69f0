"""DynamoDB attribute values as Python values and back, without loss.

| DynamoDB | Python |
|---|---|
| `S`, `N`, `B` | `str`, `Decimal`, `bytes` |
| `BOOL`, `NULL` | `bool`, `None` |
| `L`, `M` | `list`, `dict` |
| `SS`, `NS`, `BS` | `set` of `str`, `Decimal` or `bytes` |

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import NoneType
from typing import Any, TypeAlias, TypeVar

from aurora_lambda_runtime.payload import shorten

Scalar: TypeAlias = str | Decimal | bytes | bool | None
Value: TypeAlias = "Scalar | list[Value] | dict[str, Value] | set[str] | set[Decimal] | set[bytes]"
Item: TypeAlias = Mapping[str, Value]

T = TypeVar("T")
_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class AttributeValueError(ValueError):
    """A value is not one that DynamoDB has."""


def decode_item(attributes: Mapping[str, object]) -> dict[str, Value]:
    """Return an item as Python values, given in DynamoDB's JSON: `{"id": {"S": "1"}}`.

    Raises:
        AttributeValueError: an attribute has no such form; the message names it.
    """
    return _convert_each(attributes, decode)


def encode_item(item: Mapping[str, object]) -> dict[str, object]:
    """Return an item in DynamoDB's JSON.

    Raises:
        AttributeValueError: DynamoDB cannot hold a value; the message names its attribute.
    """
    return _convert_each(item, encode)


def item_to_json(item: Item) -> str:
    """Return DynamoDB's JSON of an item, the same text for equal items; it is what `aws dynamodb put-item` takes."""
    return _JSON.encode(encode_item(item))


def item_from_json(text: str) -> dict[str, Value]:
    """Return the item that `item_to_json` made `text` of."""
    return decode_item(json.loads(text))


def decode(attribute: object) -> Value:
    """Return the Python value of one attribute value, such as `{"N": "1.5"}`.

    Raises:
        AttributeValueError: it is no attribute value.
    """
    if not isinstance(attribute, dict) or len(attribute) != 1:
        raise AttributeValueError(f'{shorten(attribute)} is not of the form {{"S": "text"}}')
    [(descriptor, value)] = attribute.items()
    if descriptor not in _DECODERS:
        raise AttributeValueError(f"there is no type {shorten(descriptor)}; available: {', '.join(_DECODERS)}")
    return _DECODERS[descriptor](value)


def encode(value: object) -> dict[str, object]:
    """Return the attribute value of a Python value: `{"N": "1.5"}` of `Decimal("1.5")`.

    Raises:
        AttributeValueError: DynamoDB has no such type. It has no `float`: its numbers are decimal.
    """
    if type(value) not in _ENCODERS:
        raise AttributeValueError(f"DynamoDB cannot hold {shorten(value)}, a {type(value).__name__}")
    descriptor, encoded = _ENCODERS[type(value)](value)
    return {descriptor: encoded}


def _convert_each(values: Mapping[str, object], convert: Callable[[object], T]) -> dict[str, T]:
    """Return the converted values by their names, which an error names too."""
    converted: dict[str, T] = {}
    for name, value in values.items():
        try:
            converted[name] = convert(value)
        except AttributeValueError as error:
            raise AttributeValueError(f"attribute {name!r}: {error}") from None
    return converted


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise AttributeValueError(f"{shorten(value)} is not a string")
    return value


def _number(value: object) -> Decimal:
    try:
        number = Decimal(_text(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise AttributeValueError(f"{shorten(value)} is not a number")
    return number


def _binary(value: object) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error:
        raise AttributeValueError(f"{shorten(value)} is not base64") from None


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise AttributeValueError(f"{shorten(value)} is not true or false")
    return value


def _null(value: object) -> None:
    if value is not True:
        raise AttributeValueError(f"NULL is true, not {shorten(value)}")


def _elements(value: object) -> list[object]:
    if not isinstance(value, list):
        raise AttributeValueError(f"{shorten(value)} is not a list")
    return value


def _map(value: object) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise AttributeValueError(f"{shorten(value)} is not a map")
    return decode_item(value)


_DECODERS: Mapping[str, Callable[[object], Value]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "L": lambda value: [decode(element) for element in _elements(value)],
    "M": _map,
    "SS": lambda value: {_text(element) for element in _elements(value)},
    "NS": lambda value: {_number(element) for element in _elements(value)},
    "BS": lambda value: {_binary(element) for element in _elements(value)},
}


def _encode_number(value: Decimal) -> tuple[str, str]:
    if not value.is_finite():
        raise AttributeValueError(f"DynamoDB cannot hold the number {value}")
    return "N", str(value)


def _encode_set(value: set[object]) -> tuple[str, list[str]]:
    """Return a set's type and its elements in a fixed order, which sets do not have."""
    encoded = [encode(element) for element in value]
    descriptors = {descriptor for each in encoded for descriptor in each}
    if descriptors not in ({"S"}, {"N"}, {"B"}):
        raise AttributeValueError("a set holds strings, numbers or bytes, one kind of them, and at least one")
    [descriptor] = descriptors
    return f"{descriptor}S", sorted(str(each[descriptor]) for each in encoded)


_ENCODERS: Mapping[type, Callable[[Any], tuple[str, object]]] = {
    NoneType: lambda _: ("NULL", True),
    bool: lambda value: ("BOOL", value),
    str: lambda value: ("S", value),
    int: lambda value: ("N", str(value)),
    Decimal: _encode_number,
    bytes: lambda value: ("B", base64.b64encode(value).decode()),
    list: lambda value: ("L", [encode(element) for element in value]),
    tuple: lambda value: ("L", [encode(element) for element in value]),
    dict: lambda value: ("M", encode_item(value)),
    set: _encode_set,
    frozenset: _encode_set,
}
