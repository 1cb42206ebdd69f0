"""`aurora-lambda up`: the stack's own program, run here."""

import platform
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
import yaml

from local.platform.errors import LocalError
from local.platform.paths import CHECKOUT, LocalPaths
from local.program.configuration import configuration
from local.program.monitor import ResourceForwarder, Target, run
from local.supervisor.client import SupervisorClient, exclusive

DEFAULT_REGION = "us-east-1"
IN_ORDER = ("created", "updated", "replaced", "restored", "deleted", "same")


@dataclass(frozen=True)
class Deployment:
    """What an `up` came to: the stack's outputs, how many resources changed in which way, and how long it took."""

    outputs: Mapping[str, Any]
    changes: Mapping[str, int]
    seconds: float

    @property
    def unchanged(self) -> bool:
        """Whether everything was as the program says already."""
        return set(self.changes) <= {"same"}


def up(
    stack: str = "local",
    overrides: Mapping[str, str] | None = None,
    *,
    checkout: Path = CHECKOUT,
    containers: bool = False,
    program: Callable[[], None] | None = None,
    write: Callable[[str], None] = print,
) -> Deployment:
    """Make a stack so on this machine, and leave it running under the supervisor.

    `overrides` are configuration keys (without the project's name) that win over the stack's file for this run. With
    `containers`, functions run in containers of the images that AWS would get.

    Raises:
        UsageError: there is no such stack, or its file cannot be used.
        SettingsError: the configuration is wrong (`stacks.settings`); nothing has been changed then.
        LocalError: a resource could not be made; what was made before it stays.
    """
    started = time.monotonic()
    paths = LocalPaths.of(checkout)
    target = replace(_target(stack, overrides or {}, checkout, program, write), containers=containers)
    if containers:
        _build_for_this_machine(target, overrides or {}, write)
    try:
        with exclusive(paths):
            outputs, changes = _make(SupervisorClient(paths), target, write)
    except KeyboardInterrupt:
        write("interrupted: what was made stays; aurora-lambda up goes on from there")
        raise
    deployment = Deployment(outputs, changes, time.monotonic() - started)
    write(summary(deployment))
    return deployment


def summary(deployment: Deployment) -> str:
    """The line that ends an `up`."""
    total, took = sum(deployment.changes.values()), f"{deployment.seconds:.1f} s"
    if deployment.unchanged:
        return f"Nothing changed: {total} resources are as the program says ({took})."
    counts = [f"{deployment.changes[each]} {each}" for each in IN_ORDER if deployment.changes.get(each)]
    return f"Resources: {', '.join(counts).replace('same', 'unchanged')} ({took})."


def _make(
    control: SupervisorClient, target: Target, write: Callable[[str], None]
) -> tuple[Mapping[str, Any], Mapping[str, int]]:
    """Make everything so; the program's outputs, and how many resources changed in which way."""
    forwarder = ResourceForwarder(control, target, write)
    outputs = _run(target, forwarder)
    forwarder.begin()
    for gone in control.call("/finish", urns=forwarder.urns, outputs=outputs)["deleted"]:
        forwarder.changes["deleted"] += 1
        forwarder.say("deleted", gone["type"], gone["name"])
    return outputs, forwarder.changes


def _run(target: Target, forwarder: ResourceForwarder) -> dict[str, Any]:
    try:
        return run(target, forwarder)
    except pulumi.RunError:
        raise
    except Exception as error:
        if forwarder.failures:
            raise LocalError("\n".join(forwarder.failures)) from error
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}, line {frame.lineno}"
        raise LocalError(f"the program failed: {type(error).__name__}: {error} ({where})") from error


def _target(
    stack: str,
    overrides: Mapping[str, str],
    checkout: Path,
    program: Callable[[], None] | None,
    write: Callable[[str], None],
) -> Target:
    folder = checkout / "stacks"
    project = _project(checkout)
    config = configuration(folder, stack, project) | {f"{project}:{key}": value for key, value in overrides.items()}
    engine, auth = f"{project}:engine", f"{project}:databaseAuth"
    if config.get(engine, "mysql") == "mysql" and config.get(auth, "iam") == "iam":
        write("note: databaseAuth is password here: no MySQL server but Amazon's takes IAM tokens")
        config[auth] = "password"
    region = config.setdefault("aws:region", DEFAULT_REGION)
    return Target(project, stack, region, config, folder, program or _service())


def _build_for_this_machine(target: Target, overrides: Mapping[str, str], write: Callable[[str], None]) -> None:
    """Choose this machine's processor, unless the person who types has chosen."""
    key = f"{target.project}:architecture"
    here = "x86_64" if platform.machine() in ("x86_64", "AMD64") else "arm64"
    if "architecture" not in overrides and target.config.get(key, "arm64") != here:
        write(f"note: architecture is {here} here: the Docker engine builds for this machine")
        target.config[key] = here


def _service() -> Callable[[], None]:
    # Late, because it takes a second: what is wrong before this is said at once.
    from stacks.service import deploy  # noqa: PLC0415

    return deploy


def _project(checkout: Path) -> str:
    return str(yaml.safe_load((checkout / "Pulumi.yaml").read_text())["name"])
