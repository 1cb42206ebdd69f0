"""The whole stack: its order, its names, its secrets, and what each shipped configuration makes of it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from aurora_lambda.project import ProjectError
from aurora_lambda.service import Service
from aurora_lambda.service.live_data import live_data
from aurora_lambda.service.settings import Settings
from tests.components.conftest import Stack
from tests.components.recording import MIGRATED, SECRET_MARK, STACKS_FOLDER, Recording, record
from tests.components.tokens import (
    ALIAS,
    CLUSTER,
    CLUSTER_INSTANCE,
    EGRESS_RULE,
    FUNCTION,
    FUNCTION_URL,
    IMAGE,
    INGRESS_RULE,
    INVOCATION,
    LOG_GROUP,
    REPOSITORY,
    ROLE,
    VPC,
    VPC_ENDPOINT,
)

# What local.resources.outputs answers for the registry's login, behind `AWS:`.
REGISTRY_PASSWORD = "registry-password"
CONFIGURATIONS: tuple[dict[str, str], ...] = (
    {},
    {"engine": "postgres"},
    {"databaseAuth": "password"},
    {"snapStart": "true", "functionUrlAuth": "NONE"},
    {"kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/0a1b"},
    {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]', "secretsEndpoint": "false"},
)
CONFIGURED = {
    "architecture": "x86_64",
    "autoPauseSeconds": "900",
    "backupRetentionDays": "9",
    "baseImage": "base:1",
    "handlerConcurrency": "8",
    "handlerMemory": "1024",
    "handlerTimeout": "29",
    "logRetentionDays": "7",
    "migrationMemory": "2048",
    "migrationTimeout": "60",
    "performanceInsights": "false",
    "runtimeRole": "shop_app",
    "schema": "shop",
    "vpcCidr": "10.9.0.0/16",
}
SCALING = ["serverlessv2ScalingConfiguration", "secondsUntilAutoPause"]
UNTAGGABLE = {
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
    "aws:iam/rolePolicy:RolePolicy",
    ALIAS,
    "aws:lambda/functionUrl:FunctionUrl",
    "aws:lambda/invocation:Invocation",
}


@cache
def shipped(stack: str) -> Recording:
    """Record the service under `stacks/Pulumi.<stack>.yaml`."""
    config = yaml.safe_load((STACKS_FOLDER / f"Pulumi.{stack}.yaml").read_text())["config"]
    own = {key.removeprefix("aurora-lambda:"): value for key, value in config.items() if not key.startswith("aws:")}
    return record(Service, own, stack=stack)


def test_the_stack_exports_what_people_invoke(stack: Stack) -> None:
    """The documented commands would have nothing to name."""
    recording = stack(engine="postgres")
    assert recording.outputs == {
        "handlerLambdaArn": recording.output(ALIAS, "handler", "arn"),
        "handlerLambdaName": recording.output(FUNCTION, "handler", "name"),
        "migrationRunnerLambdaArn": recording.output(FUNCTION, "migrations", "arn"),
        "migrationRunnerLambdaName": recording.output(FUNCTION, "migrations", "name"),
        "functionUrl": recording.output(FUNCTION_URL, "handler", "functionUrl"),
        "databaseEndpoint": recording.output(CLUSTER, "main-db", "endpoint"),
        "engine": "postgres",
        "migration": MIGRATED["after"],
        "liveData": live_data(Settings(engine="postgres"), {}, "eu-west-1"),
    }


def test_the_database_comes_first_then_the_migration_then_the_handler(stack: Stack) -> None:
    """New code would meet an old schema, or migrations a database that is not there."""
    recording = stack()
    writer = recording.resource(CLUSTER_INSTANCE, "main-db-1").urn
    runner, invocation = recording.resource(FUNCTION, "migrations"), recording.resource(INVOCATION, "migrations")
    handler = recording.resource(FUNCTION, "handler")
    way_in = recording.resource(INGRESS_RULE, "main-db-mysql-from-functions").urn
    way_out = recording.resource(EGRESS_RULE, "main-db-mysql-functions-out").urn
    endpoint = recording.resource(VPC_ENDPOINT, "network-secretsmanager").urn
    assert {writer, way_in, way_out, endpoint} <= set(runner.dependencies)
    assert runner.urn in invocation.dependencies
    assert invocation.urn in handler.dependencies
    position = {entry.urn: index for index, entry in enumerate(recording.registrations)}
    ordered = [writer, runner.urn, invocation.urn, handler.urn]
    assert sorted(ordered, key=position.__getitem__) == ordered


def test_images_are_built_before_anything_dear_is_made(stack: Stack) -> None:
    """A failing build would leave a cluster running that nothing uses."""
    recording = stack()
    images = {recording.resource(IMAGE, target).urn for target in ("handler", "migrations")}
    position = {entry.urn: index for index, entry in enumerate(recording.registrations)}
    assert max(position[urn] for urn in images) < position[recording.resource(CLUSTER, "main-db").urn]


@pytest.mark.parametrize("config", [{"schema": "other"}, {"runtimeRole": "other"}, {"databaseAuth": "password"}])
def test_another_schema_role_or_login_runs_the_migrations_again(stack: Stack, config: dict[str, str]) -> None:
    """The handler would log in to a database or as a role that nobody has made."""
    before, after = (recording.inputs(INVOCATION, "migrations")["triggers"] for recording in (stack(), stack(**config)))
    assert before["database"] != after["database"]


def test_the_deployment_migrates_when_the_image_the_cluster_or_the_role_changes(stack: Stack) -> None:
    """A new revision would not be applied, or a new cluster would stay empty."""
    recording = stack()
    database = recording.inputs(FUNCTION, "migrations")["environment"]["variables"]
    del database["ALLOW_RESET"]
    assert recording.inputs(INVOCATION, "migrations") == {
        "functionName": recording.output(FUNCTION, "migrations", "name"),
        "input": '{"command": "deploy", "complete": true}',
        "triggers": {
            "image": recording.inputs(FUNCTION, "migrations")["imageUri"],
            "database": json.dumps(database, sort_keys=True),
            "cluster": recording.output(CLUSTER, "main-db", "clusterIdentifier"),
            "role": recording.output(ROLE, "handler", "arn"),
        },
    }
    runner = recording.inputs(FUNCTION, "migrations")
    assert (runner["memorySize"], runner["timeout"]) == (512, 900)


@pytest.mark.parametrize("engine", ["mysql", "postgres"])
def test_registering_twice_gives_identical_inputs(stack: Stack, engine: str) -> None:
    """Else `pulumi up` with nothing changed would change something."""
    runs = stack(engine=engine), record(Service, {"engine": engine})
    first, second = ({entry.urn: entry.inputs for entry in run.registrations} for run in runs)
    assert first == second


@pytest.mark.parametrize("config", CONFIGURATIONS)
def test_a_preview_shows_the_same_resources(stack: Stack, config: dict[str, str]) -> None:
    """Else `pulumi preview` would fail, or show less than `pulumi up` then makes."""
    shown = record(Service, config, preview=True)
    assert {entry.urn for entry in shown.registrations} == {entry.urn for entry in stack(**config).registrations}


@pytest.mark.parametrize(
    ("type_", "name", "path", "expected"),
    [
        (FUNCTION, "handler", ["memorySize"], 1024),
        (FUNCTION, "handler", ["timeout"], 29),
        (FUNCTION, "handler", ["reservedConcurrentExecutions"], 8),
        (FUNCTION, "handler", ["architectures"], ["x86_64"]),
        (FUNCTION, "handler", ["environment", "variables", "SQL_MAIN_DB_SCHEMA"], "shop"),
        (FUNCTION, "handler", ["environment", "variables", "SQL_MAIN_DB_DB_ROLE"], "shop_app"),
        (FUNCTION, "migrations", ["memorySize"], 2048),
        (FUNCTION, "migrations", ["timeout"], 60),
        (FUNCTION, "migrations", ["architectures"], ["x86_64"]),
        (IMAGE, "handler", ["build", "platform"], "linux/amd64"),
        (IMAGE, "migrations", ["build", "args", "BASE_IMAGE"], "base:1"),
        (LOG_GROUP, "handler", ["retentionInDays"], 7),
        (LOG_GROUP, "migrations", ["retentionInDays"], 7),
        (CLUSTER, "main-db", ["backupRetentionPeriod"], 9),
        (CLUSTER, "main-db", SCALING, 900),
        (CLUSTER_INSTANCE, "main-db-1", ["performanceInsightsEnabled"], False),
        (VPC, "network", ["cidrBlock"], "10.9.0.0/16"),
    ],
)
def test_a_configured_value_reaches_aws(stack: Stack, type_: str, name: str, path: list[str], expected: object) -> None:
    """A setting would be taken and do nothing, or do something to another resource."""
    found: Any = stack(**CONFIGURED).inputs(type_, name)
    for step in path:
        found = found[step]
    assert found == expected


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        ({}, "true"),
        ({"functionUrlAuth": "NONE"}, None),
        ({"functionUrlAuth": "NONE", "databaseRoutes": "true"}, "true"),
    ],
)
def test_only_a_signed_url_says_where_the_database_is(
    stack: Stack, configuration: dict[str, str], told: str | None
) -> None:
    """Everybody could read the endpoint, the schema and the role of the database, unless the configuration says so."""
    variables = stack(**configuration).inputs(FUNCTION, "handler")["environment"]["variables"]
    assert variables.get("AURORA_LAMBDA_DATABASE_ROUTES") == told


def test_every_resource_belongs_to_a_component_and_is_tagged(stack: Stack) -> None:
    """A resource would be left out of the tree, of cost reports and of clean-ups."""
    recording = stack(databaseAuth="password", functionUrlAuth="AWS_IAM")
    resources = [entry for entry in recording.registrations if not entry.type.startswith("aurora-lambda:")]
    outside = [entry.urn for entry in resources if "aurora-lambda:index:" not in entry.urn.split("::")[2]]
    assert outside == []
    tagged = [entry for entry in resources if entry.type.startswith("aws:") and entry.type not in UNTAGGABLE]
    assert len(tagged) == 27
    for entry in tagged:
        assert entry.inputs.get("tags") == {"project": "aurora-lambda", "stack": "dev", "Name": entry.name}, entry.urn


@pytest.mark.parametrize("auth", ["iam", "password"])
def test_no_secret_is_in_plain_anywhere(stack: Stack, auth: str) -> None:
    """A password could be read in the console, in the state file or in the stack's outputs."""
    recording = stack(databaseAuth=auth)
    suspicious = {"password", "masterPassword", "secretString", "masterPasswordWo"}
    found = [(entry.urn, path) for entry in recording.registrations for path in _plain_keys(entry.wire, suspicious)]
    assert found == []
    variables = [
        entry.inputs["environment"]["variables"] for entry in recording.registrations if entry.type == FUNCTION
    ]
    assert len(variables) == 2
    assert not [name for environment in variables for name in environment if "PASSWORD" in name or "TOKEN" in name]
    unmarked = [
        entry.urn for entry in recording.registrations if REGISTRY_PASSWORD in json.dumps(_unmarked(entry.wire))
    ]
    assert unmarked == []
    assert REGISTRY_PASSWORD not in json.dumps(recording.outputs)


