"""The rules of the house, held."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import aurora_lambda

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


def test_a_command_imports_no_component_before_it_needs_one() -> None:
    """Each command, and each run of a service's tests, would begin with a second and a half of imports."""
    code = (
        "import sys, aurora_lambda_local.cli.main, aurora_lambda_local.commands, aurora_lambda.build_context\n"
        "print({'boto3', 'docker', 'moto', 'pulumi', 'sqlalchemy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_each_component_is_found_by_its_name() -> None:
    """`from aurora_lambda import Network` would fail in a program that worked before."""
    found = {name: getattr(aurora_lambda, name) for name in aurora_lambda.__all__}
    assert {name: value.__name__ for name, value in found.items()} == {name: name for name in aurora_lambda.__all__}
    with pytest.raises(AttributeError) as refused:
        aurora_lambda.Netwrk  # ty: ignore[missing-attribute]  # noqa: B018
    assert str(refused.value) == "module 'aurora_lambda' has no attribute 'Netwrk'"
