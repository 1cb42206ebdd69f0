"""What the last `up` left behind, in one JSON file: never an input of a resource, hence never a secret."""

import json
import os
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from local.platform.errors import LocalError

VERSION = 1
LAST_PORT = 65535


@dataclass
class Record:
    """A resource that exists: what it was made from, as a digest, and what only this machine knows of it."""

    type: str
    name: str
    id: str
    digest: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class StackState:
    """One stack: its resources in the order they were made, by URN, and its outputs."""

    resources: dict[str, Record] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass
class State:
    """All stacks of a checkout, which of them was up last, and the ports that things had."""

    current: str = ""
    stacks: dict[str, StackState] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def stack(self) -> StackState:
        """The current stack's part."""
        return self.stacks.setdefault(self.current, StackState())


def load(path: Path) -> State:
    """The state in `path`; an empty one when there is no such file.

    Raises:
        LocalError: the file cannot be read.
    """
    try:
        return _parse(json.loads(path.read_text()))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        remedy = "aurora-lambda up puts it aside and makes a new one; the databases are kept"
        raise LocalError(f"{path} cannot be read ({type(error).__name__}: {error}); {remedy}") from error


def recover(path: Path) -> tuple[State, str]:
    """The state in `path`, and a note where an unreadable file had to be put aside for an empty state.

    Nothing is lost with it: the program says what there is to be, and each database lies in a folder whose name follows
    from the stack and the cluster.
    """
    try:
        return load(path), ""
    except LocalError as error:
        names = (path.with_name(f"{path.name}.corrupt{number or ''}") for number in count())
        aside = next(name for name in names if not name.exists())
        path.rename(aside)
        return State(), f"{str(error).partition(';')[0]}; it is {aside.name} now, and the databases are kept"


def save(path: Path, state: State) -> None:
    """Write the whole state, or leave the old one."""
    new = path.with_name(f"{path.name}.new")
    with new.open("w") as file:
        json.dump({"version": VERSION, **asdict(state)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.chmod(0o600)
    new.replace(path)


def _parse(value: dict[str, Any]) -> State:
    if value["version"] != VERSION:
        raise ValueError(f"its version is {value['version']}, not {VERSION}")
    stacks = {
        name: StackState({urn: Record(**record) for urn, record in stack["resources"].items()}, dict(stack["outputs"]))
        for name, stack in value["stacks"].items()
    }
    return State(str(value["current"]), stacks, {str(key): _port(port) for key, port in value["ports"].items()})


def _port(value: object) -> int:
    if type(value) is not int or not 0 < value <= LAST_PORT:
        raise ValueError(f"{value!r} is no port")
    return value
