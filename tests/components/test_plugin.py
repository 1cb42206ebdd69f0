"""The components as a Pulumi plugin: what TypeScript, Go, YAML, Java and C# programs see."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import grpc
import pulumi
import pytest
import yaml
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.runtime import set_mocks
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pulumi.runtime.stack import run_pulumi_func

from aurora_lambda import plugin
from tests.components.recording import CONTEXT, STACKS_FOLDER, Recording, fresh_event_loop
from tests.components.tokens import (
    ALARM,
    CLUSTER,
    CLUSTER_INSTANCE,
    DASHBOARD,
    DSQL_CLUSTER,
    EGRESS_RULE,
    FUNCTION,
    FUNCTION_URL,
    MAPPING,
    ROLE,
    ROLE_POLICY,
    SECURITY_GROUP,
)
from tests.services import PATIENCE_SECONDS

ROOT = STACKS_FOLDER.parent


@pytest.fixture(scope="module")
def provider() -> ComponentProvider:
    return plugin.plugin_provider()


@pytest.fixture(scope="module")
def schema(provider: ComponentProvider) -> dict[str, Any]:
    return json.loads(provider.schema or "")


def test_the_plugin_is_where_pulumi_looks_for_it() -> None:
    """Else `pulumi package add <this repository>/components` would not find a plugin."""
    folder = ROOT / "components"
    assert yaml.safe_load((folder / "PulumiPlugin.yaml").read_text()) == {
        "runtime": {"name": "python", "options": {"toolchain": "uv"}}
    }


def test_the_plugin_serves_its_schema_to_the_engine(schema: dict[str, Any]) -> None:
    """Else `pulumi package get-schema ./components` would fail."""
    command = [sys.executable, str(ROOT / "components"), "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                answer = stub.GetSchema(provider_pb2.GetSchemaRequest(version=0), timeout=PATIENCE_SECONDS)
        finally:
            process.terminate()
    assert json.loads(answer.schema) == schema


def test_the_schema_names_every_component(schema: dict[str, Any]) -> None:
    """A component could not be used from another language."""
    assert schema["name"] == "aurora-lambda"
    assert set(schema["resources"]) == {
        f"aurora-lambda:index:{name}"
        for name in (
            "Alarms",
            "AuroraDatabase",
            "Backup",
            "Dashboard",
            "DsqlDatabase",
            "FunctionRole",
            "ImageFunction",
            "LambdaImage",
            "Migration",
            "Network",
            "Queue",
            "Schedule",
            "Secret",
            "StreamTable",
            "TableStream",
        )
    }
    assert all(resource["isComponent"] for resource in schema["resources"].values())


def test_every_input_and_output_is_described(schema: dict[str, Any]) -> None:
    """Users of other languages would have names and types but no word of what they mean."""
    undescribed = [
        f"{token}.{kind}.{key}"
        for token, resource in schema["resources"].items()
        for kind in ("inputProperties", "properties")
        for key, definition in resource.get(kind, {}).items()
        if not definition.get("description")
    ]
    assert undescribed == []
    assert [token for token, resource in schema["resources"].items() if not resource.get("description")] == []


def test_descriptions_read_well_in_another_language(schema: dict[str, Any]) -> None:
    """An SDK would show Python's indentation, names and exceptions, or not say what an argument takes."""
    database = schema["resources"]["aurora-lambda:index:AuroraDatabase"]
    assert database["inputProperties"]["autoPauseSeconds"]["description"] == (
        "Idle time before a pause, where `minCapacity` is 0. "
        "Takes a whole number of seconds from 300 to 86400. Default: `300`."
    )
    assert database["inputProperties"]["finalSnapshot"]["description"] == (
        "Whether deleting the cluster takes a snapshot first. Default: `true`."
    )
    runtime_role = database["inputProperties"]["runtimeRole"]["description"]
    assert "Default: `app_runtime`; in an existing\ncluster, `<schema>_runtime`." in runtime_role
    descriptions = _descriptions(schema)
    assert [text for text in descriptions if "\n  " in text or text != text.strip()] == []
    assert [text for text in descriptions if re.search(r"Raises|\b(True|False|None)\b|aws\.|=", text)] == []
    snake_case = {name for text in descriptions for name in re.findall(r"`([a-z]+_\w+)`", text)}
    assert snake_case == {"app_runtime"}


def _descriptions(value: Any) -> list[str]:
    """Return every description in the schema."""
    if isinstance(value, list):
        return [text for item in value for text in _descriptions(item)]
    if not isinstance(value, dict):
        return []
    own = [value["description"]] if isinstance(value.get("description"), str) else []
    return own + [text for item in value.values() for text in _descriptions(item)]


