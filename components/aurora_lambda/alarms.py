"""Alarms on functions and databases, and the topic that tells of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda.arguments import SNS_TOPIC, Argument, text
from aurora_lambda.component import Component
from aurora_lambda.metrics import KINDS, Alarm, Metric
from aurora_lambda.naming import Tags, resource_tags
from aurora_lambda.transform import ChildTypes, Transform


class Watched(TypedDict):
    """A resource that is watched, by its alarms and on a dashboard."""

    name: str
    """What its alarms and graphs are named by. Plain, since it names resources."""
    kind: str
    """What it is: `url` or `function` (`id` is the function's name), `events` (the name of its queue of failed ones),
    `migrations` (the runner's name), `stream` (the mapping's id), `aurora` or `readers` (the cluster's identifier),
    `dsql` (the cluster's), `backup` (the vault's name). Plain, since it decides which resources there are."""
    id: pulumi.Input[str]
    """What AWS knows it by."""
    limits: NotRequired[Mapping[str, pulumi.Input[float]]]
    """What some alarms need to know, and are not made without: a function's `timeout` in seconds; the `connections` and
    the `capacity` that an Aurora cluster has at most, and the percentage of it above which it is `busy`. Plain, since
    it decides which alarms there are; its values may be outputs."""


class AlarmsArgs(TypedDict):
    """What is watched, and who is told."""

    watched: Sequence[Watched]
    """Functions, clusters and the like. Plain, since it decides which resources there are."""
    topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic that is told. Default: one is made. Plain where it is given or not, since that decides which resources
    there are."""
    email: NotRequired[pulumi.Input[str]]
    """Address that gets mail, once its owner has followed the link in the first one. Default: none. Plain where it is
    given or not, since that decides which resources there are."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "topic_arn": SNS_TOPIC,
    "email": text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an address such as team@example.com"),
}
CHILDREN: ChildTypes = {
    "topic": aws.sns.Topic,
    "subscription": aws.sns.TopicSubscription,
    "alarm": aws.cloudwatch.MetricAlarm,
}


class Alarms(Component[AlarmsArgs]):
    """Alarms that tell a topic what goes wrong with functions and databases, and when it is well again.

    Makes: a topic (`topic` in `transform`) unless it is given one, a subscription of an address (`subscription`), and
    the alarms (`alarm`: each). What is idle or paused rings none.
    At rest 0.10 USD a month for each metric of an alarm: DSQL's conflicts have two.
    """

    topic_arn: pulumi.Output[str]
    """ARN of the topic."""
    alarm_arns: pulumi.Output[list[str]]
    """ARNs of the alarms."""

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the topic and the alarms."""
        super().__init__(name, args, opts, takes=AlarmsArgs, arguments=ARGUMENTS, children=CHILDREN)
        args = self._args
        check_watched("Alarms", name, args["watched"])

        self.topic_arn = pulumi.Output.from_input(args["topic_arn"]) if "topic_arn" in args else self._topic()
        if "email" in args:
            opts = self._child("subscription")
            aws.sns.TopicSubscription(name, topic=self.topic_arn, protocol="email", endpoint=args["email"], opts=opts)
        limits = [each.get("limits", {}) for each in args["watched"]]
        alarms = [
            register_alarm(
                each["name"],
                alarm,
                each["id"],
                limit=own[alarm.per] if alarm.per else 1,
                topic_arn=self.topic_arn,
                tags=args.get("tags"),
                opts=self._child("alarm"),
            )
            for each, own in zip(args["watched"], limits, strict=True)
            for alarm in KINDS[each["kind"]].alarms
            if not alarm.per or alarm.per in own
        ]
        self.alarm_arns = pulumi.Output.all(*(alarm.arn for alarm in alarms))
        self._register_outputs()

    def _topic(self) -> pulumi.Output[str]:
        # SNS encrypts its disks; with a customer's key CloudWatch would need a statement in the key's policy.
        return aws.sns.Topic(self._name, tags=self._tags(self._name), opts=self._child("topic")).arn


def check_watched(component: str, name: str, watched: Sequence[Watched]) -> None:
    """Check what a component is to watch.

    Raises:
        ValueError: something is of no known kind, or has a limit that its kind does not; the message names those.
    """
    for index, each in enumerate(watched):
        path, kind = f"{component} {name!r}: watched[{index}]", KINDS.get(each["kind"])
        if kind is None:
            raise ValueError(f"{path}.kind is {each['kind']!r}; available: {', '.join(KINDS)}")
        for key in each.keys() - Watched.__annotations__.keys():
            raise ValueError(f"{path}.{key} is not known; available: {', '.join(Watched.__annotations__)}")
        available = [alarm.per for alarm in kind.alarms if alarm.per]
        for limit in each.get("limits", {}):
            if limit not in available:
                raise ValueError(f"{path}.limits has {limit!r}; available: {', '.join(available) or 'none'}")


def register_alarm(
    name: str,
    alarm: Alarm,
    id_: pulumi.Input[str],
    *,
    limit: pulumi.Input[float],
    topic_arn: pulumi.Input[str] | None,
    tags: Tags | None,
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """Register an alarm on the resource of this id, by its `limit`."""
    name = f"{name}-{alarm.suffix}"
    topics = [topic_arn] if topic_arn is not None else None
    return aws.cloudwatch.MetricAlarm(
        name,
        alarm_description=f"{name}: {alarm.meaning}",
        comparison_operator="LessThanThreshold" if alarm.below else "GreaterThanThreshold",
        threshold=pulumi.Output.from_input(limit).apply(lambda units: alarm.threshold * units),
        evaluation_periods=alarm.window.periods,
        datapoints_to_alarm=alarm.window.datapoints,
        treat_missing_data="notBreaching",
        alarm_actions=topics,
        ok_actions=topics,
        tags=resource_tags(tags, name),
        opts=opts,
        **_expression(alarm, id_),
    )


def _expression(alarm: Alarm, id_: pulumi.Input[str]) -> dict[str, Any]:
    metric = alarm.metric
    if alarm.percent_of:
        percent = {"id": "percent", "expression": "100 * part / whole", "label": alarm.meaning, "return_data": True}
        parts = {"part": metric, "whole": alarm.percent_of}
        queries = [{"id": part, "metric": _metric(each, alarm, id_, "stat")} for part, each in parts.items()]
        return {"metric_queries": [percent, *queries]}
    return _metric(metric, alarm, id_, "extended_statistic" if metric.statistic.startswith("p") else "statistic")


def _metric(metric: Metric, alarm: Alarm, id_: pulumi.Input[str], statistic: str) -> dict[str, Any]:
    return {
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": metric.dimensions(id_),
        "period": alarm.window.period,
        statistic: metric.statistic,
    }
