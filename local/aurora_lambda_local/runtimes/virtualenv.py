"""Stand-ins for images: the code in a folder, the requirements in a virtual environment."""

import compileall
import csv
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.platform.processes import command_output, kill_marked, kill_process_group, spawn
from aurora_lambda_local.runtimes.image_build import ImageBuild

RUNTIME_API = "AWS_LAMBDA_RUNTIME_API"
NATIVE_CLIENT = "lib/python*/site-packages/runtime_client*.so"
# Given to the interpreter as text: by its path, its folder's modules could be imported by a function.
PYTHON_CLIENT, ONE_INVOCATION = (
    Path(__file__).with_name(f"{name}.py").read_text() for name in ("runtime_client", "one_invocation")
)
# The folders of a build context that the Dockerfile copies to where functions start.
TASK_FOLDERS = ("application", "runtime")
REQUIREMENTS = "requirements.txt"
_LOCKS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True)
class VirtualenvImage:
    """The code of an image and the interpreter that runs it."""

    digest: str
    directory: Path
    python: Path
    handler: str

    def alive(self) -> bool:
        """Return whether its files still exist."""
        return self.directory.is_dir() and self.python.exists()

    def start(self, handler: str, variables: Mapping[str, str], memory_mb: int, output: int) -> "HostProcess":
        """Start `handler` in a process of this machine; its memory is not limited to `memory_mb`."""
        del memory_mb
        return self.start_with([], handler, variables, output, self.directory)

    def start_with(
        self, options: Sequence[str], handler: str, variables: Mapping[str, str], output: int, folder: Path
    ) -> "HostProcess":
        """Start `handler` in `folder`, with options before what the interpreter runs."""
        native = any(self.python.parents[1].glob(NATIVE_CLIENT))
        client = ["-m", "awslambdaric"] if native else ["-c", PYTHON_CLIENT]
        process = spawn([str(self.python), *options, *client, handler], cwd=folder, env=variables, output=output)
        return HostProcess(process, variables.get(RUNTIME_API, ""))

    def run_python(self, arguments: Sequence[str], variables: Mapping[str, str]) -> str:
        """Run the interpreter, and return what it printed."""
        return command_output([str(self.python), *arguments], self.directory, variables)


@dataclass(frozen=True)
class HostProcess:
    """A running process with all its children, which inherit the address of its own `runtime_api`."""

    process: subprocess.Popen[bytes]
    runtime_api: str = ""

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return self.process.poll()

    def wait(self) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait()

    def kill(self) -> None:
        """Kill it with all its children."""
        kill_process_group(self.process)
        # A child in a session of its own would go on, and hold files and ports.
        if self.runtime_api:
            kill_marked(RUNTIME_API, self.runtime_api)

    def memory_mb(self) -> int:
        """Return the memory in use."""
        try:
            return psutil.Process(self.process.pid).memory_info().rss >> 20
        except psutil.Error:
            return 0


def is_installable(listed: Sequence[str]) -> bool:
    """Return whether the files of a build context are laid out as the components' own; of others Docker alone knows."""
    return REQUIREMENTS in listed and any(_is_code(Path(each)) for each in listed)


def install_image(build: ImageBuild, listed: Sequence[str], paths: LocalPaths) -> VirtualenvImage:
    """Copy the files and install the requirements that building `build` would put into an image.

    `listed` are the files of the build context, relative to it. Copies and environments are named by a digest of their
    content, so neither is made twice.

    Raises:
        LocalError: a file is missing, or the requirements could not be installed.
    """
    try:
        handler = build.handler()
        files = {path.relative_to(path.parts[0]): build.context / path for path in map(Path, listed) if _is_code(path)}
        requirements = (build.context / REQUIREMENTS).read_bytes()
    except OSError as error:
        raise LocalError(f"image {build.target!r} cannot be built: {error}") from error
    python = _environment(requirements, paths)
    digest = _digest(files, handler.encode(), str(python).encode())
    return VirtualenvImage(digest, _copy_files(files, paths.images / digest[:16]), python, handler)


def _is_code(path: Path) -> bool:
    return path.parts[0] in TASK_FOLDERS


def _copy_files(files: Mapping[Path, Path], directory: Path) -> Path:
    with _LOCKS[str(directory)]:
        if not directory.is_dir():
            with _new_directory(directory) as new:
                for path, file in files.items():
                    copy = new / path
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, copy)
                compileall.compile_dir(new, quiet=2, ddir=str(directory))
    return directory


def _environment(requirements: bytes, paths: LocalPaths) -> Path:
    """Return the interpreter of an environment with exactly the packages of a hashed requirements file."""
    directory = paths.environments / hashlib.sha256(requirements + sys.version.encode()).hexdigest()[:16]
    with _LOCKS[str(directory)]:
        if not directory.is_dir():
            try:
                _create_environment(directory, requirements, paths, "--offline")
            except LocalError:
                # A package is not in uv's cache, which `make setup` has filled: ask the package index.
                _create_environment(directory, requirements, paths)
    return directory / "bin" / "python"


def _create_environment(directory: Path, requirements: bytes, paths: LocalPaths, *options: str) -> None:
    with _new_directory(directory) as new:
        listed = new / "requirements.txt"
        listed.write_bytes(requirements)
        _uv(paths, "venv", "--quiet", "--allow-existing", "--no-project", "--python", sys.executable, str(new))
        install = ["--require-hashes", "--no-deps", "--compile-bytecode", "--requirement", str(listed)]
        _uv(paths, "pip", "install", "--quiet", *options, "--python", str(new / "bin" / "python"), *install)
        if incomplete := incomplete_files(new):
            raise LocalError(f"the image's packages could not be installed: {incomplete[0]} is incomplete")


def incomplete_files(environment: Path) -> list[Path]:
    """Return the files of installed packages that are missing or have another size than recorded."""
    [packages] = environment.glob("lib/python*/site-packages")
    # Not by `importlib.metadata`, which from Python 3.12 on leaves out what is missing.
    records = [record.read_text(encoding="utf-8").splitlines() for record in packages.glob("*.dist-info/RECORD")]
    sizes = {packages / name: size for record in records for name, _, size in csv.reader(record)}
    return [path for path, size in sizes.items() if not path.exists() or size not in ("", str(path.stat().st_size))]


@contextmanager
def _new_directory(directory: Path) -> Generator[Path]:
    """Give an empty folder to fill, and rename it to `directory`; leave nothing where that fails.

    Raises:
        LocalError: the disk is full or cannot be written.
    """
    new = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
        yield new
        new.rename(directory)
    except OSError as error:
        raise LocalError(f"{directory} could not be written: {error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _uv(paths: LocalPaths, *arguments: str) -> None:
    scratch = paths.root / "tmp"
    scratch.mkdir(exist_ok=True)
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        raise LocalError("uv is not installed in this project's .venv: run make setup")
    environment = {**os.environ, "TMPDIR": str(scratch)}
    environment.pop("VIRTUAL_ENV", None)
    completed = subprocess.run([uv, *arguments], env=environment, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise LocalError(f"the image's packages could not be installed:\n{completed.stderr.strip()}")


def _digest(files: Mapping[Path, Path], *more: bytes) -> str:
    digest = hashlib.sha256()
    for path, file in sorted(files.items()):
        digest.update(f"{path.as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    for each in more:
        digest.update(each)
    return digest.hexdigest()
