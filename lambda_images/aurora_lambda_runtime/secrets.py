"""Secrets that a function may read: by the names that the program and the stack's file give them."""

import logging
import os
import time

from aurora_lambda_runtime.database import aws
from aurora_lambda_runtime.database.contract import secret_variable
from aurora_lambda_runtime.database.errors import SecretUnavailableError

MAX_AGE_SECONDS = 300.0

log = logging.getLogger(__name__)
# By ARN: when it was asked for, and the value. By the wall clock, since that goes on while an environment is frozen.
_values: dict[str, tuple[float, str]] = {}


class SecretError(Exception):
    """A secret cannot be read. No message holds its value."""


def get_secret(name: str, *, max_age: float = MAX_AGE_SECONDS, force_fetch: bool = False) -> str:
    """Return the current value of a secret, read once and kept for `max_age` seconds in this execution environment.

    For so long a rotated secret is the old one: where that is refused, read again with `force_fetch`. Where Secrets
    Manager does not answer, the old value serves on, and the log says so.

    Raises:
        SecretError: the function was not given this secret, may not read it, or it holds no text.
    """
    variable = secret_variable(name)
    if not (arn := os.environ.get(variable)):
        raise SecretError(
            f"this function has no secret {name!r} ({variable} is not set): give it one by `access=[secret.reader]` in"
            " the program, or by `functions` in the stack's file"
        )
    asked, value = _values.get(arn, (0.0, ""))
    now = time.time()
    if force_fetch or now - asked >= max_age:
        _values[arn] = now, _read(name, arn, value if asked and not force_fetch else None)
    return _values[arn][1]


def _read(name: str, arn: str, older: str | None) -> str:
    try:
        value = aws.get_secret(arn)
    except SecretUnavailableError as error:
        if older is None:
            raise SecretError(f"secret {name!r}: {error}") from error
        log.warning("secret %r could not be read again, the older value serves on: %s", name, error)
        return older
    if value is None:
        raise SecretError(f"secret {name!r} has no value yet: {arn}")
    return value
