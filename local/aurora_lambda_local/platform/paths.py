"""Paths of everything that is kept on this machine: all below `.local/` in the project."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aurora_lambda import build_context
from aurora_lambda.project import Project

# This package: its code, not the user's.
PACKAGE = Path(__file__).resolve().parents[1]

# The log of a function or a database server has two files of this size at most.
LOG_BYTES = 10 << 20

# What the folder follows in a supervisor's arguments.
SUPERVISOR = "--local="


def earlier_log(path: Path) -> Path:
    """Return the file that a log's lines before its current ones are in."""
    return path.with_suffix(".log.1")


def code_digest() -> str:
    """Return a digest of what a supervisor runs of this project: one that runs older code is replaced."""
    return files_digest([*sorted(PACKAGE.rglob("*.py")), Path(str(build_context.__file__))])


def files_digest(files: Iterable[Path]) -> str:
    """Return a digest of files, their paths included."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


@dataclass
class LocalPaths:
    """The folders and files below one `.local/`.

    Attributes:
        state: The JSON file that records what the last `up` made.
        supervisor: The JSON file that says how to reach the supervisor; exists while it runs.
        supervisor_log: The supervisor's own output.
        supervisor_argument: The argument that tells this checkout's supervisor from all others.
        console_link: The page that leads a browser to the console; it holds the token.
        lock: The file that a running `up` or `down` holds locked.
        images: The files of each image, by digest.
        containers: A file that exists once the Docker engine has built something for this checkout.
        environments: Python environments, by digest of their requirements.
        all_data: The databases of every stack.
        logs: The logs of every stack's functions.
    """

    root: Path

    def __post_init__(self) -> None:
        self.state = self.root / "state"
        self.supervisor = self.root / "supervisor.json"
        self.supervisor_log = self.root / "supervisor.log"
        self.supervisor_argument = f"{SUPERVISOR}{self.root}"
        self.console_link = self.root / "console.html"
        self.lock = self.root / "lock"
        self.images = self.root / "images"
        self.containers = self.root / "containers"
        self.environments = self.root / "environments"
        self.all_data = self.root / "data"
        self.logs = self.root / "logs"

    @classmethod
    def for_checkout(cls, checkout: Path | None = None) -> "LocalPaths":
        """Return the paths of a project's folder, by default that of the working directory; nothing is created."""
        return cls((checkout.resolve() if checkout else Project.find().root) / ".local")

    @classmethod
    def of_supervisor(cls, arguments: Sequence[str]) -> "LocalPaths | None":
        """Return the paths that a process's arguments give it as a supervisor; None for any other process."""
        folders = (each.removeprefix(SUPERVISOR) for each in arguments if each.startswith(SUPERVISOR))
        return next((cls(Path(folder)) for folder in folders), None)

    def data(self, stack: str) -> Path:
        """Return the folder of one stack's databases."""
        return self.all_data / stack

    def streams(self, stack: str) -> Path:
        """Return the file that keeps one stack's DynamoDB tables, streams and failures."""
        return self.data(stack) / "streams.sqlite"

    def log(self, stack: str, function_name: str) -> Path:
        """Return the log file of one function."""
        return self.logs / stack / f"{function_name}.log"

    def process_prefixes(self) -> tuple[str, ...]:
        """Return how a word of every process that belongs to this checkout starts."""
        data = (f"{self.all_data}/", f"--datadir={self.all_data}/")
        # What a function started in a session of its own has nothing but the function's variables.
        return (self.supervisor_argument, f"{self.environments}/", *data, f"LAMBDA_TASK_ROOT={self.images}/")
