"""What a program's resources depend on besides the files of its images, as digests."""

import hashlib
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aurora_lambda.project import Project
from aurora_lambda_local.platform.paths import files_digest
from aurora_lambda_local.program.own_modules import are_steady, own_modules, package_folders
from aurora_lambda_local.resources.state import value_digest
from aurora_lambda_local.supervisor.messages import ProgramState


@dataclass(frozen=True)
class Asked:
    """What somebody asks to bring up: a project's stack, configuration over its file's, and whether in containers."""

    project: Project
    stack: str
    overrides: Mapping[str, str]
    containers: bool


def program_state(asked: Asked, modules: Sequence[str]) -> ProgramState:
    """Return what the program with these modules and arguments depends on now."""
    project, stack = asked.project, asked.stack
    configuration = [project.root / "Pulumi.yaml", project.root / "pyproject.toml", project.stack_file(stack)]
    files = {*configuration, *project.requirements.glob("*"), *map(Path, modules)}
    return {
        # A digest, because a value of the configuration may be a secret.
        "arguments": value_digest([stack, sorted(asked.overrides.items()), asked.containers]),
        "packages": packages_digest(),
        "modules": list(modules),
        "files": {str(file): _digest(file) for file in sorted(files)},
    }


def repeatable_state(asked: Asked, started: float) -> ProgramState | None:
    """Return what the program that has just run here depended on; None where that cannot be told.

    `started` is when it began, in seconds since 1970: a file that was changed after that may have been read before.
    """
    modules = own_modules(asked.project)
    if not are_steady(asked.project, modules):
        return None
    state = program_state(asked, [*map(str, modules)])
    files = [stat for file in map(Path, state["files"]) if file.exists() and (stat := file.stat())]
    return None if any(max(stat.st_mtime, stat.st_ctime) >= started for stat in files) else state


def packages_digest() -> str:
    """Return a digest of this project's packages, and of the names and versions of all others that are installed."""
    installed = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    own = files_digest(file for folder in package_folders() for file in sorted(folder.rglob("*.py")))
    return value_digest([sys.version, installed, own])


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
