"""What the resources of a running stack share: ports, emulated services, functions, and each other."""

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from local.lambda_service.function import Function
from local.platform.errors import LocalError
from local.platform.paths import LocalPaths
from local.platform.processes import free_port, port_is_free
from local.resources.aws_services import Aws
from local.resources.state import Record
from local.runtimes.container import ContainerImage
from local.runtimes.virtualenv import VirtualenvImage


class Ports:
    """Gives each thing the port it had last time, where that is still free."""

    def __init__(self, kept: dict[str, int]) -> None:
        self._kept = kept
        self._lock = threading.Lock()

    def take(self, key: str) -> tuple[int, str]:
        """A free port for `key`, and a note when it is not the one of last time."""
        with self._lock:
            kept = self._kept.get(key)
            if kept and port_is_free(kept):
                return kept, ""
            port = free_port()
            while port in self._kept.values():
                port = free_port()
            self._kept[key] = port
        note = f"port {kept}, which {key} had, is taken by another program; it has {port} now" if kept else ""
        return port, note


class RunningResource(Protocol):
    """What stands here for a resource and may have to be ended."""

    def alive(self) -> bool:
        """Whether it still does its work."""

    def close(self) -> None:
        """End it; data on disk stays."""


@dataclass
class Resource:
    """One resource of the program, as it is here; `files` are those an image's build reads."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    id: str
    outputs: dict[str, Any]
    files: Sequence[str] = ()


@dataclass
class StackContext:
    """One stack while it is up."""

    paths: LocalPaths
    stack: str
    region: str
    program: Path
    records: dict[str, Record]
    ports: Ports
    aws: Aws
    functions: dict[str, Function]
    # Whether functions run in containers of real images.
    containers: bool = False
    images: dict[str, VirtualenvImage | ContainerImage] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    lives: dict[str, RunningResource] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    # Changes whenever a database server is started: an invocation that prepares databases then has to run again.
    generation: str = field(default_factory=lambda: uuid.uuid4().hex)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def of_type(self, type_token: str) -> list[Resource]:
        """All resources of one type."""
        with self.lock:
            return [resource for resource in self.resources.values() if resource.type == type_token]

    def port(self, key: str) -> int:
        """A free port for `key`, the same as last time where that can be."""
        port, note = self.ports.take(key)
        if note:
            self.notes.append(note)
        return port

    def function(self, reference: str) -> Function:
        """The function of this name or ARN.

        Raises:
            LocalError: there is none.
        """
        name = reference.split(":")[6] if reference.startswith("arn:") else reference
        if name not in self.functions:
            raise LocalError(f"there is no function {name!r}; there are: {', '.join(sorted(self.functions)) or 'none'}")
        return self.functions[name]
