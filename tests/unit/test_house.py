"""The rules of the house, held."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_imports_point_one_way() -> None:
    """The image would need Pulumi, or a component the command line, to be imported."""
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_pulumi_finds_the_program_its_stacks_and_its_environment() -> None:
    """Else `pulumi up` would not find what to run."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert (project["name"], project["main"]) == ("aurora-lambda", "stacks")
    assert project["runtime"] == {"name": "python", "options": {"toolchain": "uv"}}
    assert (ROOT / project["stackConfigDir"] / "Pulumi.dev.yaml").is_file()


def test_the_images_requirements_are_the_locked_ones() -> None:
    """An image would carry other versions than those the tests ran with."""
    for group in ("handler", "migrations"):
        exported = subprocess.run(
            [Path(sys.executable).with_name("uv"), "export", "--quiet", "--only-group", group, "--no-emit-workspace",
             "--no-annotate", "--no-header"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout  # fmt: skip
        committed = (ROOT / "lambda_images/requirements" / f"{group}.txt").read_text()
        assert committed == exported, f"{group}.txt is stale: make lock"


def test_every_locked_requirement_has_hashes() -> None:
    """An image build would take a file that nobody has looked at."""
    for path in sorted((ROOT / "lambda_images/requirements").glob("*.txt")):
        requirements = re.split(r"\n(?=\S)", path.read_text().strip())
        assert [entry for entry in requirements if "--hash=sha256:" not in entry] == []
