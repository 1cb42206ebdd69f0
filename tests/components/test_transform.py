"""What a program sets of a component's resources itself, where the component has no argument for it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
import pytest
from pulumi.runtime import set_mocks
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.stack import run_pulumi_func

from aurora_lambda import (
    AuroraDatabase,
    DsqlDatabase,
    ImageFunction,
    Migration,
    Network,
    StreamTable,
)
from aurora_lambda.naming import camel_case
from aurora_lambda.plugin import COMPONENTS, plugin_provider
from tests.components.recording import Recording, fresh_event_loop, record
from tests.components.samples import EVERYTHING, ROLE_ARN, Component
from tests.components.tokens import CLUSTER, FUNCTION, LOG_GROUP, ROLE, TABLE, VPC

CHILDREN = [
    (component, child, type_) for component, (_, children) in COMPONENTS.items() for child, type_ in children.items()
]


def transformed(component: Component, args: dict[str, Any], **transform: Any) -> Recording:
    """Record a component `x` with these arguments and this transform."""
    return record(lambda: component("x", {**args, "transform": transform}))


@cache
def untouched(component: Component) -> list[Mapping[str, Mapping[str, Any]]]:
    """Return the inputs of each resource, by URN, of the component as it is with each of its arguments."""
    recordings = [transformed(component, args) for args in EVERYTHING[component]]
    return [{entry.urn: entry.inputs for entry in recording.registrations} for recording in recordings]


def a_property(type_: type[pulumi.Resource]) -> str:
    """Return the name of a property of this type that no component sets, where there is one."""
    if type_ is docker.Image:
        return "skip_push"
    if type_ is aws.iam.RolePolicyAttachment:
        # It has no other than those that its component sets.
        return "policy_arn"
    return "name_prefix" if type_ in (aws.iam.Role, aws.iam.RolePolicy) else "region"


@pytest.mark.parametrize(
    ("component", "child", "type_"), CHILDREN, ids=[f"{each[0].__name__}-{each[1]}" for each in CHILDREN]
)
def test_each_resource_of_each_component_is_reached_by_its_name(
    component: Component, child: str, type_: type[pulumi.Resource]
) -> None:
    """A person would fork the component for one property of this resource."""
    name, reached = a_property(type_), []
    for args, plain in zip(EVERYTHING[component], untouched(component), strict=True):
        for entry in transformed(component, args, **{child: {name: "mine"}}).registrations:
            if "mine" in entry.inputs.values():
                assert entry.inputs == {**plain[entry.urn], camel_case(name): "mine"}
                reached.append(entry.type)
    assert {*reached} == {type_.pulumi_type}  # ty: ignore[missing-attribute]
    assert f"`{child}`" in (component.__doc__ or "")


@pytest.mark.parametrize(
    ("component", "child", "given", "token", "expected"),
    [
        (AuroraDatabase, "cluster", {"backtrack_window": 3600}, CLUSTER, {"backtrackWindow": 3600}),
        (AuroraDatabase, "cluster", {"backup_retention_period": 3}, CLUSTER, {"backupRetentionPeriod": 3}),
        (
            ImageFunction,
            "function",
            {"ephemeralStorage": {"size": 1024}},
            FUNCTION,
            {"ephemeralStorage": {"size": 1024}},
        ),
        (
            ImageFunction,
            "logGroup",
            {"kms_key_id": lambda: pulumi.Output.from_input("k")},
            LOG_GROUP,
            {"kmsKeyId": "k"},
        ),
        (
            ImageFunction,
            "function",
            {"loggingConfig": {"logFormat": "JSON", "systemLogLevel": "WARN", "log_group": "/own"}},
            FUNCTION,
            {"loggingConfig": {"logFormat": "JSON", "systemLogLevel": "WARN", "logGroup": "/own"}},
        ),
        (Network, "vpc", {"enableNetworkAddressUsageMetrics": True}, VPC, {"enableNetworkAddressUsageMetrics": True}),
        (
            StreamTable,
            "table",
            {"tableClass": "STANDARD_INFREQUENT_ACCESS"},
            TABLE,
            {"tableClass": "STANDARD_INFREQUENT_ACCESS"},
        ),
        (Migration, "role", {"permissionsBoundary": "arn"}, ROLE, {"permissionsBoundary": "arn"}),
    ],
)
def test_a_property_is_set_in_either_spelling_and_nothing_else_changes(
    component: Component, child: str, given: dict[str, Any], token: str, expected: dict[str, Any]
) -> None:
    """A property would be lost on the way, or the component's own with it."""
    args = EVERYTHING[component][0]
    # An output belongs to the event loop that it was made in.
    given = {name: value() if callable(value) else value for name, value in given.items()}
    before, after = transformed(component, args), transformed(component, args, **{child: given})
    resource = before.registrations[[entry.type for entry in before.registrations].index(token)]
    assert after.inputs(token, resource.name) == {**resource.inputs, **expected}


