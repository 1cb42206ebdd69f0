"""What a stack's dashboard shows, where, and of which resource."""

import json
from typing import Any

import pulumi
import pytest

from aurora_lambda.dashboard import Dashboard, dashboard_body, dashboard_url
from aurora_lambda.metrics import KINDS
from aurora_lambda.service import Service
from tests.components.conftest import Stack
from tests.components.documented_metrics import is_documented
from tests.components.recording import Recording, record
from tests.components.tokens import ALARM, CLUSTER, DASHBOARD, DSQL_CLUSTER, FUNCTION, MAPPING

STREAMS = json.dumps([{"name": "copy", "table": "test-table", "function": "copier", "database": False}])
URL = (
    "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
    "#dashboards/dashboard/aurora-lambda_dev_service"
)
ENGINES = ("mysql", "postgres", "dsql", "none")


def widgets(recording: Recording) -> list[dict[str, Any]]:
    return json.loads(recording.inputs(DASHBOARD, "service")["dashboardBody"])["widgets"]


def test_a_dashboard_is_laid_out_from_the_requests_to_the_database() -> None:
    """Somebody woken at night would look for what is wrong."""
    watched = [{"name": "shop", "kind": "function", "id": "shop-1"}, {"name": "copy", "kind": "stream", "id": "uuid"}]
    body = json.loads(dashboard_body("eu-west-1", watched, ["arn:1"]))
    layout = [(each["type"], each["x"], each["y"], each["width"], each["height"]) for each in body["widgets"]]
    assert layout == [
        ("alarm", 0, 0, 24, 3),
        ("text", 0, 3, 24, 1),
        *(("metric", 6 * column, 4, 6, 6) for column in range(4)),
        ("text", 0, 10, 24, 1),
        *(("metric", 12 * column, 11, 12, 6) for column in range(2)),
    ]
    assert body["widgets"][0]["properties"] == {"title": "Alarms", "alarms": ["arn:1"]}
    assert body["widgets"][1]["properties"] == {"markdown": "## shop (function)"}
    assert body["widgets"][3]["properties"] == {
        "title": "Duration",
        "region": "eu-west-1",
        "view": "timeSeries",
        "period": 60,
        "metrics": [
            [
                "AWS/Lambda",
                "Duration",
                "FunctionName",
                "shop-1",
                {"stat": "p50", "label": "Duration p50 (Milliseconds)"},
            ],
            [
                "AWS/Lambda",
                "Duration",
                "FunctionName",
                "shop-1",
                {"stat": "p99", "label": "Duration p99 (Milliseconds)"},
            ],
        ],
    }
    assert dashboard_url("eu-west-1", "aurora-lambda_dev_service") == URL
    assert dashboard_url("us-gov-west-1", "s") == (
        "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#dashboards/dashboard/s"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_graph_is_of_metrics_that_aws_documents(kind: str) -> None:
    """A graph would be empty while the service burns."""
    body = json.loads(dashboard_body("eu-west-1", [{"name": "it", "kind": kind, "id": "id"}], []))
    lines = [line for each in body["widgets"] if each["type"] == "metric" for line in each["properties"]["metrics"]]
    assert lines
    assert [line for line in lines if not is_documented(line[0], line[1], tuple(line[2:-1:2]))] == []
    assert 24 % len(KINDS[kind].graphs) == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_every_graph_is_of_a_resource_of_the_stack(stack: Stack, engine: str) -> None:
    """Somebody would look at the figures of another stack, or of none."""
    recording = stack(engine=engine, dashboard="true", alarmEmail="team@example.com", streams=STREAMS)
    made = {recording.output(FUNCTION, name, "name") for name in recording.of_type(FUNCTION)}
    made |= {recording.output(MAPPING, "copy", "uuid"), "WRITER"}
    if engine in ("mysql", "postgres"):
        made.add(recording.output(CLUSTER, "main-db", "clusterIdentifier"))
    if engine == "dsql":
        made.add(recording.output(DSQL_CLUSTER, "main-db", "identifier"))
    shown = widgets(recording)
    lines = [line for each in shown if each["type"] == "metric" for line in each["properties"]["metrics"]]
    ids = {id_ for line in lines for id_ in line[3:-1:2]}
    assert ids == made if engine in ("mysql", "postgres") else ids == made - {"WRITER"}
    arns = {recording.output(ALARM, name, "arn") for name in recording.of_type(ALARM)}
    assert {*shown[0]["properties"]["alarms"]} == arns
    assert recording.outputs["dashboardUrl"] == URL


def test_a_page_goes_from_the_url_down_to_the_migrations(stack: Stack) -> None:
    """A request could not be followed by reading."""
    recording = stack(engine="mysql", dashboard="true", instanceCount="2", streams=STREAMS)
    titles = [each["properties"]["markdown"] for each in widgets(recording) if each["type"] == "text"]
    assert titles == [
        "## handler (url)",
        "## handler (function)",
        "## copy (stream)",
        "## copier (function)",
        "## database (aurora)",
        "## database (readers)",
        "## migrations (migrations)",
    ]


@pytest.mark.parametrize("alarms", [{}, {"alarmEmail": "night@example.com"}])
def test_a_function_that_the_program_adds_is_on_the_page(alarms: dict[str, str]) -> None:
    """Its errors would be looked for elsewhere."""

    def program() -> None:
        Service().schedule("purge", "rate(1 hour)")

    recording = record(program, {"engine": "dsql", "dashboard": "true", **alarms})
    titles = [each["properties"]["markdown"] for each in widgets(recording) if each["type"] == "text"]
    assert titles == [
        "## handler (url)",
        "## handler (function)",
        "## purge (function)",
        "## purge (events)",
        "## database (dsql)",
        "## migrations (migrations)",
    ]


def test_what_is_of_no_known_kind_is_refused_as_an_output_too() -> None:
    """Another language's program would get a page without it, or Python's own error."""
    watched: Any = pulumi.Output.from_input([{"name": "a", "kind": "b", "id": "c"}])
    with pytest.raises(ValueError, match=r"Dashboard 'page': watched\[0\].kind is 'b'; available: "):
        record(lambda: Dashboard("page", {"watched": watched}))


def test_no_dashboard_is_made_unless_asked_for(stack: Stack) -> None:
    """A development stack would cost three dollars a month more."""
    recording = stack(engine="postgres")
    assert (recording.of_type(DASHBOARD), "dashboardUrl" in recording.outputs) == ([], False)