def test_the_development_stack_is_mysql_paused_when_idle_and_easy_to_destroy() -> None:
    """Trying things out would cost money at rest, or leave something behind."""
    recording = shipped("dev")
    cluster = recording.resource(CLUSTER, "main-db")
    assert cluster.inputs["engine"] == "aurora-mysql"
    assert cluster.inputs["serverlessv2ScalingConfiguration"]["minCapacity"] == 0
    assert (cluster.inputs["deletionProtection"], cluster.inputs["skipFinalSnapshot"]) == (False, True)
    assert recording.inputs(REPOSITORY, "handler")["forceDelete"] is True
    assert recording.inputs(FUNCTION, "migrations")["environment"]["variables"]["ALLOW_RESET"] == "true"


def test_the_production_stack_is_protected_snapshotted_and_cannot_be_reset() -> None:
    """One command could lose the data of a live service."""
    recording = shipped("prod")
    cluster = recording.resource(CLUSTER, "main-db")
    assert (cluster.inputs["deletionProtection"], cluster.protect) == (True, True)
    assert cluster.inputs["skipFinalSnapshot"] is False
    assert cluster.inputs["backupRetentionPeriod"] == 35
    assert recording.of_type(CLUSTER_INSTANCE) == ["main-db-1", "main-db-2"]
    assert recording.inputs(REPOSITORY, "handler")["forceDelete"] is False
    assert recording.inputs(FUNCTION, "migrations")["environment"]["variables"]["ALLOW_RESET"] == "false"


