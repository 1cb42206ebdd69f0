"""What stands on this machine for each type of resource that does something; all other types are only recorded."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from local.databases.registry import DatabaseServer, database_server
from local.lambda_service.environment import FunctionConfig
from local.lambda_service.function import Function
from local.lambda_service.function_url import FunctionUrl
from local.lambda_service.logs import FunctionLog
from local.platform.errors import LocalError
from local.resources.context import Resource, RunningResource, StackContext
from local.runtimes.container import ContainerImage, build_image
from local.runtimes.virtualenv import VirtualenvImage, install_image

LOOPBACK = "127.0.0.1"
CLUSTER = "aws:rds/cluster:Cluster"
IMAGE = "docker:index/image:Image"
DEFAULT_CONCURRENCY = 20

Extra = dict[str, Any]
ProviderResult = tuple[RunningResource, Extra]
Provider = Callable[[StackContext, Resource, RunningResource | None], ProviderResult]


@dataclass(frozen=True)
class RunningCluster:
    """A database server, and the secret with its master password."""

    context: StackContext
    server: DatabaseServer
    secret_arn: str

    def alive(self) -> bool:
        """Whether the server runs."""
        return self.server.alive()

    def close(self) -> None:
        """Shut the server down."""
        self.server.stop()
        self.context.aws.drop_secret(self.context.region, self.secret_arn)


@dataclass(frozen=True)
class RunningFunction:
    """A function that can be invoked."""

    context: StackContext
    function: Function

    def alive(self) -> bool:
        """Whether this is still what its name leads to."""
        return self.context.functions.get(self.function.config.name) is self.function

    def close(self) -> None:
        """End its environments; it can be invoked no more."""
        if self.alive():
            del self.context.functions[self.function.config.name]
        self.function.stop()


@dataclass(frozen=True)
class PreparedImage:
    """The files of an image."""

    image: VirtualenvImage | ContainerImage

    def alive(self) -> bool:
        """Whether they are there."""
        return self.image.alive()

    def close(self) -> None:
        """Leave them: the next image may need the same."""


@dataclass(frozen=True)
class RunningFunctionUrl:
    """A listening function URL."""

    url: FunctionUrl

    def alive(self) -> bool:
        """Whether it listens."""
        return self.url.alive()

    def close(self) -> None:
        """Listen no more."""
        self.url.stop()


@dataclass(frozen=True)
class StoredSecret:
    """A secret in the emulated Secrets Manager."""

    context: StackContext
    arn: str

    def alive(self) -> bool:
        """It is there as long as this process."""
        return True

    def close(self) -> None:
        """Forget it."""
        self.context.aws.drop_secret(self.context.region, self.arn)


@dataclass(frozen=True)
class CompletedInvocation:
    """An invocation that has run."""

    def alive(self) -> bool:
        """What has run has run."""
        return True

    def close(self) -> None:
        """Nothing is left of it."""


def _cluster(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    if previous:
        previous.close()
    server = database_server(
        _engine(resource), context.paths.data(context.stack) / resource.id, _parameters(context, resource)
    )
    server.start(context.port(f"database {resource.id}"))
    username, password = str(resource.inputs.get("masterUsername", "admin")), secrets.token_urlsafe(24)
    server.set_master(username, password)
    managed = resource.outputs["masterUserSecrets"]
    arn = str(managed[0]["secretArn"]) if managed else f"{resource.outputs['arn']}:master-000000"
    context.aws.put_secret(context.region, arn, json.dumps({"username": username, "password": password}))
    context.generation = secrets.token_hex(8)
    return RunningCluster(context, server, arn), {"endpoint": LOOPBACK, "readerEndpoint": LOOPBACK, "port": server.port}


def _engine(resource: Resource) -> Literal["mysql", "postgres"]:
    engine = str(resource.inputs.get("engine"))
    if engine not in ("aurora-mysql", "aurora-postgresql"):
        raise LocalError(f"engine {engine!r} cannot run here: aurora-mysql and aurora-postgresql can")
    return "mysql" if engine == "aurora-mysql" else "postgres"


def _parameters(context: StackContext, resource: Resource) -> dict[str, str]:
    name = resource.inputs.get("dbClusterParameterGroupName")
    groups = context.of_type("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    found = [each for group in groups if group.outputs["name"] == name for each in group.inputs.get("parameters", [])]
    return {str(each["name"]): str(each["value"]) for each in found}


def _image(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    build = resource.inputs["build"]
    image: VirtualenvImage | ContainerImage
    if context.containers:
        image = build_image(build, context.program, context.paths)
    else:
        image = install_image(build, resource.files, context.program, context.paths)
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
        aws_endpoint=context.aws.endpoint,
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
    port = context.port(f"function URL {resource.name}")
    url = FunctionUrl(lambda: context.function(name), str(resource.outputs["urlId"]), port)
    return RunningFunctionUrl(url), {"functionUrl": url.url}


def _invocation(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    name = str(resource.inputs["functionName"])
    result = context.function(name).invoke(str(resource.inputs.get("input", "{}")).encode())
    if result.failed:
        error = json.loads(result.payload)
        raise LocalError(f"function {name} failed: {error.get('errorType')}: {error.get('errorMessage')}")
    return CompletedInvocation(), {"result": result.payload.decode()}


def _secret(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    if previous is None:
        context.aws.put_secret(context.region, str(resource.outputs["arn"]), None)
    return previous or StoredSecret(context, str(resource.outputs["arn"])), {}


def _secret_version(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    context.aws.put_secret(context.region, str(resource.inputs["secretId"]), str(resource.inputs["secretString"]))
    return CompletedInvocation(), {}


PROVIDERS: Mapping[str, Provider] = {
    CLUSTER: _cluster,
    IMAGE: _image,
    "aws:lambda/function:Function": _function,
    "aws:lambda/functionUrl:FunctionUrl": _function_url,
    "aws:lambda/invocation:Invocation": _invocation,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
}

# What a resource is made from besides its inputs.
FURTHER_INPUTS: Mapping[str, Callable[[StackContext, Resource], object]] = {
    IMAGE: lambda context, _: context.containers,
    CLUSTER: _parameters,
    "aws:lambda/invocation:Invocation": lambda context, _: context.generation,
    "aws:lambda/function:Function": lambda context, _: context.aws.endpoint,
}
