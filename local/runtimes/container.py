"""Images that the local Docker engine builds, and execution environments that are containers of them."""

import os
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local.platform.errors import LocalError
from local.platform.paths import LocalPaths
from local.platform.processes import kill_group, spawn
from local.runtimes.docker_engine import BuildFailed, DockerEngine
from local.runtimes.virtualenv import handler_of

# Docker's names for processors, by the platforms that the components ask for.
ARCHITECTURES = {"linux/arm64": "arm64", "linux/amd64": "amd64"}
TASK_ROOT = Path("/var/task")
# What Lambda gives a function by default. Source: AWS Lambda developer guide, "Configure ephemeral storage".
TMP_MEGABYTES = 512
PIDS = 1024
OWNER = "aurora-lambda.local"


@dataclass(frozen=True)
class ContainerImage:
    """An image in the local engine."""

    engine: DockerEngine
    digest: str
    handler: str
    owner: str
    directory: Path = TASK_ROOT

    def alive(self) -> bool:
        """Whether the engine still has it."""
        return self.engine.run("image", "inspect", self.digest).returncode == 0

    def start(self, handler: str, variables: Mapping[str, str], memory_mb: int, output: int) -> "Container":
        """Run it as Lambda does: unprivileged, nothing writable but /tmp, no more memory than it was given.

        It shares this machine's network, where the runtime API, the database and the emulated services listen.
        """
        name = f"aurora-lambda-{uuid.uuid4().hex[:12]}"
        # Values go through the client's environment: an argument could be read by anybody on this machine.
        given = {key: value for key, value in variables.items() if key != "PATH"}
        command = [
            str(self.engine.client), "run", "--rm", f"--name={name}", f"--label={OWNER}={self.owner}",
            "--network=host", "--read-only", f"--tmpfs=/tmp:size={TMP_MEGABYTES}m", f"--pids-limit={PIDS}",
            "--cap-drop=ALL", "--security-opt=no-new-privileges", f"--memory={memory_mb}m",
            f"--memory-swap={memory_mb}m", *(f"--env={key}" for key in given), self.digest, handler,
        ]  # fmt: skip
        client = spawn(command, cwd=Path("/"), env={**os.environ, **given}, output=output)
        return Container(self.engine, name, client)


@dataclass(frozen=True)
class Container:
    """A running container, through the client that is attached to it."""

    engine: DockerEngine
    name: str
    client: subprocess.Popen[bytes]

    def poll(self) -> int | None:
        """Its exit status; None while it runs. Negative for a signal, as of a process."""
        return _status(self.client.poll())

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        return _status(self.client.wait()) or 0

    def kill(self) -> None:
        """End it."""
        if self.client.poll() is None:
            self.engine.run("rm", "--force", self.name)
        kill_group(self.client)

    def memory_mb(self) -> int:
        """The memory that its processes take now."""
        inspected = self.engine.run("inspect", "--format={{.State.Pid}}", self.name).stdout.strip()
        try:
            first = psutil.Process(int(inspected))
            return sum(each.memory_info().rss for each in [first, *first.children(recursive=True)]) >> 20
        except (ValueError, psutil.Error):
            return 0


def build_image(build: Mapping[str, Any], program: Path, paths: LocalPaths) -> ContainerImage:
    """Build a `docker.Image`'s `build`, its paths relative to the folder `program`, for this machine's processor.

    Raises:
        LocalError: there is no engine, it is one for another processor, or the build fails.
    """
    engine = DockerEngine.find()
    platform, target = str(build["platform"]), str(build["target"])
    if ARCHITECTURES.get(platform) != engine.architecture():
        raise LocalError(
            f"the Docker engine here builds for {engine.architecture()}, and the stack asks for {platform}: choose"
            " with -c architecture=arm64 or -c architecture=x86_64"
        )
    dockerfile = program / str(build["dockerfile"])
    handler = handler_of(dockerfile, target)
    arguments = {str(key): str(value) for key, value in build.get("args", {}).items()}
    context, owner = (program / str(build["context"])).resolve(), str(paths.root)
    paths.containers.touch()
    try:
        image = engine.build(context, dockerfile, target, arguments, f"--label={OWNER}={owner}")
    except BuildFailed as error:
        if "load metadata for" not in str(error):
            raise
        raise BuildFailed(
            f"{error}\nThe base image cannot be pulled: name one that can with -c baseImage=..."
        ) from None
    return ContainerImage(engine, image.removeprefix("sha256:"), handler, owner)


def remove_containers(paths: LocalPaths, *, images: bool = False) -> None:
    """Remove this checkout's containers from the engine; with `images`, its images too.

    Raises:
        LocalError: the engine that has them does not answer.
    """
    if not paths.containers.exists():
        return
    engine = DockerEngine.find()
    mine = f"--filter=label={OWNER}={paths.root}"
    if containers := engine.run("ps", "--all", "--quiet", mine).stdout.split():
        engine.run("rm", "--force", *containers)
    if images and (found := engine.run("images", "--all", "--quiet", mine).stdout.split()):
        engine.run("rmi", "--force", *dict.fromkeys(found))


def _status(code: int | None) -> int | None:
    """Docker's 128 + n for signal n, as Python has it for processes."""
    return -(code - 128) if code is not None and code > 128 else code  # noqa: PLR2004