def test_a_list_takes_outputs_one_by_one(schema: dict[str, Any]) -> None:
    """`subnetIds: [a.id, b.id]` would not compile in TypeScript, nor a value of another stack for a number."""
    closed = [
        f"{token}.{name}"
        for token, resource in schema["resources"].items()
        for name, definition in resource["inputProperties"].items()
        if definition.get("items", {}).get("type") == "string" and definition["items"].get("plain")
    ]
    assert closed == ["aurora-lambda:index:Network.endpoints", "aurora-lambda:index:StreamTable.formerStreams"]


def test_what_is_plain_says_why(schema: dict[str, Any]) -> None:
    """A person whose value is an output would be refused by the compiler and not told the reason."""
    silent = [
        f"{token.rpartition(':')[2]}.{name}"
        for token, resource in schema["resources"].items()
        for name, definition in resource["inputProperties"].items()
        if definition.get("plain") and "Plain" not in definition["description"]
    ]
    plain_by_shape = {"access", "cors", "transform"}
    assert [each for each in silent if each.partition(".")[2] not in plain_by_shape] == []


def test_a_function_is_given_what_a_database_offers(schema: dict[str, Any]) -> None:
    """`access: [database.runtime]` would not compile in TypeScript or Go, where the two types differ."""
    access = {"$ref": "#/types/aurora-lambda:index:FunctionAccess"}
    for component in ("ImageFunction", "Migration"):
        given = schema["resources"][f"aurora-lambda:index:{component}"]["inputProperties"]["access"]
        assert (given["type"], given["items"]["$ref"]) == ("array", access["$ref"])
        assert "plain" not in given["items"]
    for component, output in (("AuroraDatabase", "runtime"), ("DsqlDatabase", "admin"), ("Network", "access")):
        offered = schema["resources"][f"aurora-lambda:index:{component}"]["properties"][output]
        assert offered["$ref"] == access["$ref"]


def test_what_a_database_needs_is_known(schema: dict[str, Any]) -> None:
    """Another language's compiler would ask for too much or too little."""
    database = schema["resources"]["aurora-lambda:index:AuroraDatabase"]
    assert database["requiredInputs"] == ["engine", "functionSecurityGroupId", "subnetIds", "vpcId"]


def test_a_component_is_constructed_from_another_languages_inputs(provider: ComponentProvider) -> None:
    """The plugin would have a schema and still fail at the first `pulumi up`."""
    recording = Recording()
    monitor = MockMonitor(recording)
    loop = fresh_event_loop()
    set_mocks(recording, project="other", stack="dev", preview=False, monitor=monitor)
    database: dict[str, Any] = {
        "engine": "postgres",
        "vpcId": "vpc-0a",
        "subnetIds": [pulumi.Output.from_input("subnet-1"), "subnet-2"],
        "functionSecurityGroupId": "sg-1",
        # Numbers are floating point on the wire.
        "instanceCount": 2.0,
        "backupRetentionDays": pulumi.Output.from_input(9.0),
    }

    def construct() -> None:
        options, token = pulumi.ResourceOptions(), "aurora-lambda:index:"
        state = provider.construct("db", f"{token}AuroraDatabase", database, options).state
        assert set(state) == {"runtime", "admin", "endpoint", "identifier"}
        # What depends on other resources arrives as an output.
        admin = pulumi.Output.from_input(state["admin"])
        provider.construct(
            "migrations", f"{token}Migration", {"imageUri": "image@sha256:0", "access": [admin]}, options
        )

    loop.run_until_complete(run_pulumi_func(construct))
    urns = {urn.split("::", 2)[2] for urn in monitor.get_registered_resources()}
    parent = "pulumi:pulumi:Stack$aurora-lambda:index:AuroraDatabase::db"
    assert {parent, f"aurora-lambda:index:AuroraDatabase${CLUSTER}::db"} <= urns
    assert f"aurora-lambda:index:AuroraDatabase${SECURITY_GROUP}::db" in urns
    assert f"aurora-lambda:index:AuroraDatabase${EGRESS_RULE}::db-postgres-functions-out" in urns
    assert f"aurora-lambda:index:AuroraDatabase${CLUSTER_INSTANCE}::db-2" in urns
    states = {entry.urn.rpartition("$")[2]: entry.state for entry in monitor.get_registered_resources().values()}
    assert states[f"{CLUSTER}::db"]["backupRetentionPeriod"] == 9
    runner = states[f"{FUNCTION}::migrations"]
    assert runner["vpcConfig"] == {"subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"]}
    assert runner["environment"]["variables"]["SQL_DB_RUNTIME_DB_ROLE"] == "app_runtime"


