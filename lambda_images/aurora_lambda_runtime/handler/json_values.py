"""The one form in which values that JSON lacks are written, in answers of routes and of commands."""

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from uuid import UUID

from aurora_lambda_runtime.database.types import iso_utc


def to_json(value: object) -> str:
    """Return `value` as JSON.

    A moment is written in UTC, `2026-11-21T10:00:00.123456Z`; a naive one, a date and a time in ISO 8601; a UUID as
    text; a Decimal as text, so that no digit is lost; bytes in base64; an Enum as its value; any mapping as an object.

    Raises:
        TypeError: it holds something else that JSON lacks.
        ValueError: it holds NaN or an infinity.
    """
    return json.dumps(value, separators=(",", ":"), default=_written, allow_nan=False)


def to_plain(value: object) -> object:
    """Return `value` as it reads once it has been JSON; the errors are those of `to_json`."""
    return json.loads(to_json(value))


def _written(value: object) -> object:
    match value:
        case datetime():
            return iso_utc(value) if value.tzinfo else value.isoformat()
        case date() | time():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case Enum():
            return value.value
        case Mapping():
            return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be in an answer: convert it to text or a number")
