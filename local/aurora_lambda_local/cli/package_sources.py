"""A service's packages: where this project's own come from, as its `pyproject.toml` tells uv, and its locks.

Installers record it. Source: https://packaging.python.org/en/latest/specifications/direct-url/
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from uv import find_uv_bin

from aurora_lambda_local.platform.errors import LocalError, UsageError

PACKAGES = ("aurora-lambda", "aurora-lambda-runtime", "aurora-lambda-local")
WHEELS = "wheels"


@dataclass(frozen=True)
class PackageSources:
    """uv's source of each package that did not come from a package index, and the wheels that a service takes along."""

    sources: Mapping[str, str]
    wheels: Sequence[Path]

    @property
    def version(self) -> str:
        """The version that is installed, of which the other packages take the same."""
        return distribution(PACKAGES[0]).version

    @property
    def toml(self) -> str:
        """What `pyproject.toml` says of it."""
        lines = [f"{name} = {source}" for name, source in self.sources.items()]
        reason = "# Where aurora-lambda comes from, which is no package index."
        return "\n".join(["", "[tool.uv.sources]", reason, *lines, ""]) if lines else ""

    def copy_wheels(self, folder: Path) -> None:
        """Copy the wheels into a service's folder, so that it builds on every machine."""
        for wheel in self.wheels:
            (folder / WHEELS).mkdir(exist_ok=True)
            shutil.copy(wheel, folder / WHEELS)


def find_sources(folder: Path) -> PackageSources:
    """Return where the packages were installed from, as a service in `folder` names it.

    Raises:
        UsageError: a wheel or a checkout is gone.
    """
    recorded = {name: _recorded(name) for name in PACKAGES}
    files = {name: path for name, origin in recorded.items() if (path := _file(origin))}
    for path in files.values():
        if not path.exists():
            raise UsageError(f"aurora-lambda was installed from {path}, which is gone: install it from where it stays")
    wheels = {name: path for name, path in files.items() if path.suffix == ".whl"}
    # pip records the wheels that it is given by name, but not those that it finds beside them.
    beside = {name: _beside(wheel, name) for wheel in [*wheels.values()][:1] for name in PACKAGES if not recorded[name]}
    wheels |= {name: wheel for name, wheel in beside.items() if wheel.is_file()}
    sources = {name: _source(origin, folder) for name, origin in recorded.items() if origin}
    sources |= {name: f"{{ path = {json.dumps(f'{WHEELS}/{wheel.name}')} }}" for name, wheel in wheels.items()}
    return PackageSources({name: sources[name] for name in PACKAGES if name in sources}, list(wheels.values()))


def _recorded(name: str) -> Mapping[str, Any]:
    """Return what the installer recorded of a package's origin; nothing for one from a package index."""
    return json.loads(distribution(name).read_text("direct_url.json") or "{}")


def _file(origin: Mapping[str, Any]) -> Path | None:
    """Return the file or folder that a package came from, if it was one of this machine."""
    url = urlsplit(origin.get("url", ""))
    return Path(url2pathname(url.path)) if url.scheme == "file" and "vcs_info" not in origin else None


def _beside(wheel: Path, name: str) -> Path:
    return wheel.with_name(f"{name.replace('-', '_')}-{distribution(name).version}-py3-none-any.whl")


def _source(origin: Mapping[str, Any], folder: Path) -> str:
    if path := _file(origin):
        editable = ", editable = true" if origin.get("dir_info", {}).get("editable") else ""
        return f"{{ path = {json.dumps(os.path.relpath(path, folder))}{editable} }}"
    url = json.dumps(origin["url"])
    if "vcs_info" not in origin:
        return f"{{ url = {url} }}"
    revision = origin["vcs_info"].get("requested_revision") or origin["vcs_info"]["commit_id"]
    subdirectory = f", subdirectory = {json.dumps(origin['subdirectory'])}" if "subdirectory" in origin else ""
    return f"{{ git = {url}, rev = {json.dumps(revision)}{subdirectory} }}"


def write_locks(folder: Path) -> None:
    """Write a service's `uv.lock`, and by it the hashed requirements of its images.

    The runtime is not among them: a build takes it from wherever it is installed.

    Raises:
        LocalError: uv cannot resolve the packages.
    """
    (folder / "requirements").mkdir(exist_ok=True)
    run_uv(folder, "lock", "--python", sys.executable)
    for group in ("handler", "migrations"):
        options = ["--only-group", group, "--no-emit-package", "aurora-lambda-runtime", "--no-annotate", "--no-header"]
        run_uv(folder, "export", *options, "--output-file", f"requirements/{group}.txt")


def run_uv(folder: Path, *arguments: str) -> None:
    """Run uv on a service and its `.venv`.

    Raises:
        LocalError: it fails; the message is uv's own.
    """
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["UV_PROJECT_ENVIRONMENT"] = ".venv"
    command = [find_uv_bin(), *arguments, "--quiet"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(done.stderr.strip().removeprefix("error: "))