def test_every_component_is_constructed_from_another_languages_inputs(provider: ComponentProvider) -> None:
    """One that has a schema could still fail at the first `pulumi up`, of what the wire makes of its inputs."""
    monitor = MockMonitor(Recording())
    loop = fresh_event_loop()
    set_mocks(Recording(), project="other", stack="dev", preview=False, monitor=monitor)
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [pulumi.Output.from_input("arn")]}
    table_access = {
        "environment": {"TABLE": pulumi.Output.from_input("t")},
        "policyStatements": [{**statement, "Action": ["dynamodb:GetItem"]}],
        "subnetIds": [],
        "securityGroupIds": [],
    }

    def construct() -> None:
        def make(component: str, name: str, inputs: dict[str, Any]) -> Mapping[str, Any]:
            return provider.construct(name, f"aurora-lambda:index:{component}", inputs, pulumi.ResourceOptions()).state

        network = make("Network", "network", {"endpointZones": 2.0})
        files = {"context": str(CONTEXT), "dockerfile": str(CONTEXT / "Dockerfile")}
        image = make("LambdaImage", "image", {**files, "target": "handler", "keepImages": 5.0})
        role = make("FunctionRole", "role", {})
        function = {
            "imageUri": image["imageUri"],
            "role": role["arn"],
            "access": [network["access"], table_access],
            "policyStatements": [statement],
            "memorySize": pulumi.Output.from_input(512.0),
            "urlAuthType": "NONE",
            "cors": {"allowOrigins": ["https://example.com"], "maxAge": 60.0},
        }
        made = make("ImageFunction", "function", function)
        table = make("StreamTable", "table", {"tableName": "test-table"})
        stream = {"streamArn": table["streamArn"], "role": role["arn"], "functionName": made["functionName"]}
        make("TableStream", "stream", {**stream, "batchSize": 7.0, "filters": [{"eventName": ["INSERT"]}]})
        limits = {"timeout": pulumi.Output.from_input(10.0)}
        watched = [{"name": "made", "kind": "function", "id": made["functionName"], "limits": limits}]
        alarms = make("Alarms", "alarms", {"watched": watched, "email": "team@example.com"})
        make("Dashboard", "page", {"watched": watched, "alarmArns": alarms["alarmArns"]})
        regions = {"peerRegion": "eu-west-2", "witnessRegion": "eu-west-3"}
        dsql = make("DsqlDatabase", "dsql", {"functionRoleArns": [role["arn"]], **regions})
        assert set(dsql) == {"runtime", "admin", "endpoint", "identifier", "arn"}
        assert set(table) == {"tableName", "tableArn", "streamArn", "kmsKeyArn", "access"}
        make("Backup", "backups", {"resourceArns": [dsql["arn"], table["tableArn"]]})
        make("Migration", "migrations", {"imageUri": image["imageUri"], "access": [dsql["admin"]]})

    loop.run_until_complete(run_pulumi_func(construct))
    states = {
        (entry.urn.split("::")[2].rpartition("$")[2], entry.urn.rpartition("::")[2]): entry.state
        for entry in monitor.get_registered_resources().values()
    }
    made = states[FUNCTION, "function"]
    assert (made["memorySize"], made["environment"]) == (512, {"variables": {"TABLE": "t"}})
    (group,) = [
        each.id
        for urn, each in monitor.get_registered_resources().items()
        if "::network-functions" in urn and SECURITY_GROUP in urn
    ]
    assert made["vpcConfig"]["securityGroupIds"] == [group]
    (*_, table, bucket) = json.loads(states[ROLE_POLICY, "function"]["policy"])["Statement"]
    assert (table["Action"], bucket["Action"], bucket["Resource"]) == (["dynamodb:GetItem"], ["s3:GetObject"], ["arn"])
    assert states[FUNCTION_URL, "function"]["cors"] == {"allowOrigins": ["https://example.com"], "maxAge": 60}
    assert states[MAPPING, "stream"]["batchSize"] == 7
    assert states[ALARM, "made-duration"]["threshold"] == 9000
    assert states[FUNCTION, "function"]["name"] in states[DASHBOARD, "page"]["dashboardBody"]
    assert states[DSQL_CLUSTER, "dsql-peer"]["region"] == "eu-west-2"
    variables = states[FUNCTION, "migrations"]["environment"]["variables"]
    assert variables["SQL_DSQL_RUNTIME_ROLE_ARN"] == states[ROLE, "role"]["arn"]
