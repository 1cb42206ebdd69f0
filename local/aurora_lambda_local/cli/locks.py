"""A service's locked packages, by uv, which installs with this package."""

import os
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

from aurora_lambda_local.platform.errors import LocalError


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
