"""The providers: how to run each type of resource on this machine. Types without one are only recorded."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lambda_images.database.engines import EngineSpec
from local.databases.registry import SERVERS, DatabaseServer, database_server, engine_of_cluster
from local.lambda_service.cors import CorsSettings
from local.lambda_service.environment import FunctionConfig
from local.lambda_service.function import Function
from local.lambda_service.function_url import FunctionUrl
from local.lambda_service.logs import FunctionLog
from local.platform.errors import LocalError
from local.resources.context import Provider, ProviderResult, Resource, RunningResource, StackContext
from local.resources.stream_providers import STREAM_PROVIDERS
from local.runtimes.container import ContainerImage, build_image
from local.runtimes.image_build import ImageBuild
from local.runtimes.virtualenv import VirtualenvImage, install_image

LOOPBACK = "127.0.0.1"
CLUSTER = "aws:rds/cluster:Cluster"
IMAGE = "docker:index/image:Image"
DEFAULT_CONCURRENCY = 20


@dataclass(frozen=True)
class RunningCluster:
    """A database server and the secret with its master password."""

    context: StackContext
    server: DatabaseServer
    secret_arn: str

    def alive(self) -> bool:
        """Return whether the server runs."""
        return self.server.alive()

    def close(self) -> None:
        """Shut the server down."""
        self.server.stop()
        self.context.aws_services.delete_secret(self.context.region, self.secret_arn)


@dataclass(frozen=True)
class RunningFunction:
    """A function that can be invoked."""

    context: StackContext
    function: Function

    def alive(self) -> bool:
        """Return whether this is still the function of its name."""
        return self.context.functions.get(self.function.config.name) is self.function

    def close(self) -> None:
        """End its environments and remove it."""
        if self.alive():
            del self.context.functions[self.function.config.name]
        self.function.stop()


@dataclass(frozen=True)
class PreparedImage:
    """The files of an image."""

    image: VirtualenvImage | ContainerImage

    def alive(self) -> bool:
        """Return whether the files still exist."""
        return self.image.alive()

    def close(self) -> None:
        """Leave the files, because the next image may have the same."""


@dataclass(frozen=True)
class RunningFunctionUrl:
    """A function URL that listens."""

    url: FunctionUrl

    def alive(self) -> bool:
        """Return whether it still listens."""
        return self.url.alive()

    def close(self) -> None:
        """Stop listening."""
        self.url.stop()


@dataclass(frozen=True)
class StoredSecret:
    """A secret in the emulated Secrets Manager."""

    context: StackContext
    arn: str

    def alive(self) -> bool:
        """Return True: the secret exists as long as this process."""
        return True

    def close(self) -> None:
        """Delete the secret."""
        self.context.aws_services.delete_secret(self.context.region, self.arn)


@dataclass(frozen=True)
class CompletedInvocation:
    """An invocation that has run."""

    def alive(self) -> bool:
        """Return True: an invocation is not repeated unless its inputs change."""
        return True

    def close(self) -> None:
        """Do nothing: an invocation leaves nothing that runs."""


def _cluster(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    if previous:
        previous.close()
    data = context.paths.data(context.stack) / resource.id
    server = database_server(_engine(resource).name, data, _parameters(context, resource))
    server.start(context.allocate_port(f"database {resource.id}"))
    username, password = str(resource.inputs.get("masterUsername", "admin")), secrets.token_urlsafe(24)
    server.set_master(username, password)
    managed = resource.outputs["masterUserSecrets"]
    arn = str(managed[0]["secretArn"]) if managed else f"{resource.outputs['arn']}:master-000000"
    context.aws_services.put_secret(context.region, arn, json.dumps({"username": username, "password": password}))
    context.database_generation = secrets.token_hex(8)
    return RunningCluster(context, server, arn), {"endpoint": LOOPBACK, "readerEndpoint": LOOPBACK, "port": server.port}


def _engine(resource: Resource) -> EngineSpec:
    rds_engine = resource.inputs.get("engine")
    engine = engine_of_cluster(rds_engine)
    if engine is None:
        known = " and ".join(server.rds_engine for server in SERVERS.values())
        raise LocalError(f"engine {rds_engine!r} cannot run here: {known} can")
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
    else:
        image = install_image(build, resource.files, context.paths)
    repository = str(resource.outputs["repoDigest"]).partition("@")[0]
    reference = f"{repository}@sha256:{image.digest}"
    context.images[reference] = image
    return PreparedImage(image), {"repoDigest": reference}


def _function(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    inputs, outputs = resource.inputs, resource.outputs
    reference = str(inputs.get("imageUri"))
    if reference not in context.images:
        raise LocalError(f"it runs image {reference}, which is none of this program's")
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
        variables={
            key: str(value) for key, value in ((inputs.get("environment") or {}).get("variables") or {}).items()
        },
        memory_mb=int(outputs["memorySize"]),
        timeout=float(outputs["timeout"]),
        concurrency=limit if limit >= 0 else DEFAULT_CONCURRENCY,
        log_group=str(logging.get("logGroup") or f"/aws/lambda/{outputs['name']}"),
        json_logs=logging.get("logFormat") == "JSON",
        region=context.region,
        aws_endpoint=context.aws_services.endpoint,
    )
    function = Function(config, FunctionLog(context.paths.log(context.stack, config.name)))
    if isinstance(previous, RunningFunction):
        context.functions.pop(previous.function.config.name, None)
        previous.function.retire()
    context.functions[config.name] = function
    return RunningFunction(context, function), {}


def _function_url(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    if previous:
        previous.close()
    name = str(resource.inputs["functionName"])
    port = context.allocate_port(f"function URL {resource.name}")
    cors = resource.inputs.get("cors")
    settings = CorsSettings.from_inputs(cors) if cors else None
    url = FunctionUrl(lambda: context.find_function(name), str(resource.outputs["urlId"]), port, settings)
    return RunningFunctionUrl(url), {"functionUrl": url.url}


def _invocation(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    name = str(resource.inputs["functionName"])
    result = context.find_function(name).invoke(str(resource.inputs.get("input", "{}")).encode())
    if result.failed:
        error = json.loads(result.payload)
        raise LocalError(f"function {name} failed: {error.get('errorType')}: {error.get('errorMessage')}")
    return CompletedInvocation(), {"result": result.payload.decode()}


def _secret(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    if previous is None:
        context.aws_services.put_secret(context.region, str(resource.outputs["arn"]), None)
    return previous or StoredSecret(context, str(resource.outputs["arn"])), {}


def _secret_version(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    context.aws_services.put_secret(
        context.region, str(resource.inputs["secretId"]), str(resource.inputs["secretString"])
    )
    return CompletedInvocation(), {}


PROVIDERS: Mapping[str, Provider] = {
    CLUSTER: _cluster,
    IMAGE: _image,
    "aws:lambda/function:Function": _function,
    "aws:lambda/functionUrl:FunctionUrl": _function_url,
    "aws:lambda/invocation:Invocation": _invocation,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
    **STREAM_PROVIDERS,
}

# What each type of resource depends on besides its inputs.
FURTHER_INPUTS: Mapping[str, Callable[[StackContext, Resource], object]] = {
    IMAGE: lambda context, _: context.containers,
    CLUSTER: _parameters,
    "aws:lambda/invocation:Invocation": lambda context, _: context.database_generation,
    "aws:lambda/function:Function": lambda context, _: context.aws_services.endpoint,
}
