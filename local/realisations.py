"""What stands on this machine for each type of resource that does something; all other types are only recorded."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from local.containers import ContainerImage, build_image
from local.databases import DatabaseServer, database_server
from local.environment import FunctionConfig
from local.errors import LocalError
from local.function import Function
from local.function_url import FunctionUrl
from local.images import Image, prepare_image
from local.logs import FunctionLog
from local.world import Live, Resource, World

LOOPBACK = "127.0.0.1"
CLUSTER = "aws:rds/cluster:Cluster"
IMAGE = "docker:index/image:Image"
DEFAULT_CONCURRENCY = 20

Extra = dict[str, Any]
Made = tuple[Live, Extra]
Maker = Callable[[World, Resource, Live | None], Made]


@dataclass(frozen=True)
class ClusterLive:
    """A database server, and the secret with its master password."""

    world: World
    server: DatabaseServer
    secret_arn: str

    def alive(self) -> bool:
        """Whether the server runs."""
        return self.server.alive()

    def close(self) -> None:
        """Shut the server down."""
        self.server.stop()
        self.world.aws.drop_secret(self.world.region, self.secret_arn)


@dataclass(frozen=True)
class FunctionLive:
    """A function that can be invoked."""

    world: World
    function: Function

    def alive(self) -> bool:
        """Whether this is still what its name leads to."""
        return self.world.functions.get(self.function.config.name) is self.function

    def close(self) -> None:
        """End its environments; it can be invoked no more."""
        if self.alive():
            del self.world.functions[self.function.config.name]
        self.function.stop()


@dataclass(frozen=True)
class ImageLive:
    """The files of an image."""

    image: Image | ContainerImage

    def alive(self) -> bool:
        """Whether they are there."""
        return self.image.alive()

    def close(self) -> None:
        """Leave them: the next image may need the same."""


@dataclass(frozen=True)
class UrlLive:
    """A listening function URL."""

    url: FunctionUrl

    def alive(self) -> bool:
        """Whether it listens."""
        return self.url.alive()

    def close(self) -> None:
        """Listen no more."""
        self.url.stop()


@dataclass(frozen=True)
class SecretLive:
    """A secret in the emulated Secrets Manager."""

    world: World
    arn: str

    def alive(self) -> bool:
        """It is there as long as this process."""
        return True

    def close(self) -> None:
        """Forget it."""
        self.world.aws.drop_secret(self.world.region, self.arn)


@dataclass(frozen=True)
class Done:
    """An invocation that has run."""

    def alive(self) -> bool:
        """What has run has run."""
        return True

    def close(self) -> None:
        """Nothing is left of it."""


def _cluster(world: World, resource: Resource, previous: Live | None) -> Made:
    if previous:
        previous.close()
    server = database_server(
        _engine(resource), world.layout.data(world.stack) / resource.id, _parameters(world, resource)
    )
    server.start(world.port(f"database {resource.id}"))
    username, password = str(resource.inputs.get("masterUsername", "admin")), secrets.token_urlsafe(24)
    server.set_master(username, password)
    managed = resource.outputs["masterUserSecrets"]
    arn = str(managed[0]["secretArn"]) if managed else f"{resource.outputs['arn']}:master-000000"
    world.aws.put_secret(world.region, arn, json.dumps({"username": username, "password": password}))
    world.generation = secrets.token_hex(8)
    return ClusterLive(world, server, arn), {"endpoint": LOOPBACK, "readerEndpoint": LOOPBACK, "port": server.port}


def _engine(resource: Resource) -> Literal["mysql", "postgres"]:
    engine = str(resource.inputs.get("engine"))
    if engine not in ("aurora-mysql", "aurora-postgresql"):
        raise LocalError(f"engine {engine!r} cannot run here: aurora-mysql and aurora-postgresql can")
    return "mysql" if engine == "aurora-mysql" else "postgres"


def _parameters(world: World, resource: Resource) -> dict[str, str]:
    name = resource.inputs.get("dbClusterParameterGroupName")
    groups = world.of_type("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    found = [each for group in groups if group.outputs["name"] == name for each in group.inputs.get("parameters", [])]
    return {str(each["name"]): str(each["value"]) for each in found}


def _image(world: World, resource: Resource, _: Live | None) -> Made:
    build = resource.inputs["build"]
    image: Image | ContainerImage
    if world.containers:
        image = build_image(build, world.program, world.layout)
    else:
        image = prepare_image(build, resource.files, world.program, world.layout)
    repository = str(resource.outputs["repoDigest"]).partition("@")[0]
    reference = f"{repository}@sha256:{image.digest}"
    world.images[reference] = image
    return ImageLive(image), {"repoDigest": reference}


def _function(world: World, resource: Resource, previous: Live | None) -> Made:
    inputs, outputs = resource.inputs, resource.outputs
    reference = str(inputs.get("imageUri"))
    if reference not in world.images:
        raise LocalError(f"it runs image {reference}, which is none of this program's")
    image = world.images[reference]
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
        region=world.region,
        aws_endpoint=world.aws.endpoint,
    )
    function = Function(config, FunctionLog(world.layout.log(world.stack, config.name)))
    if isinstance(previous, FunctionLive):
        world.functions.pop(previous.function.config.name, None)
        previous.function.retire()
    world.functions[config.name] = function
    return FunctionLive(world, function), {}


def _function_url(world: World, resource: Resource, previous: Live | None) -> Made:
    if previous:
        previous.close()
    name = str(resource.inputs["functionName"])
    port = world.port(f"function URL {resource.name}")
    url = FunctionUrl(lambda: world.function(name), str(resource.outputs["urlId"]), port)
    return UrlLive(url), {"functionUrl": url.url}


def _invocation(world: World, resource: Resource, _: Live | None) -> Made:
    name = str(resource.inputs["functionName"])
    result = world.function(name).invoke(str(resource.inputs.get("input", "{}")).encode())
    if result.failed:
        error = json.loads(result.payload)
        raise LocalError(f"function {name} failed: {error.get('errorType')}: {error.get('errorMessage')}")
    return Done(), {"result": result.payload.decode()}


def _secret(world: World, resource: Resource, previous: Live | None) -> Made:
    if previous is None:
        world.aws.put_secret(world.region, str(resource.outputs["arn"]), None)
    return previous or SecretLive(world, str(resource.outputs["arn"])), {}


def _secret_version(world: World, resource: Resource, _: Live | None) -> Made:
    world.aws.put_secret(world.region, str(resource.inputs["secretId"]), str(resource.inputs["secretString"]))
    return Done(), {}


MAKERS: Mapping[str, Maker] = {
    CLUSTER: _cluster,
    IMAGE: _image,
    "aws:lambda/function:Function": _function,
    "aws:lambda/functionUrl:FunctionUrl": _function_url,
    "aws:lambda/invocation:Invocation": _invocation,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
}

# What a resource is made from besides its inputs.
READS: Mapping[str, Callable[[World, Resource], object]] = {
    IMAGE: lambda world, _: world.containers,
    CLUSTER: _parameters,
    "aws:lambda/invocation:Invocation": lambda world, _: world.generation,
    "aws:lambda/function:Function": lambda world, _: world.aws.endpoint,
}