def test_one_configuration_line_switches_the_engine_and_only_that(stack: Stack) -> None:
    """Else `pulumi config set engine postgres` would take edits elsewhere too."""
    recordings = (stack(), stack(engine="postgres"))
    names = [{(entry.type, entry.name): entry.inputs for entry in each.registrations} for each in recordings]
    assert {name for _, name in names[0].keys() - names[1].keys()} == {
        "main-db-mysql-from-functions",
        "main-db-mysql-functions-out",
    }
    changed = {key[1] for key in names[0].keys() & names[1].keys() if names[0][key] != names[1][key]}
    assert changed == {"main-db", "main-db-1", "handler", "migrations"}


def _unmarked(value: Any) -> Any:
    """Return the value without what is marked as a secret in it."""
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items() if SECRET_MARK not in value.values()}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value


def _plain_keys(value: Any, names: set[str], path: str = "") -> list[str]:
    """Return the paths of the keys called one of `names` whose value is not marked as a secret."""
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _plain_keys(item, names, f"{path}[{index}]")]
    if not isinstance(value, dict):
        return []
    here = [
        f"{path}.{key}"
        for key, item in value.items()
        if key in names and not (isinstance(item, dict) and SECRET_MARK in item.values())
    ]
    return here + [found for key, item in value.items() for found in _plain_keys(item, names, f"{path}.{key}")]


def test_every_shipped_configuration_is_valid() -> None:
    """A newcomer's first command would fail."""
    stacks = sorted(path.name.split(".")[1] for path in Path(STACKS_FOLDER).glob("Pulumi.*.yaml"))
    assert stacks == ["dev", "local", "prod"]
    assert shipped("local").outputs["engine"] == "postgres"


def test_a_program_whose_images_lack_a_file_ends_with_what_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi would print a traceback, and nobody know what `make setup` had not finished."""

    def refuse(_project: object, _target: str) -> Path:
        raise ProjectError("there is no requirements/handler.txt")

    monkeypatch.setattr("aurora_lambda.service.parts.write_context", refuse)
    with pytest.raises(pulumi.RunError) as ended:
        record(Service)
    assert str(ended.value) == "there is no requirements/handler.txt"
