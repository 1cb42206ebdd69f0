"""The providers: how to run each type of resource on this machine. Types without one are only recorded."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from aurora_lambda_local.databases.rds_engines import RDS_ENGINES, engine_of_cluster
from aurora_lambda_local.databases.registry import DatabaseServer, database_server
from aurora_lambda_local.databases.server_watch import ServerWatch
from aurora_lambda_local.lambda_service.deployed_function import LATEST, DeployedFunction
from aurora_lambda_local.lambda_service.environment import FunctionConfig
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.lambda_service.function_url import CorsSettings, FunctionUrl
from aurora_lambda_local.lambda_service.logs import FunctionLog
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.resources.context import Provider, ProviderResult, Resource, RunningResource, StackContext
from aurora_lambda_local.resources.dsql_clusters import DSQL_CLUSTER, access_key_id, dsql_cluster, local_variables
from aurora_lambda_local.resources.running import MadeResource, RunningCluster, RunningFunction
from aurora_lambda_local.resources.stream_providers import STREAM_PROVIDERS
from aurora_lambda_local.resources.type_tokens import ALIAS, CLUSTER, FUNCTION, FUNCTION_URL, IMAGE, INVOCATION
from aurora_lambda_local.runtimes.container import ContainerImage, build_image
from aurora_lambda_local.runtimes.image_build import ImageBuild
from aurora_lambda_local.runtimes.virtualenv import VirtualenvImage, install_image, is_installable
from aurora_lambda_runtime.database.engines import ENGINES, EngineSpec

LOOPBACK = "127.0.0.1"
DEFAULT_CONCURRENCY = 20


def _cluster(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    if previous:
        previous.close()
    engine = _engine(resource).name
    # An existing cluster keeps its identifier whatever the stack's engine is.
    folder = f"{resource.id}-{engine}" if "identifier" in resource.inputs else resource.id
    data = context.paths.data(context.stack) / folder
    server = database_server(engine, data, _parameters(context, resource))
    server.start(context.allocate_port(f"database {resource.id}"))
    username, password = str(resource.outputs["masterUsername"]), secrets.token_urlsafe(24)
    server.set_master(username, password)
    managed = resource.outputs["masterUserSecrets"]
    arn = str(managed[0]["secretArn"]) if managed else f"{resource.outputs['arn']}:master-000000"
    context.aws_services.put_secret(context.region, arn, json.dumps({"username": username, "password": password}))
    context.database_generation = secrets.token_hex(8)
    services, region = context.aws_services, context.region
    secret = MadeResource(lambda: bool(services.secret_value(region, arn)), lambda: services.delete_secret(region, arn))
    url = partial(_master_url, context, server, arn)
    running = RunningCluster(server, ServerWatch(server), url, secret)
    return running, {"endpoint": LOOPBACK, "readerEndpoint": LOOPBACK, "port": server.port}


def _master_url(context: StackContext, server: DatabaseServer, secret_arn: str, database: str) -> str:
    """Return where a person logs in as the master user; empty while nothing holds the password."""
    secret = context.aws_services.secret_value(context.region, secret_arn)
    if secret is None:
        return ""
    login, spec = json.loads(secret), ENGINES[server.engine]
    address = f"{login['username']}:{login['password']}@{LOOPBACK}:{server.port}"
    return f"{spec.client_scheme}://{address}/{database or spec.maintenance_database}"


def _engine(resource: Resource) -> EngineSpec:
    rds_engine = resource.inputs.get("engine")
    engine = engine_of_cluster(rds_engine)
    if engine is None:
        raise LocalError(f"engine {rds_engine!r} cannot run here: {' and '.join(RDS_ENGINES)} can")
    return engine


def _parameters(context: StackContext, resource: Resource) -> dict[str, str]:
    name = resource.inputs.get("dbClusterParameterGroupName")
    groups = context.resources_of_type("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    found = [each for group in groups if group.outputs["name"] == name for each in group.inputs.get("parameters", [])]
    return {str(parameter["name"]): str(parameter["value"]) for parameter in found}


def _image(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    build = ImageBuild.from_inputs(resource.inputs["build"], context.program_directory)
    image: VirtualenvImage | ContainerImage
    if context.containers:
        image = build_image(build, context.paths)
    elif is_installable(resource.files):
        image = install_image(build, resource.files, context.paths)
    else:
        # Nobody asked for containers, nor to choose this machine's processor for them.
        image = build_image(replace(build, platform=""), context.paths)
    repository = str(resource.outputs["repoDigest"]).partition("@")[0]
    reference = f"{repository}@sha256:{image.digest}"
    context.images[reference] = image
    # Its files stay: the next image may have the same.
    return MadeResource(image.alive), {"repoDigest": reference}


def _function(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    inputs, outputs = resource.inputs, resource.outputs
    reference = str(inputs.get("imageUri"))
    if reference not in context.images:
        raise LocalError(f"it runs image {reference}, which this program does not build")
    image = context.images[reference]
    command = (inputs.get("imageConfig") or {}).get("commands")
    logging = inputs.get("loggingConfig") or {}
    reserved = inputs.get("reservedConcurrentExecutions")
    limit = -1 if reserved is None else int(reserved)
    config = FunctionConfig(
        name=str(outputs["name"]),
        arn=str(outputs["arn"]),
        image=image,
        handler=str(command[0]) if command else image.handler,
        variables=_variables(context, resource),
        memory_mb=int(outputs["memorySize"]),
        timeout=float(outputs["timeout"]),
        concurrency=limit if limit >= 0 else DEFAULT_CONCURRENCY,
        log_group=str(logging.get("logGroup") or f"/aws/lambda/{outputs['name']}"),
        json_logs=logging.get("logFormat") == "JSON",
        region=context.region,
        aws_endpoint=context.aws_services.endpoint,
        access_key_id=access_key_id(context, str(inputs.get("role"))),
        version=_version(context, resource, previous) if inputs.get("publish") else LATEST,
    )
    function = Function(config, FunctionLog(context.paths.log(context.stack, config.name)))
    if error := function.initialise():
        raise LocalError(f"it does not start: {error}. More: aurora-lambda logs {resource.name}")
    version = {"version": config.version, "qualifiedArn": f"{config.arn}:{config.version}"}
    return _deployed(context, function, previous), version if inputs.get("publish") else {}


def _version(context: StackContext, resource: Resource, previous: RunningResource | None) -> str:
    """Return the number of the version to publish; a stack that was stopped starts again with the one it had."""
    record = context.records.get(resource.urn)
    last = int(record.local_outputs.get("version", 0)) if record else 0
    return str(last + 1 if previous or not last else last)


def _deployed(context: StackContext, build: Function, previous: RunningResource | None) -> RunningFunction:
    """Put a build in the place of the one before, which was perhaps another function."""
    name = build.config.name
    if isinstance(previous, RunningFunction) and previous.name == name and name in context.functions:
        previous.deployed.deploy(build)
        return RunningFunction(context, previous.deployed, build)
    if isinstance(previous, RunningFunction):
        context.functions.pop(previous.name, None)
        previous.deployed.retire()
    context.functions[name] = DeployedFunction(build)
    return RunningFunction(context, context.functions[name], build)


def _alias(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    function, alias = str(resource.inputs["functionName"]), str(resource.outputs["name"])
    context.functions[function].lead(alias, str(resource.inputs["functionVersion"]))

    def aliases() -> dict[str, str]:
        return context.functions[function].aliases if function in context.functions else {}

    # It may have been led to another version since.
    return MadeResource(lambda: alias in aliases(), lambda: aliases().pop(alias, None)), {}


def _variables(context: StackContext, resource: Resource) -> dict[str, str]:
    given = (resource.inputs.get("environment") or {}).get("variables") or {}
    return local_variables(context, {key: str(value) for key, value in given.items()})


def _function_url(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    if previous:
        previous.close()
    name = ":".join(str(resource.inputs[key]) for key in ("functionName", "qualifier") if resource.inputs.get(key))
    port = context.allocate_port(f"function URL {resource.name}")
    cors = resource.inputs.get("cors")
    settings = CorsSettings.from_inputs(cors) if cors else None
    url = FunctionUrl(lambda: context.find_function(name), str(resource.outputs["urlId"]), port, settings)
    return url, {"functionUrl": url.url}


def _invocation(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    name, payload = str(resource.inputs["functionName"]), str(resource.inputs.get("input", "{}")).encode()
    result = context.find_function(name).invoke(payload)
    if result.failed:
        error = json.loads(result.payload)
        raise LocalError(f"function {name} failed: {error.get('errorType')}: {error.get('errorMessage')}")
    return MadeResource(lambda: _is_deployed(context, name, payload)), {"result": result.payload.decode()}


def _is_deployed(context: StackContext, function: str, payload: bytes) -> bool:
    """Return whether the database is still as a deployment of migrations left it; True for other invocations.

    The deployment is idempotent: run again, it applies nothing to a database that is at head.
    """
    event = json.loads(payload)
    if not isinstance(event, dict) or event.get("command") != "deploy":
        return True
    try:
        result = context.find_function(function).invoke(payload)
    except LocalError:
        return False
    applied = None if result.failed else json.loads(result.payload).get("applied")
    if applied:
        names = ", ".join(step["revision"] for step in applied)
        context.notices.append(f"the database was behind its deployment; applied: {names}")
    return applied == []


def _secret(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    services, region, arn = context.aws_services, context.region, str(resource.outputs["arn"])
    if previous is None or not services.has_secret(region, arn):
        services.put_secret(region, arn, None)
    return MadeResource(lambda: services.has_secret(region, arn), lambda: services.delete_secret(region, arn)), {}


def _secret_version(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    services, region = context.aws_services, context.region
    arn, value = str(resource.inputs["secretId"]), str(resource.inputs["secretString"])
    services.put_secret(region, arn, value)
    # It is deleted with its secret.
    return MadeResource(lambda: services.secret_value(region, arn) == value), {}


PROVIDERS: Mapping[str, Provider] = {
    CLUSTER: _cluster,
    DSQL_CLUSTER: dsql_cluster,
    IMAGE: _image,
    ALIAS: _alias,
    FUNCTION: _function,
    FUNCTION_URL: _function_url,
    INVOCATION: _invocation,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
    **STREAM_PROVIDERS,
}

# What each type of resource depends on besides its inputs.
EXTRA_INPUTS: Mapping[str, Callable[[StackContext, Resource], object]] = {
    IMAGE: lambda context, _: context.containers,
    CLUSTER: _parameters,
    INVOCATION: lambda context, _: context.database_generation,
    FUNCTION: lambda context, resource: [
        context.aws_services.endpoint,
        _variables(context, resource),
    ],
}
