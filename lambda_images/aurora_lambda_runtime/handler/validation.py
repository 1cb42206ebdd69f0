"""Checks of what clients send; a value that is refused is answered with a 400 that says why."""

import re
from collections.abc import Mapping
from uuid import UUID

from aurora_lambda_runtime.handler.http import HttpError

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def required_texts(body: Mapping[str, object], limits: Mapping[str, int], missing: str) -> dict[str, str]:
    """Return the fields named in `limits`, without the blanks around them; limits are in characters.

    Raises:
        HttpError: a field is missing or blank (the message is `missing`), is not text, or is too long.
    """
    if any(body.get(name) is None for name in limits):
        raise HttpError(400, missing)
    texts = {name: validate_text(name, body[name]).strip() for name in limits}
    if not all(texts.values()):
        raise HttpError(400, missing)
    for name, limit in limits.items():
        if len(texts[name]) > limit:
            raise HttpError(400, f"{name.capitalize()} must be at most {limit} characters")
    return texts


def optional_text(body: Mapping[str, object], name: str, largest: int) -> str | None:
    """Return a field that may be missing, of at most `largest` bytes.

    Raises:
        HttpError: it is not text, or too long.
    """
    if body.get(name) is None:
        return None
    text = validate_text(name, body[name])
    if len(text.encode()) > largest:
        raise HttpError(400, f"{name.capitalize()} must be at most {largest} bytes")
    return text


def validate_text(name: str, value: object) -> str:
    """Return `value`, text that every engine can store.

    Raises:
        HttpError: it is not text, or holds a NUL character or half a surrogate pair.
    """
    if not isinstance(value, str):
        raise HttpError(400, f"{name.capitalize()} must be a string")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise HttpError(400, f"{name.capitalize()} holds characters that cannot be stored")
    return value


def parse_uuid(value: str, name: str) -> UUID:
    """Return the id that `value` is in its usual form, with hyphens.

    Raises:
        HttpError: it has another form; `name` says in the message what it is.
    """
    if not _UUID.fullmatch(value):
        raise HttpError(400, f"{name} must be a UUID")
    return UUID(value)
