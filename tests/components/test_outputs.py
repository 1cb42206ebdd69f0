"""Values of other resources and stacks as arguments of components."""

import json
from typing import Any

import pulumi
import pytest

from aurora_lambda.naming import camel_case
from aurora_lambda.plugin import COMPONENTS, plugin_provider
from tests.components.recording import record
from tests.components.samples import EVERYTHING, ROLE_ARN, Component

DENY = {"Effect": "Deny"}
FURTHER: dict[str, dict[str, Any]] = {
    "AuroraDatabase": {"final_snapshot": False, "extended_support": True, "performance_insights": False},
    "ImageFunction": {"command": ["app.handler"], "environment": {"A": "1"}, "policy_statements": [DENY]},
    "LambdaImage": {"build_args": {"BASE_IMAGE": "base:1"}},
    "Migration": {
        "allow_reset": True,
        "environment": {"A": "1"},
        "triggers": {"b": "2"},
        "role": ROLE_ARN,
    },
    "StreamTable": {"sort_key": "at", "sort_key_type": "N", "point_in_time_recovery": False},
    "TableStream": {
        "report_batch_item_failures": False,
        "alarm_topic_arn": "arn",
        "policy_statements": [DENY],
    },
}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return json.loads(plugin_provider().schema or "")["resources"]


@pytest.mark.parametrize("component", EVERYTHING)
def test_what_is_not_plain_may_be_an_output(component: Component, resources: dict[str, Any]) -> None:
    """A program whose value comes from another stack would be refused, or get other resources than by the value."""
    (type_,) = [each for each in COMPONENTS if each is component]
    name = type_.__name__
    defaults = {key: each.default for key, each in COMPONENTS[type_][0].items() if each.default not in (None, ())}
    described = resources[f"aurora-lambda:index:{name}"]["inputProperties"]
    for sample in EVERYTHING[component]:
        plain = {**defaults, **sample, **FURTHER.get(name, {})}
        late = {key: value if described[camel_case(key)].get("plain") else later(value) for key, value in plain.items()}
        assert registered(component, late) == registered(component, plain)


def later(value: Any) -> pulumi.Output[Any]:
    """Return the value as an output, what is in a list too."""
    if isinstance(value, list):
        return pulumi.Output.from_input([pulumi.Output.from_input(each) for each in value])
    return pulumi.Output.from_input(value)


def registered(component: Component, args: dict[str, Any]) -> dict[str, Any]:
    return {entry.urn: entry.inputs for entry in record(lambda: component("x", args)).registrations}
