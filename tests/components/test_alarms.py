"""What rings and when: each alarm's own inputs, evaluated as CloudWatch does."""

from collections.abc import Mapping
from typing import Any

import pytest

from aurora_lambda import Alarms, Dashboard
from aurora_lambda.metrics import AGE_ALARM, DEAD_LETTERS_ALARM, GIVEN_UP_ALARM, KINDS, LOST_ALARM
from tests.components.cloudwatch import NOTHING, Minutes, rings
from tests.components.documented_metrics import is_documented
from tests.components.recording import STACKS_FOLDER, Recording, record
from tests.components.test_table_stream import stream
from tests.components.tokens import ALARM, SUBSCRIPTION, TOPIC

GIB = 1024**3
LIMITS = {
    "function": {"timeout": 15},
    "aurora": {"connections": 90, "capacity": 2, "busy": 90},
}
TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:told"


def alarms(**args: Any) -> Recording:
    """Record alarms on one resource of each kind."""
    watched = [{"name": kind, "kind": kind, "id": "it", "limits": LIMITS.get(kind, {})} for kind in KINDS]
    return record(lambda: Alarms("alarms", {"watched": watched, "tags": {"project": "demo"}, **args}))  # ty: ignore[invalid-argument-type]


@pytest.fixture(scope="module")
def registered() -> dict[str, Mapping[str, Any]]:
    recordings = alarms(), stream()
    return {
        entry.name: entry.inputs for recording in recordings for entry in recording.registrations if entry.type == ALARM
    }


def minutes(*samples: float, each: int = 1) -> Minutes:
    """Return an hour that ends with these samples, each of them for so many minutes."""
    last = [[sample] for sample in samples for _ in range(each)]
    return [*NOTHING[len(last) :], *last]


ONE_FAILS_EACH_SIX_MINUTES = minutes(*[1, *[0] * 5] * 10)
# Each alarm: samples that must make it ring, and samples that must not.
SERIES: list[tuple[str, dict[str, Minutes], list[dict[str, Minutes]]]] = [
    ("url-5xx", {"Url5xxCount": minutes(2, 0, 1, 1)}, [{"Url5xxCount": ONE_FAILS_EACH_SIX_MINUTES}]),
    ("function-errors", {"Errors": minutes(1, 1, 0, 0, 1)}, [{"Errors": ONE_FAILS_EACH_SIX_MINUTES}]),
    ("function-throttles", {"Throttles": minutes(9, 9, 9)}, [{"Throttles": minutes(500, 500, 0)}]),
    (
        "function-duration",
        {"Duration": minutes(13_501, each=3)},
        [{"Duration": minutes(13_500, each=5)}, {"Duration": minutes(15_000, *[20] * 5, 15_000)}],
    ),
    (
        "events-failed-events",
        {"ApproximateNumberOfMessagesVisible": minutes(1)},
        [{"ApproximateNumberOfMessagesVisible": minutes(0, each=60)}],
    ),
    ("migrations-failed", {"Errors": minutes(1)}, [{"Errors": minutes(0)}, {"Errors": minutes(1, 0)}]),
    (
        "aurora-capacity",
        {"ACUUtilization": minutes(100, each=15)},
        [
            # Resumed at its largest for six minutes of each seven, then paused again.
            {"ACUUtilization": minutes(*[*[100] * 6, 0] * 8)},
            {"ACUUtilization": minutes(90, each=60)},
            {"ACUUtilization": minutes(0, each=60)},
        ],
    ),
    (
        "aurora-connections",
        {"DatabaseConnections": minutes(82, each=3)},
        [{"DatabaseConnections": minutes(81, each=60)}],
    ),
    (
        "aurora-memory",
        {"FreeableMemory": minutes(0.19 * GIB, each=15)},
        # At rest it counts what the largest capacity would have free; a paused cluster sends none.
        [{"FreeableMemory": minutes(3 * GIB, each=60)}, {"FreeableMemory": minutes(0.1 * GIB, each=10)}],
    ),
    (
        "readers-lag",
        {"AuroraReplicaLag": minutes(1001, each=5)},
        [{"AuroraReplicaLag": minutes(20, each=60)}, {"AuroraReplicaLag": minutes(*[5000] * 4, 20)}],
    ),
    (
        "dsql-conflicts",
        {"OccConflicts": minutes(11, each=15), "TotalTransactions": minutes(100, each=15)},
        [
            {"OccConflicts": minutes(10, each=60), "TotalTransactions": minutes(100, each=60)},
            {"OccConflicts": minutes(0, each=60), "TotalTransactions": minutes(0, each=60)},
            {"OccConflicts": minutes(1, each=5), "TotalTransactions": minutes(1, each=5)},
        ],
    ),
    ("dsql-timeouts", {"QueryTimeouts": minutes(1)}, [{"QueryTimeouts": minutes(0, each=60)}]),
    (
        "dsql-storage",
        {"ClusterStorageSize": minutes(9.1 * 1024 * GIB)},
        [{"ClusterStorageSize": minutes(8.9 * 1024 * GIB, each=60)}],
    ),
    (
        "backup-failed",
        {"NumberOfBackupJobsFailed": minutes(1, *[0] * 50)},
        [{"NumberOfBackupJobsFailed": minutes(0, each=60)}],
    ),
    ("copy-age", {"IteratorAge": minutes(900_001)}, [{"IteratorAge": minutes(900_000)}]),
    ("copy-lost", {"DroppedEventCount": minutes(1)}, [{"DroppedEventCount": minutes(0)}]),
    (
        "copy-given-up",
        {"OnFailureDestinationDeliveredEventCount": minutes(1)},
        [{"OnFailureDestinationDeliveredEventCount": minutes(0)}],
    ),
]


