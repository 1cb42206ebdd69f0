"""Build images with the local Docker engine, and run execution environments as containers of them."""

import os
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.platform.processes import command_output, kill_process_group, spawn
from aurora_lambda_local.runtimes.docker_engine import DockerEngine, ImageBuildError
from aurora_lambda_local.runtimes.image_build import ImageBuild
from aurora_lambda_runtime.database.contract import DATABASE_URL, ContractError, database_settings, values_of_databases

# Docker's names for processors, by the platforms that the components ask for.
ARCHITECTURES = {"linux/arm64": "arm64", "linux/amd64": "amd64"}
TASK_ROOT = Path("/var/task")
# What Lambda gives a function by default. Source: AWS Lambda developer guide, "Configure ephemeral storage".
TMP_MEGABYTES = 512
PIDS = 1024
OWNER = "aurora-lambda.local"
SIGNAL_BASE = 128
# What Docker's client gives each container as its configuration says; those that it has no value for, it takes away.
PROXIES = {
    spelt
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for spelt in (name, name.lower())
}


@dataclass(frozen=True)
class ContainerImage:
    """An image in the local engine."""

    engine: DockerEngine
    digest: str
    handler: str
    owner: str
    directory: Path = TASK_ROOT

    def alive(self) -> bool:
        """Return whether the engine still has it."""
        return self.engine.run("image", "inspect", self.digest).returncode == 0

    def start(self, handler: str, variables: Mapping[str, str], memory_mb: int, output: int) -> "Container":
        """Start a container as Lambda does: unprivileged, only /tmp writable, memory limited to `memory_mb`.

        It shares this machine's network, where the runtime API, the database and the emulated services listen, and
        sees the files of this machine that variables name: the certificate authorities of its databases.
        """
        name = f"aurora-lambda-{uuid.uuid4().hex[:12]}"
        # Values go through the client's environment, because any user of this machine can read arguments.
        given = {key: value for key, value in variables.items() if key != "PATH"}
        mounts = [f'--mount=type=bind,"source={file}","target={file}",readonly' for file in _authorities(variables)]
        command = [
            str(self.engine.client), "run", "--rm", f"--name={name}", f"--label={OWNER}={self.owner}",
            "--network=host", "--read-only", f"--tmpfs=/tmp:size={TMP_MEGABYTES}m", f"--pids-limit={PIDS}",
            "--cap-drop=ALL", "--security-opt=no-new-privileges", f"--memory={memory_mb}m",
            f"--memory-swap={memory_mb}m", *mounts, *(f"--env={key}" for key in given.keys() | PROXIES), self.digest,
            *([handler] if handler else []),
        ]  # fmt: skip
        shell = {key: value for key, value in os.environ.items() if key not in PROXIES}
        client = spawn(command, cwd=Path("/"), env={**shell, **given}, output=output)
        return Container(self.engine, name, client, memory_mb)

    def run_python(self, arguments: Sequence[str], variables: Mapping[str, str]) -> str:
        """Run the image's interpreter without a network, and return what it printed."""
        given = {key: value for key, value in variables.items() if key != "PATH"}
        command = [
            str(self.engine.client), "run", "--rm", f"--label={OWNER}={self.owner}", "--network=none",
            *(f"--env={key}" for key in given), "--entrypoint=python3", self.digest, *arguments,
        ]  # fmt: skip
        return command_output(command, Path("/"), {**os.environ, **given})


@dataclass(frozen=True)
class Container:
    """A running container, through the client that is attached to it; it may use `limit_mb` of memory."""

    engine: DockerEngine
    name: str
    client: subprocess.Popen[bytes]
    limit_mb: int

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return _exit_status(self.client.poll())

    def wait(self) -> int:
        """Wait for the end and return the exit status."""
        return _exit_status(self.client.wait()) or 0

    def kill(self) -> None:
        """Remove the container."""
        if self.client.poll() is None:
            self.engine.run("rm", "--force", self.name)
        kill_process_group(self.client)

    def memory_mb(self) -> int:
        """Return the memory in use by its processes; all that it may use where it was killed for wanting more."""
        if self.poll() == -signal.SIGKILL:
            return self.limit_mb
        inspected = self.engine.run("inspect", "--format={{.State.Pid}}", self.name).stdout.strip()
        try:
            first = psutil.Process(int(inspected))
            return sum(each.memory_info().rss for each in [first, *first.children(recursive=True)]) >> 20
        except (ValueError, psutil.Error):
            return 0


def build_image(build: ImageBuild, paths: LocalPaths) -> ContainerImage:
    """Build an image for this machine's processor.

    Raises:
        LocalError: there is no engine, it builds for another processor, or the build fails.
    """
    engine = DockerEngine.find()
    if build.platform and ARCHITECTURES.get(build.platform) != engine.architecture():
        raise LocalError(
            f"the Docker engine here builds for {engine.architecture()}, and the stack asks for {build.platform}:"
            " choose with -c architecture=arm64 or -c architecture=x86_64"
        )
    owner = str(paths.root)
    paths.containers.touch()
    label = f"--label={OWNER}={owner}"
    try:
        image = engine.build(build.context, build.dockerfile, build.target, build.arguments, label)
    except ImageBuildError as error:
        if "load metadata for" not in str(error):
            raise
        raise ImageBuildError(
            f"{error}\nThe base image cannot be pulled: name one that can with -c baseImage=..."
        ) from None
    command = engine.inspect(image)["Config"]["Cmd"] or [""]
    return ContainerImage(engine, image.removeprefix("sha256:"), command[-1], owner)


def remove_containers(paths: LocalPaths, *, images: bool = False) -> None:
    """Remove this checkout's containers from the engine; with `images`, its images too.

    Raises:
        LocalError: the engine that has them does not answer.
    """
    if not paths.containers.exists():
        return
    engine = DockerEngine.find()
    owned = f"--filter=label={OWNER}={paths.root}"
    if containers := engine.run("ps", "--all", "--quiet", owned).stdout.split():
        engine.run("rm", "--force", *containers)
    if images and (found := engine.run("images", "--all", "--quiet", owned).stdout.split()):
        engine.run("rmi", "--force", *dict.fromkeys(found))


def _authorities(variables: Mapping[str, str]) -> set[str]:
    """Return the files on this machine that a function verifies its databases with."""
    files = {*values_of_databases(variables, "CA").values()}
    if variables.get(DATABASE_URL):
        with suppress(ContractError):
            files = {database_settings(variables).ca}
    return files - {""}


def _exit_status(code: int | None) -> int | None:
    """Return Docker's exit code with 128 + n, for signal n, as -n: the way Python reports processes."""
    return -(code - SIGNAL_BASE) if code is not None and code > SIGNAL_BASE else code
