"""Taking another version of aurora-lambda into a service that `aurora-lambda new` wrote."""

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from aurora_lambda.project import SETTINGS_FILE, Project
from aurora_lambda_local.cli.package_sources import PACKAGES, WHEELS, run_uv, write_locks
from aurora_lambda_local.cli.terminal import print_line, working
from aurora_lambda_local.platform.errors import LocalError, UsageError

Sources = Mapping[str, Mapping[str, Any]]

PIN = re.compile(r'"aurora-lambda==([^"]+)"')
NUMBER = re.compile(r"\d[\w.+]*")
REVISION = re.compile(r"[\w.+/-]+")
PRINT_CHANGELOG = """
from importlib.resources import files
file = files("aurora_lambda_local") / "CHANGELOG.md"
print(file.read_text(encoding="utf-8") if file.is_file() else "")
"""
WRITTEN = (SETTINGS_FILE, "uv.lock", "requirements", WHEELS, "Pulumi.yaml")


def upgrade(options: argparse.Namespace) -> None:
    """Take another version of aurora-lambda into a service, and print what it brings and would do."""
    root = Project.find().root
    with working("resolving and installing"):
        before, after = take_version(root, options.version)
    print_line(("aurora-lambda:", "bold"), f" {before} -> {after}" if before != after else f" stays at {after}")
    print_line(f"\n{news(root, before, after) or 'Its changelog has nothing newer.'}")
    print_line(("\nWhat `aurora-lambda up` would do now:", "bold"))
    sys.exit(subprocess.run([root / ".venv/bin/aurora-lambda", "preview"], cwd=root, check=False).returncode)


def take_version(root: Path, asked: str | None) -> tuple[str, str]:
    """Change the version that a service has, lock it and install it into `.venv`; return the number before and after.

    Args:
        root: The service's folder.
        asked: A number, a revision of git or a folder of wheels, as the service has its packages; None for the newest.

    Raises:
        LocalError: the service cannot take that version; its files are as before.
    """
    text = (root / SETTINGS_FILE).read_text(encoding="utf-8")
    every = tomllib.loads(text).get("tool", {}).get("uv", {}).get("sources", {})
    sources = {name: every[name] for name in PACKAGES if name in every}
    if any("workspace" in source for source in sources.values()):
        raise UsageError("this is the repository of aurora-lambda itself: git pull, then make setup")
    if len(pins := PIN.findall(text)) != 1:
        raise UsageError(f'{SETTINGS_FILE} must have "aurora-lambda==NUMBER" among its dependencies, once')
    with _as_before_on_failure(root, pins[0]):
        edited = with_sources(root, text, sources, asked)
        wanted = "" if sources else f"=={asked}" if asked else f">={pins[0]}"
        _write_pin(root, edited, wanted)
        run_uv(root, "lock", "--python", sys.executable, *(f"--upgrade-package={name}" for name in PACKAGES))
        locked = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))["package"]
        after = next(package["version"] for package in locked if package["name"] == PACKAGES[0])
        _write_pin(root, edited, f"=={after}")
        write_locks(root)
        run_uv(root, "sync")
        _run_python(root, "-m", "aurora_lambda.service.reference")
    return pins[0], after


def news(root: Path, before: str, after: str) -> str:
    """Return what the changelog of the version in a service's `.venv` says is newer than the one before.

    This process may run from that `.venv` too, and has the version before in memory.
    """
    return newer_sections(_run_python(root, "-c", PRINT_CHANGELOG), before, after)


def newer_sections(changelog: str, before: str, after: str) -> str:
    """Return a changelog's sections that are newer than a version; none on the way back to an earlier one."""
    if _numbers(after) < _numbers(before):
        return ""
    sections = re.split(r"^(?=## )", changelog, flags=re.MULTILINE)[1:]
    newer = takewhile(lambda section: _numbers(section.partition("\n")[0]) > _numbers(before), sections)
    return "".join(newer).strip()


def _run_python(root: Path, *arguments: str) -> str:
    """Run the Python of a service's `.venv`, and return what it prints."""
    command = [root / ".venv" / "bin" / "python", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(done.stderr.strip())
    return done.stdout


def _numbers(text: str) -> list[float]:
    """Return the numbers of a version; what has none is not released, and newer than all that is."""
    found = re.search(r"\d+(\.\d+)+", text)
    return [float(number) for number in found[0].split(".")] if found else [math.inf]


def with_sources(root: Path, text: str, sources: Sources, asked: str | None) -> str:
    """Return the text of `pyproject.toml` with the packages' sources as asked for; wheels are copied."""
    if sources and all(str(source.get("path")).endswith(".whl") for source in sources.values()):
        return _with_wheels(root, text, sources, asked)
    if not asked:
        return text
    if not (REVISION if sources else NUMBER).fullmatch(asked):
        raise UsageError(f"{asked!r} is no version; for example: aurora-lambda upgrade 1.2.0")
    for name, source in sources.items():
        revision = re.compile(rf'^({name}\s*=\s*\{{.*)\b(?:rev|tag|branch)\s*=\s*"[^"]*"', re.MULTILINE)
        text, count = revision.subn(rf'\1rev = "{asked}"', text)
        if not count:
            raise UsageError(
                f"{name} comes from {json.dumps(source)}, by [tool.uv.sources] of {SETTINGS_FILE}: take {asked} there"
                " yourself, then type: aurora-lambda upgrade"
            )
    return text


def _with_wheels(root: Path, text: str, sources: Sources, asked: str | None) -> str:
    if not asked:
        raise UsageError("the packages come from wheels; name the folder of newer ones: aurora-lambda upgrade FOLDER")
    wheels = {name: [*Path(asked).glob(f"{name.replace('-', '_')}-*.whl")] for name in sources}
    if wrong := [f"{len(found)} of {name}" for name, found in wheels.items() if len(found) != 1]:
        raise UsageError(f"{asked} must be a folder with one wheel of each package; there are {', '.join(wrong)}")
    for name, [wheel] in wheels.items():
        content, before = wheel.read_bytes(), root / sources[name]["path"]
        if before.parent == root / WHEELS:
            before.unlink(missing_ok=True)
        (root / WHEELS).mkdir(exist_ok=True)
        (root / WHEELS / wheel.name).write_bytes(content)
        text = text.replace(json.dumps(sources[name]["path"]), json.dumps(f"{WHEELS}/{wheel.name}"))
    return text


def _write_pin(root: Path, text: str, versions: str) -> None:
    (root / SETTINGS_FILE).write_text(PIN.sub(f'"aurora-lambda{versions}"', text), encoding="utf-8")


@contextmanager
def _as_before_on_failure(root: Path, version: str) -> Generator[None]:
    """Write a service's files back as they were where what is done meanwhile fails, or is interrupted."""
    with tempfile.TemporaryDirectory() as kept:
        _copy(root, Path(kept))
        try:
            yield
        except UsageError:
            # Nothing has been written yet.
            raise
        except BaseException as error:
            for each in (root / name for name in WRITTEN):
                shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)
            _copy(Path(kept), root)
            if isinstance(error, LocalError):
                raise LocalError(f"{root.name} stays at aurora-lambda {version}, as it was:\n{error}") from None
            raise


def _copy(source: Path, target: Path) -> None:
    for each in (source / name for name in WRITTEN):
        if each.is_dir():
            shutil.copytree(each, target / each.name)
        elif each.exists():
            shutil.copy(each, target)
