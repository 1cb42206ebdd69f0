"""When a schedule of EventBridge Scheduler is due.

Source: EventBridge Scheduler user guide, "Schedule types".
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aws_croniter import AwsCroniter

from aurora_lambda_local.platform.errors import UsageError

UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


def next_due(expression: str, time_zone: str, after: float) -> float | None:
    """Return when a schedule is due first after a time, in seconds since the epoch; None where it never is.

    Raises:
        UsageError: AWS would refuse the expression or the time zone.
    """
    match = re.fullmatch(r"(rate|cron|at)\((.*)\)", expression)
    if match is None:
        raise UsageError(f"scheduleExpression is {expression!r}; must be rate(...), cron(...) or at(...)")
    kind, inside = match.groups()
    try:
        zone = ZoneInfo(time_zone)
        if kind == "rate":
            value, _, unit = inside.partition(" ")
            return after + int(value) * UNIT_SECONDS[unit.removesuffix("s")]
        if kind == "at":
            moment = datetime.fromisoformat(inside).replace(tzinfo=zone).timestamp()
            return moment if moment > after else None
        return _next_cron(AwsCroniter(inside), zone, after)
    except ZoneInfoNotFoundError:
        raise UsageError(f"scheduleExpressionTimezone is {time_zone!r}; must be a time zone such as UTC") from None
    except Exception as error:
        raise UsageError(f"scheduleExpression is {expression!r}; {error}") from None


def _next_cron(cron: AwsCroniter, zone: ZoneInfo, after: float) -> float | None:
    # The library knows UTC alone: the clock on the wall is taken for it.
    wall = datetime.fromtimestamp(after, zone).replace(tzinfo=UTC)
    while (wall := cron.get_next(wall)[0]) is not None:
        due = wall.replace(tzinfo=zone)
        skipped = due.astimezone(UTC).astimezone(zone).replace(tzinfo=UTC) != wall
        # When clocks go forward, what would be in the hour that is left out does not run; when back, it runs once.
        if not skipped and due.timestamp() > after:
            return due.timestamp()
        wall += timedelta(seconds=1) if skipped else timedelta()
    return None