@pytest.mark.parametrize(("name", "bad", "good"), SERIES, ids=[name for name, _, _ in SERIES])
def test_an_alarm_rings_when_it_should_and_only_then(
    registered: dict[str, Mapping[str, Any]], name: str, bad: dict[str, Minutes], good: list[dict[str, Minutes]]
) -> None:
    """Nobody would be woken by what breaks the service, or somebody each night by what does not."""
    assert rings(registered[name], bad)
    assert [series for series in good if rings(registered[name], series)] == []


@pytest.mark.parametrize("name", [name for name, _, _ in SERIES])
def test_silence_rings_nothing(registered: dict[str, Mapping[str, Any]], name: str) -> None:
    """An idle function or a paused cluster, which sends no metric, would raise an alarm each evening."""
    (metrics,) = [bad for each, bad, _ in SERIES if each == name]
    assert not rings(registered[name], dict.fromkeys(metrics, NOTHING))


def test_every_alarm_is_tested_on_series(registered: dict[str, Mapping[str, Any]]) -> None:
    """A new alarm could ring for ever, or never."""
    assert {*registered} == {name for name, _, _ in SERIES}


def test_the_documentation_says_of_every_alarm_what_to_do(registered: dict[str, Mapping[str, Any]]) -> None:
    """Somebody woken at night would read a name and know nothing."""
    page = (STACKS_FOLDER.parent / "docs" / "aws.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `") and line.count("|") == 5]
    what = {
        "url": "handler",
        "function": "handler",
        "events": "<function>",
        "aurora": "database",
        "readers": "database",
        "dsql": "database",
        "backup": "backups",
    }
    names = [name.partition("-")[::2] for name in registered]
    told = [f"`{what.get(kind, '<stream>' if kind == 'copy' else kind)}-{alarm}`" for kind, alarm in names]
    assert [name for name in told if sum(name in row.split("|")[1] for row in rows) != 1] == []


def test_every_alarm_is_on_a_metric_that_aws_documents() -> None:
    """An alarm on a name or a dimension that AWS does not send never rings."""
    on = [alarm for kind in KINDS.values() for alarm in kind.alarms]
    on += [AGE_ALARM, LOST_ALARM, GIVEN_UP_ALARM, DEAD_LETTERS_ALARM]
    metrics = [metric for alarm in on for metric in (alarm.metric, alarm.percent_of) if metric]
    unknown = [each for each in metrics if not is_documented(each.namespace, each.name, (*each.dimensions("it"),))]
    assert unknown == []