def test_a_property_is_taken_away_by_none() -> None:
    """A person who wants AWS's own default for a property could not have it."""
    recording = transformed(StreamTable, {"table_name": "test-table"}, table={"pointInTimeRecovery": None})
    assert "pointInTimeRecovery" not in recording.inputs(TABLE, "x")


def test_a_component_of_another_language_is_transformed_too() -> None:
    """A TypeScript program would have no way out but a fork."""
    monitor = MockMonitor(Recording())
    loop = fresh_event_loop()
    set_mocks(Recording(), project="other", stack="dev", preview=False, monitor=monitor)
    transform = {"table": {"tableClass": "STANDARD_INFREQUENT_ACCESS", "tags": {"a": pulumi.Output.from_input("b")}}}

    def construct() -> None:
        token, inputs = "aurora-lambda:index:StreamTable", {"tableName": "test-table", "transform": transform}
        plugin_provider().construct("x", token, inputs, pulumi.ResourceOptions())

    loop.run_until_complete(run_pulumi_func(construct))
    (state,) = [each.state for urn, each in monitor.get_registered_resources().items() if TABLE in urn]
    assert (state["tableClass"], state["tags"]) == ("STANDARD_INFREQUENT_ACCESS", {"a": "b"})


def test_what_is_there_not_is_refused_with_what_is_there() -> None:
    """A misspelt name would change nothing, and nobody would see it."""
    wrong = {"tabel": {}, "table": {"tags": {}, "hash": "id", "rangekey": "at"}}
    with pytest.raises(
        ValueError, match="^StreamTable 'x': transform names 'tabel', which it does not make"
    ) as refused:
        transformed(StreamTable, {"table_name": "test-table"}, **wrong)
    names = refused.value.args[0].partition("sets 'hash' of 'table'; available: ")[2].partition(";")[0]
    assert "; StreamTable 'x': transform sets 'rangekey' of 'table'; available: " in refused.value.args[0]
    assert names.split(", ")[:3] == ["attributes", "billingMode", "deletionProtectionEnabled"]


@pytest.mark.parametrize(
    ("component", "args", "child"),
    [
        (StreamTable, {"table_name": "mine", "existing_table": True}, "table"),
        (DsqlDatabase, {"function_role_arns": [], "cluster_identifier": "abcdefghijklmnopqrstuvwxyz"}, "cluster"),
        (Network, {"vpc_id": "vpc-0a", "subnet_ids": ["subnet-1"]}, "subnet"),
        (Migration, {"image_uri": "repo@sha256:0", "access": [], "role": ROLE_ARN}, "role"),
    ],
)
def test_what_exists_already_is_not_transformed(component: Component, args: dict[str, Any], child: str) -> None:
    """A person would believe to have changed a table, a cluster or a subnet that is another stack's."""
    with pytest.raises(ValueError, match=f"^\\w+ 'x': transform names '{child}', which it does not make"):
        transformed(component, args, **{child: {"tags": {}}})


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"table": "big"}, "transform sets 'table' to 'big'; must be the properties to set, by name"),
        ([], r"transform is \[\]; must be the properties to set, by the names of children"),
    ],
)
def test_a_transform_of_another_shape_is_refused(transform: Any, message: str) -> None:
    """A person would get a traceback from within Pulumi."""
    args: Any = {"table_name": "test-table", "transform": transform}
    with pytest.raises(ValueError, match=f"^StreamTable 'x': {message}$"):
        record(lambda: StreamTable("x", args))
