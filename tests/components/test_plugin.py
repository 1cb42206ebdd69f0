"""The components as a Pulumi plugin: what TypeScript, Go, YAML, Java and C# programs see."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
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

import components.__main__ as plugin
from components import AuroraDatabase, FunctionRole, ImageFunction, LambdaImage, Migration, Network
from tests.components.recording import Recording
from tests.components.tokens import CLUSTER, CLUSTER_INSTANCE, EGRESS_RULE, SECURITY_GROUP

COMPONENTS = [Network, AuroraDatabase, LambdaImage, FunctionRole, ImageFunction, Migration]


@pytest.fixture(scope="module")
def provider() -> ComponentProvider:
    return ComponentProvider(list(COMPONENTS), "aurora-lambda", None, "0.1.0")


@pytest.fixture(scope="module")
def schema(provider: ComponentProvider) -> dict[str, Any]:
    return json.loads(provider.schema or "")


def test_the_plugin_is_where_pulumi_looks_for_it() -> None:
    """Else `pulumi package add <this repository>/components` would not find a plugin."""
    folder = Path(plugin.__file__).parent
    assert yaml.safe_load((folder / "PulumiPlugin.yaml").read_text()) == {
        "runtime": {"name": "python", "options": {"toolchain": "uv"}}
    }


def test_the_plugin_serves_its_schema_to_the_engine(schema: dict[str, Any]) -> None:
    """Else `pulumi package get-schema ./components` would fail."""
    command = [sys.executable, str(Path(plugin.__file__).parent), "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                answer = stub.GetSchema(provider_pb2.GetSchemaRequest(version=0), timeout=30)
        finally:
            process.terminate()
    assert set(json.loads(answer.schema)["resources"]) == set(schema["resources"])


def test_the_schema_names_every_component(schema: dict[str, Any]) -> None:
    """Else a component could not be used from another language."""
    assert schema["name"] == "aurora-lambda"
    assert set(schema["resources"]) == {f"aurora-lambda:index:{component.__name__}" for component in COMPONENTS}
    assert all(resource["isComponent"] for resource in schema["resources"].values())


def test_every_input_and_output_is_described(schema: dict[str, Any]) -> None:
    """Else users of other languages would have names and types but no word of what they mean."""
    undescribed = [
        f"{token}.{kind}.{key}"
        for token, resource in schema["resources"].items()
        for kind in ("inputProperties", "properties")
        for key, definition in resource.get(kind, {}).items()
        if not definition.get("description")
    ]
    assert undescribed == []
    assert [token for token, resource in schema["resources"].items() if not resource.get("description")] == []


def test_the_access_of_a_database_fits_into_a_function(schema: dict[str, Any]) -> None:
    """Else a database could not be handed to a function in another language."""
    reference = "#/types/aurora-lambda:index:DatabaseAccess"
    database = schema["resources"]["aurora-lambda:index:AuroraDatabase"]
    function = schema["resources"]["aurora-lambda:index:ImageFunction"]
    assert (database["properties"]["runtime"]["$ref"], database["properties"]["admin"]["$ref"]) == (reference,) * 2
    assert function["inputProperties"]["access"]["$ref"] == reference
    assert set(schema["types"]["aurora-lambda:index:DatabaseAccess"]["properties"]) == {
        "environment",
        "statements",
        "subnetIds",
        "securityGroupIds",
    }
    assert database["requiredInputs"] == ["engine", "functionSecurityGroupId", "subnetIds", "vpcId"]


def test_a_component_is_constructed_from_another_languages_inputs(provider: ComponentProvider) -> None:
    """Else the plugin would have a schema and still fail at the first `pulumi up`."""
    recording = Recording()
    monitor = MockMonitor(recording)
    set_mocks(recording, project="other", stack="dev", preview=False, monitor=monitor)
    constructed: dict[str, Any] = {}

    def construct() -> None:
        inputs = {
            "engine": "postgres",
            "vpcId": "vpc-0a",
            "subnetIds": ["subnet-1", "subnet-2"],
            "functionSecurityGroupId": "sg-1",
            # Numbers are floating point on the wire.
            "instanceCount": 2.0,
        }
        token = "aurora-lambda:index:AuroraDatabase"
        constructed["result"] = provider.construct("db", token, inputs, pulumi.ResourceOptions())

    asyncio.get_event_loop().run_until_complete(run_pulumi_func(construct))
    urns = {urn.split("::", 2)[2] for urn in monitor.get_registered_resources()}
    parent = "pulumi:pulumi:Stack$aurora-lambda:index:AuroraDatabase::db"
    assert {parent, f"aurora-lambda:index:AuroraDatabase${CLUSTER}::db"} <= urns
    assert f"aurora-lambda:index:AuroraDatabase${SECURITY_GROUP}::db" in urns
    assert f"aurora-lambda:index:AuroraDatabase${EGRESS_RULE}::db-functions-out" in urns
    assert f"aurora-lambda:index:AuroraDatabase${CLUSTER_INSTANCE}::db-2" in urns
    state = constructed["result"].state
    assert set(state) == {"runtime", "admin", "endpoint", "identifier"}
