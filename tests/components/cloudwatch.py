"""How CloudWatch evaluates an alarm, over the samples that a metric has got.

Sources: CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
"""

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

# What a metric has got in each minute, the newest last; a minute without samples is missing.
Minutes = Sequence[Sequence[float]]
NOTHING: Minutes = [[]] * 60
COMPARISONS = {"GreaterThanThreshold": operator.gt, "LessThanThreshold": operator.lt}
STATISTICS = {"Sum": sum, "Maximum": max, "Minimum": min, "Average": lambda samples: sum(samples) / len(samples)}
# CloudWatch looks a little further back than the periods it evaluates: by two in the guide's example.
FURTHER_BACK = 2


def rings(alarm: Mapping[str, Any], metrics: Mapping[str, Minutes]) -> bool:
    """Return whether the alarm of these inputs is in state ALARM, after minutes with these samples by metric name."""
    assert alarm["treatMissingData"] == "notBreaching"
    periods = alarm["evaluationPeriods"]
    found = [value for value in _values(alarm, metrics)[-periods - FURTHER_BACK :] if value is not None]
    compare = COMPARISONS[alarm["comparisonOperator"]]
    # Real values come first; only where they are too few, missing ones count, as not breaching.
    breaching = [value for value in found[-periods:] if compare(value, alarm["threshold"])]
    return len(breaching) >= alarm["datapointsToAlarm"]


def _values(alarm: Mapping[str, Any], metrics: Mapping[str, Minutes]) -> list[float | None]:
    if "metricQueries" not in alarm:
        return _periods(alarm, alarm.get("statistic", alarm.get("extendedStatistic", "")), metrics)
    (expression,) = (query["expression"] for query in alarm["metricQueries"] if query.get("returnData"))
    parts = {
        query["id"]: _periods(query["metric"], query["metric"]["stat"], metrics)
        for query in alarm["metricQueries"]
        if "metric" in query
    }
    assert expression == "100 * part / whole"
    pairs = zip(parts["part"], parts["whole"], strict=True)
    return [None if part is None or not whole else 100 * part / whole for part, whole in pairs]


def _periods(metric: Mapping[str, Any], statistic: str, metrics: Mapping[str, Minutes]) -> list[float | None]:
    minutes, length = metrics[metric["metricName"]], metric["period"] // 60
    starts = range(len(minutes) % length, len(minutes), length)
    periods = [[sample for minute in minutes[at : at + length] for sample in minute] for at in starts]
    return [_statistic(statistic, samples) if samples else None for samples in periods]


def _statistic(name: str, samples: Sequence[float]) -> float:
    if name.startswith("p"):
        return sorted(samples)[math.ceil(len(samples) * float(name[1:]) / 100) - 1]
    return STATISTICS[name](samples)
