"""The state of all stacks in one JSON file. It holds no inputs of resources, and so no secrets."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import TypedDict

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.resources.resource_schemas import Outputs

VERSION = 2
LAST_PORT = 65535


@dataclass
class ResourceRecord:
    """A resource that exists, and the outputs that only this machine gives it.

    `digest` is that of its inputs, `further_digest` that of what else it was made from.
    """

    type: str
    name: str
    id: str
    digest: str
    local_outputs: Outputs = field(default_factory=dict)
    further_digest: str = ""


class ResourceLinks(TypedDict):
    """The URN of a resource's parent, and those of what it depends on, as Pulumi has them."""

    parent: str
    dependencies: list[str]


@dataclass
class StackState:
    """One stack: its resources by URN, in the order of creation, its outputs, and the `-c` keys of its last `up`.

    `overrides` are keys of the configuration without their values, which may be secrets. `links` are those of the
    program's last run, components included.
    """

    resources: dict[str, ResourceRecord] = field(default_factory=dict)
    outputs: Outputs = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)
    links: dict[str, ResourceLinks] = field(default_factory=dict)


@dataclass
class LocalState:
    """All stacks of a checkout, the name of the last one that was up, and the ports in use."""

    current: str = ""
    stacks: dict[str, StackState] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def current_stack(self) -> StackState:
        """Return the state of the current stack."""
        return self.stacks.setdefault(self.current, StackState())


def value_digest(value: object) -> str:
    """Return a digest of what a resource is made from."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def load_state(path: Path) -> LocalState:
    """Return the state in `path`; an empty state when there is no such file.

    Raises:
        LocalError: the file cannot be read.
    """
    try:
        return _parse(json.loads(path.read_text()))
    except FileNotFoundError:
        return LocalState()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        remedy = "aurora-lambda up puts it aside and makes a new one; the databases are kept"
        raise LocalError(f"{path} cannot be read ({type(error).__name__}: {error}); {remedy}") from error


def load_or_set_aside(path: Path) -> tuple[LocalState, str]:
    """Return the state in `path`; set an unreadable file aside and return an empty state with a notice that says so.

    No data is lost with the file: the program registers every resource again, and the folder of a database follows from
    the names of the stack and the cluster.
    """
    try:
        return load_state(path), ""
    except LocalError as error:
        names = (path.with_name(f"{path.name}.corrupt{number or ''}") for number in count())
        aside = next(name for name in names if not name.exists())
        path.rename(aside)
        return LocalState(), f"{str(error).partition(';')[0]}; it is {aside.name} now, and the databases are kept"


def is_readable(path: Path) -> bool:
    """Return whether the state in `path` can be read."""
    try:
        load_state(path)
    except LocalError:
        return False
    return True


def recorded_outputs(path: Path, stack: str) -> Outputs:
    """Return what a stack exported when it was last up; nothing where the file cannot be read."""
    try:
        return load_state(path).stacks.get(stack, StackState()).outputs
    except LocalError:
        return {}


def save_state(path: Path, state: LocalState) -> None:
    """Replace the state file in one step.

    Raises:
        LocalError: the disk is full, or the file cannot be written.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("w") as file:
            json.dump({"version": VERSION, **asdict(state)}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(0o600)
        new.replace(path)
    except OSError as error:
        raise LocalError(f"{path} cannot be written ({error.strerror}): fix that and run aurora-lambda up") from error


def _parse(value: Outputs) -> LocalState:
    if value["version"] != VERSION:
        raise ValueError(f"its version is {value['version']}, not {VERSION}")
    stacks = {
        name: StackState(
            {urn: ResourceRecord(**record) for urn, record in stack["resources"].items()},
            dict(stack["outputs"]),
            list(stack.get("overrides", ())),
            dict(stack.get("links", {})),
        )
        for name, stack in value["stacks"].items()
    }
    return LocalState(str(value["current"]), stacks, {str(key): _port(port) for key, port in value["ports"].items()})


def _port(value: object) -> int:
    if type(value) is not int or not 0 < value <= LAST_PORT:
        raise ValueError(f"{value!r} is not a port")
    return value
