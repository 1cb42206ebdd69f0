"""The context that resources of a running stack share: ports, emulated services and functions."""

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aurora_lambda_local.databases.dsql.tokens import Identity
from aurora_lambda_local.lambda_service.deployed_function import DeployedFunction
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.platform.processes import free_port, port_is_free
from aurora_lambda_local.resources.aws_services import AwsServices
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.resources.state import ResourceRecord
from aurora_lambda_local.runtimes.container import ContainerImage
from aurora_lambda_local.runtimes.virtualenv import VirtualenvImage


class PortAllocator:
    """Allocate ports that stay the same from one `up` to the next, where they are still free."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._lock = threading.Lock()

    def allocate(self, key: str) -> tuple[int, str]:
        """Return a free port for `key`, and a notice where it is not the previous one."""
        with self._lock:
            previous = self._ports.get(key)
            if previous and port_is_free(previous):
                return previous, ""
            port = free_port()
            while port in self._ports.values():
                port = free_port()
            self._ports[key] = port
        if not previous:
            return port, ""
        return port, f"port {previous}, which {key} had, is taken by another program; it has {port} now"


class RunningResource(Protocol):
    """What runs on this machine for a resource."""

    def alive(self) -> bool:
        """Return whether it still works."""

    def close(self) -> None:
        """End it; data on disk stays."""


@dataclass
class Resource:
    """One resource of the program; `files` are those that the build of an image reads."""

    urn: str
    type: str
    name: str
    inputs: Inputs
    id: str
    outputs: Outputs
    files: Sequence[str] = ()


@dataclass
class StackContext:
    """A stack that is up."""

    paths: LocalPaths
    stack: str
    region: str
    program_directory: Path
    records: dict[str, ResourceRecord]
    ports: PortAllocator
    aws_services: AwsServices
    functions: dict[str, DeployedFunction]
    # Whether functions run in containers of real images.
    containers: bool = False
    images: dict[str, VirtualenvImage | ContainerImage] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    running_resources: dict[str, RunningResource] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    # Changes whenever a database server starts: invocations that prepare databases then run again.
    database_generation: str = field(default_factory=lambda: uuid.uuid4().hex)
    # The IAM roles that may sign DSQL tokens, by access key id.
    identities: dict[str, Identity] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def resources_of_type(self, type_token: str) -> list[Resource]:
        """Return all resources of one type."""
        with self.lock:
            return [resource for resource in self.resources.values() if resource.type == type_token]

    def allocate_port(self, key: str) -> int:
        """Return a free port for `key`, the previous one where possible."""
        port, notice = self.ports.allocate(key)
        if notice:
            self.notices.append(notice)
        return port

    def find_function(self, reference: str) -> Function:
        """Return the build that runs for a function's name or ARN, with or without a version or alias.

        Raises:
            LocalError: there is no such function, version or alias.
        """
        name, _, qualifier = (reference.split(":", 6)[6] if reference.startswith("arn:") else reference).partition(":")
        if name not in self.functions:
            raise LocalError(f"there is no function {name!r}; available: {', '.join(sorted(self.functions)) or 'none'}")
        if build := self.functions[name].find(qualifier):
            return build
        raise LocalError(f"function {name} has no version or alias {qualifier!r}")


# What runs, and the outputs that only this machine knows.
ProviderResult = tuple[RunningResource, Outputs]
Provider = Callable[[StackContext, Resource, RunningResource | None], ProviderResult]
