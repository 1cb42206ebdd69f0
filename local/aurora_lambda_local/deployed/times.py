"""Parse the times that people type."""

import re
from datetime import UTC, datetime, timedelta

from aurora_lambda_local.platform.errors import UsageError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_since(text: str) -> datetime:
    """Return the time that `--since` names: so long ago, or an ISO 8601 time, in UTC where it names no zone.

    >>> parse_since("2026-11-21T15:00").isoformat()
    '2026-11-21T15:00:00+00:00'

    Raises:
        UsageError: it is neither.
    """
    try:
        if ago := re.fullmatch(r"(\d+)([smhd])", text, re.ASCII):
            return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"--since takes 10m, 2h, 1d or a time such as 2026-11-21T15:00, not {text!r}") from None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
