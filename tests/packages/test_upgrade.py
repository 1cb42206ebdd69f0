"""A service made with one version, taken to the next: from wheels, far from this repository."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.packages.conftest import COMMAND, FOLDERS, ROOT, run, uv

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

NEXT = "9.0.0"


@pytest.fixture
def next_wheels(tmp_path: Path) -> Path:
    """Return a folder of the packages' wheels under a later number, whose changelog says so."""
    now = tomllib.loads((ROOT / "local" / "pyproject.toml").read_text())["project"]["version"]
    sources = tmp_path / "sources"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, sources / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", sources)
    for path in sources.rglob("pyproject.toml"):
        path.write_text(path.read_text().replace(now, NEXT))
    (sources / "CHANGELOG.md").write_text(f"# Changelog\n\n## {NEXT}\n\n- Brand new.\n\n## {now}\n\n- Known.\n")
    for name in FOLDERS:
        uv("build", "--quiet", "--wheel", "--out-dir", tmp_path / "next", sources / name)
    return tmp_path / "next"


def test_a_service_takes_the_next_version_by_one_command(installed: Path, tmp_path: Path, next_wheels: Path) -> None:
    """Who cannot take a newer version stays at the first one, with its faults, or makes the service anew."""
    run(tmp_path, str(installed), "new", "links", "--engine", "postgres")
    service = tmp_path / "links"
    try:
        run(service, "make", "up")
        printed = run(service, COMMAND, "upgrade", str(next_wheels)).splitlines()
        assert printed[0].endswith(f" -> {NEXT}")
        assert printed[1:5] == ["", f"## {NEXT}", "", "- Brand new."]
        assert printed[5:7] == ["", "What `aurora-lambda up` would do now:"]
        assert re.fullmatch(r"Preview: \d+ unchanged\.", printed[-1])
        assert run(service, COMMAND, "--version") == f"aurora-lambda {NEXT}\n"
        assert "4 passed in " in run(service, "make", "test")
        run(service, "make", "up")
    finally:
        run(service, "make", "down")
