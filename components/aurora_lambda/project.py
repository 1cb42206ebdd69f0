"""The project, and the folders of its parts: the folder of the nearest Pulumi.yaml, as Pulumi has it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# The one in C, where it was built, is ten times as fast; most commands read one such file and nothing else of note.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PROJECT_FILE = "Pulumi.yaml"
SETTINGS_FILE = "pyproject.toml"
SETTINGS_TABLE = "aurora-lambda"


class ProjectError(Exception):
    """There is no project here, or what it says of itself cannot be used."""


@dataclass(frozen=True)
class Project:
    """A service's repository.

    Attributes:
        root: The folder of `Pulumi.yaml`.
        name: Pulumi's name of the project.
        program: The folder of the Pulumi program.
        stack_files: The folder of the stacks' configuration.
        refreshes: Whether Pulumi reads what is there before it changes it.
        given_application: The application's folder as pyproject.toml names it; empty where it says nothing.
        requirements: The folder of the images' hashed requirements.
        version: The service's own version; empty where it has none.
        licence: Its licence, as SPDX writes it; empty where it says none.
    """

    root: Path
    name: str
    program: Path
    stack_files: Path
    refreshes: bool
    given_application: str
    requirements: Path
    version: str
    licence: str

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """Return the project that `start` lies in, by default the working directory.

        Raises:
            ProjectError: there is none, or its files cannot be read.
        """
        folder = (start or Path.cwd()).resolve()
        root = next((each for each in (folder, *folder.parents) if (each / PROJECT_FILE).is_file()), None)
        if root is None:
            raise ProjectError(f"there is no {PROJECT_FILE} in {folder} or above: change to your project's folder")
        described, package = _described(root), _package(root)
        settings, metadata = package.get("tool", {}).get(SETTINGS_TABLE, {}), package.get("project", {})
        return cls(
            root=root,
            name=str(described["name"]),
            program=root / str(described.get("main", ".")),
            stack_files=root / str(described.get("stackConfigDir", ".")),
            refreshes=(described.get("options") or {}).get("refresh") == "always",
            given_application=str(settings.get("application", "")),
            requirements=root / str(settings.get("requirements", "requirements")),
            version=str(metadata.get("version", "")),
            # An older form of it is a table, which names a file.
            licence=licence if isinstance(licence := metadata.get("license"), str) else "",
        )

    @property
    def application(self) -> Path:
        """The package of tables, routes, commands, stream functions and revisions.

        Raises:
            ProjectError: pyproject.toml names a folder that is not there.
        """
        folder, given = self.root / (self.given_application or "application"), self.given_application
        if given and not folder.is_dir():
            raise ProjectError(f"application is {given!r} in {self.root / SETTINGS_FILE}, and there is no such folder")
        return folder

    @property
    def versions(self) -> Path:
        """The folder of the application's revisions."""
        return self.application / "versions"

    @property
    def stacks(self) -> list[str]:
        """The names of the stacks that have a file, sorted."""
        files = (file.name for file in self.stack_files.glob("Pulumi.*.yaml") if file.is_file())
        return sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in files)

    def stack_file(self, stack: str) -> Path:
        """Return the file that configures a stack, which may be named with its organisation and project."""
        return self.stack_files / f"Pulumi.{stack.rpartition('/')[2]}.yaml"


def _described(root: Path) -> Mapping[str, Any]:
    try:
        described = yaml.load((root / PROJECT_FILE).read_text(encoding="utf-8"), LOADER)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{root / PROJECT_FILE} is not a Pulumi project file: {error}") from error
    if not isinstance(described, dict) or "name" not in described:
        raise ProjectError(f"{root / PROJECT_FILE} names no project: it needs a line such as `name: shop`")
    return described


def _package(root: Path) -> Mapping[str, Any]:
    """Return what pyproject.toml says; nothing where there is none."""
    file = root / SETTINGS_FILE
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(f"{file} is not TOML: {error}") from error