def test_what_an_alarm_asks_of_cloudwatch() -> None:
    """Another function or another moment would be watched than the documentation says."""
    recording = alarms(topic_arn=TOPIC_ARN)
    common = {"treatMissingData": "notBreaching", "alarmActions": [TOPIC_ARN], "okActions": [TOPIC_ARN]}
    assert recording.inputs(ALARM, "function-duration") == {
        **common,
        "alarmDescription": "function-duration: one in a hundred nearly times out",
        "namespace": "AWS/Lambda",
        "metricName": "Duration",
        "dimensions": {"FunctionName": "it"},
        "extendedStatistic": "p99",
        "period": 60,
        "evaluationPeriods": 5,
        "datapointsToAlarm": 3,
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 13_500,
        "tags": {"project": "demo", "Name": "function-duration"},
    }
    queries = recording.inputs(ALARM, "dsql-conflicts")["metricQueries"]
    assert queries == [
        {"id": "percent", "expression": "100 * part / whole", "label": "one transaction in ten", "returnData": True},
        *(
            {
                "id": id_,
                "metric": {
                    "namespace": "AWS/AuroraDSQL",
                    "metricName": name,
                    "dimensions": {"ClusterId": "it"},
                    "period": 300,
                    "stat": "Sum",
                },
            }
            for id_, name in (("part", "OccConflicts"), ("whole", "TotalTransactions"))
        ),
    ]


def test_a_topic_is_made_unless_one_is_given_and_an_address_gets_mail() -> None:
    """Alarms would ring where nobody hears them."""
    made = alarms(email="team@example.com")
    arn = made.output(TOPIC, "alarms", "arn")
    assert made.inputs(SUBSCRIPTION, "alarms") == {"topic": arn, "protocol": "email", "endpoint": "team@example.com"}
    assert {tuple(entry.inputs["alarmActions"]) for entry in made.registrations if entry.type == ALARM} == {(arn,)}
    given = alarms(topic_arn=TOPIC_ARN, email="team@example.com")
    assert (given.of_type(TOPIC), given.inputs(SUBSCRIPTION, "alarms")["topic"]) == ([], TOPIC_ARN)
    assert alarms(topic_arn=TOPIC_ARN).of_type(SUBSCRIPTION) == []


def test_an_alarm_whose_limit_is_not_known_is_not_made() -> None:
    """A function of another stack, whose timeout nobody knows, could not be watched at all."""
    watched = {"name": "theirs", "kind": "function", "id": "f"}
    recording = record(lambda: Alarms("x", {"watched": [watched]}))  # ty: ignore[invalid-argument-type]
    assert recording.of_type(ALARM) == ["theirs-errors", "theirs-throttles"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"kind": "lambda"},
            "kind is 'lambda'; available: url, function, events, migrations, stream, aurora, readers, dsql, backup",
        ),
        ({"kind": "function", "limits": {"timout": 15}}, "limits has 'timout'; available: timeout"),
        ({"kind": "function", "limit": {"timeout": 15}}, "limit is not known; available: name, kind, id, limits"),
        ({"kind": "stream", "limits": {"age": 15}}, "limits has 'age'; available: none"),
    ],
)
@pytest.mark.parametrize("component", [Alarms, Dashboard])
def test_what_cannot_be_watched_is_refused_with_what_can(
    component: type[Alarms | Dashboard], wrong: dict[str, Any], message: str
) -> None:
    """A misspelt kind would be a traceback, and a misspelt limit an alarm that is not there."""
    watched: list[Any] = [{"name": "a", "kind": "url", "id": "f"}, {"name": "a", "id": "f", **wrong}]
    with pytest.raises(ValueError, match=rf"^{component.__name__} 'x': watched\[1\]\.{message}$"):
        record(lambda: component("x", {"watched": watched}))
