"""What fields of a request may hold."""

from typing import Any

import pytest

from aurora_lambda_runtime.handler.http import HttpError
from aurora_lambda_runtime.handler.validation import optional_text, parse_uuid, required_texts

LIMITS = {"name": 3, "email": 5}


def test_texts_come_without_the_blanks_around_them() -> None:
    """An address with a blank before it is the same address."""
    assert required_texts({"name": " Ann ", "email": "a@b.c", "more": 1}, LIMITS, "missing") == {
        "name": "Ann",
        "email": "a@b.c",
    }


@pytest.mark.parametrize("name", [None, "", " "])
def test_a_missing_or_blank_field_is_refused(name: Any) -> None:
    """The sentence is the route's own."""
    with pytest.raises(HttpError) as refusal:
        required_texts({"name": name, "email": "a"}, LIMITS, "Name and email are required")
    assert (refusal.value.status, str(refusal.value)) == (400, "Name and email are required")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Anna", "Name must be at most 3 characters"),
        (5, "Name must be a string"),
        (True, "Name must be a string"),
        (["a"], "Name must be a string"),
        ("n\0", "Name holds characters that cannot be stored"),
        ("\ud800", "Name holds characters that cannot be stored"),
    ],
)
def test_what_cannot_be_stored_is_refused(value: Any, message: str) -> None:
    """The database would refuse it with an error of its own, which would become a 500."""
    with pytest.raises(HttpError) as refusal:
        required_texts({"name": value, "email": "a"}, LIMITS, "missing")
    assert (refusal.value.status, str(refusal.value)) == (400, message)


def test_characters_are_counted_and_not_bytes() -> None:
    """Limits are the columns' own, which count characters."""
    assert required_texts({"name": "\N{GRINNING FACE}" * 3}, {"name": 3}, "")["name"] == "\N{GRINNING FACE}" * 3


def test_an_optional_text_is_limited_in_bytes() -> None:
    """MySQL's TEXT holds a number of bytes."""
    assert optional_text({}, "content", 2) is None
    assert optional_text({"content": "\u00e4"}, "content", 2) == "\u00e4"
    with pytest.raises(HttpError) as refusal:
        optional_text({"content": "\u00e4x"}, "content", 2)
    assert str(refusal.value) == "Content must be at most 2 bytes"


@pytest.mark.parametrize("value", ["1", "not-a-uuid", "%00", "{00000000-0000-0000-0000-000000000000}", "0" * 32])
def test_an_id_in_another_form_is_refused(value: str) -> None:
    """PostgreSQL would answer such an id with an error of its own."""
    assert parse_uuid("0000000A-0000-0000-0000-000000000000", "User id").int >> 96 == 10
    with pytest.raises(HttpError) as refusal:
        parse_uuid(value, "User id")
    assert str(refusal.value) == "User id must be a UUID"
