"""The Docker engine of this machine: find a client that can build, build images, and inspect them."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurora_lambda_local.platform.errors import LocalError

# From this version on a client builds with BuildKit only through a plugin.
FIRST_WITHOUT_BUILDKIT = 23
ERROR_LINES = 25
INSTALL = "on Debian or Ubuntu, apt-get install docker.io; elsewhere see https://docs.docker.com/engine/install/"
JOIN_GROUP = "join its group with `sudo usermod -aG docker $USER`, then log in again"


class DockerUnavailableError(LocalError):
    """There is no Docker engine that can build and run images here."""


class ImageBuildError(LocalError):
    """An image could not be built; the message ends with what the failing step printed."""


@dataclass(frozen=True)
class DockerEngine:
    """A Docker engine that answers, and a client program that can build with it."""

    client: Path

    @classmethod
    def find(cls) -> "DockerEngine":
        """Return the first `docker` on the path that reaches an engine and can build with BuildKit.

        Raises:
            DockerUnavailableError: there is none; the message says what to install or start.
        """
        clients = [path for folder in os.get_exec_path() if os.access(path := Path(folder, "docker"), os.X_OK)]
        if not clients:
            raise DockerUnavailableError(f"no Docker engine is installed: {INSTALL}")
        problem = ""
        for client in clients:
            engine = cls(client)
            if problem := engine._problem():
                continue
            return engine
        raise DockerUnavailableError(problem)

    def build(self, context: Path, dockerfile: Path, target: str, args: Mapping[str, str], *options: str) -> str:
        """Build one target and return the image's id.

        Raises:
            ImageBuildError: the build failed; the message holds the step and what it printed.
        """
        given = [f"--build-arg={name}={value}" for name, value in args.items()]
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "id")
            command = ["build", "--progress=plain", f"--iidfile={file}", f"--target={target}", f"--file={dockerfile}"]
            completed = self.run(*command, *given, *options, str(context))
            if completed.returncode:
                raise ImageBuildError(f"image {target!r} could not be built:\n{failing_step(completed.stderr)}")
            return file.read_text().strip()

    def inspect(self, image: str) -> dict[str, Any]:
        """Return the engine's description of an image.

        Raises:
            LocalError: there is no such image.
        """
        completed = self.run("image", "inspect", image)
        if completed.returncode:
            raise LocalError(f"there is no image {image}: {completed.stderr.strip()}")
        return json.loads(completed.stdout)[0]

    def architecture(self) -> str:
        """Return the processor it builds for, by Docker's name: `amd64` or `arm64`."""
        return self.run("version", "--format={{.Server.Arch}}").stdout.strip()

    def run(self, *arguments: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run the client with `arguments`; the caller checks the exit status."""
        command = [str(self.client), *arguments]
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=timeout)

    def _problem(self) -> str:
        """Return why this client cannot be used; empty when it can."""
        version = self.run("version", "--format", "{{.Client.Version}} {{.Server.Version}}")
        if version.returncode:
            reason = _last_line(version.stderr)
            remedy = JOIN_GROUP if "permission denied" in reason else f"start it, or {INSTALL}"
            return f"the Docker engine does not answer ({reason}): {remedy}"
        major = int(version.stdout.partition(".")[0])
        if major >= FIRST_WITHOUT_BUILDKIT and self.run("buildx", "version").returncode:
            return f"{self.client} cannot build images: install its buildx plugin (docker-buildx), or {INSTALL}"
        return ""


def failing_step(output: str) -> str:
    """Return, of BuildKit's plain output, the failing step and what that printed."""
    failed = re.search(r"^#(\d+) ERROR", output, re.MULTILINE)
    if failed is None:
        return "\n".join(output.strip().splitlines()[-ERROR_LINES:])
    step = re.findall(rf"^#{failed[1]} (\[.*)$", output, re.MULTILINE)[:1]
    printed = re.findall(rf"^#{failed[1]} \d+\.\d+ (.*)$", output, re.MULTILINE)
    return "\n".join([*step, *printed[-ERROR_LINES:], _last_line(output)])


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no reason given"
