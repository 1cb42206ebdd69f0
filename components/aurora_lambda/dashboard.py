"""One CloudWatch dashboard of a service, from top to bottom as a request goes through it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from aurora_lambda.alarms import Watched, check_watched
from aurora_lambda.component import Component
from aurora_lambda.metrics import KINDS, Metric
from aurora_lambda.transform import ChildTypes, Transform

# Source: CloudWatch API reference, "Dashboard body structure and syntax".
WIDTH, GRAPH_HEIGHT, ALARMS_HEIGHT = 24, 6, 3


class DashboardArgs(TypedDict):
    """What is on the dashboard."""

    watched: pulumi.Input[Sequence[pulumi.Input[Watched]]]
    """Functions, clusters and the like, from top to bottom."""
    alarm_arns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ARNs of alarms whose states are at the top. Default: none."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


CHILDREN: ChildTypes = {"dashboard": aws.cloudwatch.Dashboard}


class Dashboard(Component[DashboardArgs]):
    """A page that shows what becomes of requests: alarms, functions, streams, databases.

    Makes: a CloudWatch dashboard (`dashboard` in `transform`). It costs 3 USD a month.
    """

    url: pulumi.Output[str]
    """The page in AWS's console."""

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the dashboard.

        Raises:
            ValueError: something that is to be on it is of no known kind; for an output, once that is known.
        """
        super().__init__(name, args, opts, takes=DashboardArgs, arguments={}, children=CHILDREN)
        args = self._args
        if not isinstance(args["watched"], pulumi.Output):
            check_watched("Dashboard", name, cast(Sequence[Watched], args["watched"]))
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        known = pulumi.Output.all(name, region, args["watched"], args.get("alarm_arns", []))
        dashboard = aws.cloudwatch.Dashboard(
            name,
            dashboard_name=dashboard_name(pulumi.get_project(), pulumi.get_stack(), name),
            dashboard_body=known.apply(lambda known: _checked_body(*known)),
            opts=self._child("dashboard"),
        )
        self.url = pulumi.Output.all(region, dashboard.dashboard_name).apply(lambda known: dashboard_url(*known))
        self._register_outputs()


def dashboard_name(*parts: str) -> str:
    """Return the name of a dashboard in CloudWatch's letters: another one of that name would replace it.

    >>> dashboard_name("shop", "dev", "blue-service"), dashboard_name("shop", "dev-blue", "service")
    ('shop_dev_blue-service', 'shop_dev-blue_service')
    """
    return re.sub(r"[^\w-]", "-", "_".join(parts), flags=re.ASCII)


def dashboard_url(region: str, name: str) -> str:
    """Return where AWS's console shows a dashboard."""
    domain = "amazonaws-us-gov.com" if region.startswith("us-gov-") else "aws.amazon.com"
    return f"https://{region}.console.{domain}/cloudwatch/home?region={region}#dashboards/dashboard/{name}"


def dashboard_body(region: str, watched: Sequence[Mapping[str, Any]], alarm_arns: Sequence[str]) -> str:
    """Return the body of a dashboard: the alarms' states, then for each resource its name and its graphs."""
    widgets, y = [], 0
    if alarm_arns:
        widgets.append(_widget("alarm", 0, y, WIDTH, ALARMS_HEIGHT, title="Alarms", alarms=list(alarm_arns)))
        y += ALARMS_HEIGHT
    for each in watched:
        graphs = KINDS[each["kind"]].graphs
        widgets.append(_widget("text", 0, y, WIDTH, 1, markdown=f"## {each['name']} ({each['kind']})"))
        width = WIDTH // len(graphs)
        for column, (title, metrics) in enumerate(graphs.items()):
            graph = {"title": title, "region": region, "view": "timeSeries", "period": 60}
            lines = [_line(metric, each["id"]) for metric in metrics]
            widgets.append(_widget("metric", column * width, y + 1, width, GRAPH_HEIGHT, **graph, metrics=lines))
        y += 1 + GRAPH_HEIGHT
    return json.dumps({"widgets": widgets}, sort_keys=True)


def _checked_body(name: str, region: str, watched: Sequence[Watched], alarm_arns: Sequence[str]) -> str:
    check_watched("Dashboard", name, watched)
    return dashboard_body(region, watched, alarm_arns)


def _line(metric: Metric, id_: str) -> list[Any]:
    dimensions = [text for pair in metric.dimensions(id_).items() for text in pair]
    label = f"{metric.name} {metric.statistic} ({metric.unit})"
    return [metric.namespace, metric.name, *dimensions, {"stat": metric.statistic, "label": label}]


def _widget(type_: str, x: int, y: int, width: int, height: int, **properties: Any) -> dict[str, Any]:
    return {"type": type_, "x": x, "y": y, "width": width, "height": height, "properties": properties}
