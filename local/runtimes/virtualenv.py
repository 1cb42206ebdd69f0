"""What an image holds, without building it: its code in a folder, its requirements in a virtual environment."""

import compileall
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local.platform.errors import LocalError
from local.platform.paths import LocalPaths
from local.platform.processes import kill_group, spawn

PACKAGE = "lambda_images"
_LOCKS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True)
class VirtualenvImage:
    """The code stage of an image and the interpreter that runs it."""

    digest: str
    directory: Path
    python: Path
    handler: str

    def alive(self) -> bool:
        """Whether its files are still there."""
        return self.directory.is_dir() and self.python.exists()

    def start(self, handler: str, variables: Mapping[str, str], memory_mb: int, output: int) -> "HostProcess":
        """Run `handler` in a process of this machine, which nothing keeps to `memory_mb`."""
        del memory_mb
        command = [str(self.python), "-m", "awslambdaric", handler]
        return HostProcess(spawn(command, cwd=self.directory, env=variables, output=output))


@dataclass(frozen=True)
class HostProcess:
    """A running process with all it started."""

    process: subprocess.Popen[bytes]

    def poll(self) -> int | None:
        """Its exit status; None while it runs. Negative for a signal."""
        return self.process.poll()

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait()

    def kill(self) -> None:
        """End it."""
        kill_group(self.process)

    def memory_mb(self) -> int:
        """The memory that it takes now."""
        try:
            return psutil.Process(self.process.pid).memory_info().rss >> 20
        except psutil.Error:
            return 0


def install_image(build: Mapping[str, Any], listed: Sequence[str], program: Path, paths: LocalPaths) -> VirtualenvImage:
    """Copy the files and install the requirements that building `build` would put into an image.

    `build` is a `docker.Image`'s, its paths relative to the folder `program`; `listed` are the files of its context,
    relative to that. Images and environments are named by
    what they hold, so neither is made twice.

    Raises:
        LocalError: a file is missing, or the requirements could not be installed.
    """
    target = str(build.get("target", ""))
    context = (program / str(build["context"])).resolve()
    source = str(build.get("args", {}).get("SOURCE", "."))
    try:
        handler = handler_of(program / str(build["dockerfile"]), target)
        below = [Path(path) for path in listed if Path(path).is_relative_to(source)]
        files = {path.relative_to(source): context / path for path in below}
        requirements = (context / source / "requirements" / f"{target}.txt").read_bytes()
    except OSError as error:
        raise LocalError(f"image {target!r} cannot be built: {error}") from error
    python = _environment(requirements, paths)
    digest = _digest(files, handler.encode(), str(python).encode())
    return VirtualenvImage(digest, _snapshot(files, paths.images / digest[:16]), python, handler)


def handler_of(dockerfile: Path, target: str) -> str:
    """The function that a target's `CMD` names.

    Raises:
        LocalError: the Dockerfile has no such target, or the target no `CMD` in JSON form.
    """
    stages = re.split(r"(?im)^\s*FROM\s+", dockerfile.read_text())
    for stage in stages:
        if re.match(rf"(?i)\S+.*\sAS\s+{re.escape(target)}\s*$", stage.partition("\n")[0]):
            if command := re.findall(r"(?im)^\s*CMD\s+(\[.*\])\s*$", stage):
                return str(json.loads(command[-1])[-1])
            raise LocalError(f'target {target!r} in {dockerfile.name} has no CMD ["module.function"]')
    raise LocalError(f"{dockerfile.name} has no target {target!r}")


def _snapshot(files: Mapping[Path, Path], directory: Path) -> Path:
    with _LOCKS[str(directory)]:
        if not directory.is_dir():
            new = _scratch(directory)
            for path, file in files.items():
                copy = new / PACKAGE / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
            compileall.compile_dir(new, quiet=2, ddir=str(directory))
            new.rename(directory)
    return directory


def _environment(requirements: bytes, paths: LocalPaths) -> Path:
    """An environment with exactly the packages of a hashed requirements file, for the Python that runs this."""
    directory = paths.environments / hashlib.sha256(requirements + sys.version.encode()).hexdigest()[:16]
    with _LOCKS[str(directory)]:
        if not directory.is_dir():
            new = _scratch(directory)
            listed = new / "requirements.txt"
            listed.write_bytes(requirements)
            _uv(paths, "venv", "--quiet", "--allow-existing", "--no-project", "--python", sys.executable, str(new))
            install = ["--require-hashes", "--no-deps", "--compile-bytecode", "--requirement", str(listed)]
            _install(paths, "--python", str(new / "bin" / "python"), *install)
            new.rename(directory)
    return directory / "bin" / "python"


def _install(paths: LocalPaths, *arguments: str) -> None:
    """Install from uv's cache, which `make setup` has filled, and ask the package index only when that won't do."""
    try:
        _uv(paths, "pip", "install", "--quiet", "--offline", *arguments)
    except LocalError:
        _uv(paths, "pip", "install", "--quiet", *arguments)


def _uv(paths: LocalPaths, *arguments: str) -> None:
    scratch = paths.root / "tmp"
    scratch.mkdir(exist_ok=True)
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        raise LocalError("uv is not installed in this project's .venv: run make setup")
    environment = {**os.environ, "TMPDIR": str(scratch)}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run([uv, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"the image's packages could not be installed:\n{done.stderr.strip()}")


def _scratch(directory: Path) -> Path:
    """An empty folder to fill before it takes its name, so that an interruption leaves nothing half made."""
    new = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    return new


def _digest(files: Mapping[Path, Path], *more: bytes) -> str:
    digest = hashlib.sha256()
    for path, file in sorted(files.items()):
        digest.update(f"{path.as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    for each in more:
        digest.update(each)
    return digest.hexdigest()
