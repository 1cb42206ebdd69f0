"""What clients may put in a request: every rule refuses with a sentence for the caller."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from lambda_images.handler.http import HttpError

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def required_texts(body: Mapping[str, Any], limits: Mapping[str, int], missing: str) -> dict[str, str]:
    """The fields named in `limits`, none blank, none longer than its limit in characters.

    Raises:
        HttpError: one is not there (the answer says `missing`), is no text, or is too long.
    """
    if any(body.get(name) is None for name in limits):
        raise HttpError(400, missing)
    texts = {name: storable(name, body[name]).strip() for name in limits}
    if not all(texts.values()):
        raise HttpError(400, missing)
    for name, limit in limits.items():
        if len(texts[name]) > limit:
            raise HttpError(400, f"{name.capitalize()} must be at most {limit} characters")
    return texts


def optional_text(body: Mapping[str, Any], name: str, largest: int) -> str | None:
    """A field that may be missing, of at most `largest` bytes.

    Raises:
        HttpError: it is no text, or too long.
    """
    if body.get(name) is None:
        return None
    text = storable(name, body[name])
    if len(text.encode()) > largest:
        raise HttpError(400, f"{name.capitalize()} must be at most {largest} bytes")
    return text


def storable(name: str, value: Any) -> str:
    """`value`, which has to be text that every engine can store.

    Raises:
        HttpError: it is no text, or holds a NUL character or half a surrogate pair.
    """
    if not isinstance(value, str):
        raise HttpError(400, f"{name.capitalize()} must be a string")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise HttpError(400, f"{name.capitalize()} holds characters that cannot be stored")
    return value


def uuid(value: str, name: str) -> UUID:
    """An id in its usual form, with hyphens.

    Raises:
        HttpError: it has another form.
    """
    if not _UUID.fullmatch(value):
        raise HttpError(400, f"{name} must be a UUID")
    return UUID(value)
