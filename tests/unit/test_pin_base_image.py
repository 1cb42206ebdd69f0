"""Moving on to a newer base image."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aurora_lambda_local.cli.new_service import create_service

ROOT = Path(__file__).parents[2]
TAG = "public.ecr.aws/lambda/python:3.13"
# Answers as Docker's own client does, for an engine that has pulled the image from two repositories.
DOCKER = f"""#!/bin/sh
case "$1 $2" in
  "pull --quiet") [ "$3" = {TAG} ] && echo $3 ;;
  "image inspect")
    echo "mirror.example.org/python@sha256:$OTHER"
    echo "public.ecr.aws/lambda/python@sha256:$DIGEST" ;;
  "buildx imagetools") [ "$6" = {TAG} ] && echo "sha256:$DIGEST" ;;
  *) exit 1 ;;
esac
"""
# GitHub's own client, where nobody has proposed the branch before.
GH = """#!/bin/sh
case "$2" in
  view) exit 1 ;;
  create) git log -1 --format=%s base-image > "$PROPOSED" ;;
esac
"""


def pin(checkout: Path, digest: str) -> str:
    """Run the command in a copy of the checkout, and return the Dockerfile's line."""
    done = subprocess.run(
        [checkout / ".ci" / "pin-base-image"],
        env={"PATH": f"{checkout}/bin:/usr/bin:/bin", "DIGEST": digest, "OTHER": "f" * 64},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    dockerfile = (checkout / "lambda_images/aurora_lambda_runtime/Dockerfile").read_text()
    (line,) = [line for line in dockerfile.splitlines() if line.startswith("ARG BASE_IMAGE=")]
    assert done.stdout == f"lambda_images/aurora_lambda_runtime/Dockerfile: {line.removeprefix('ARG BASE_IMAGE=')}\n"
    return line


def test_the_base_image_is_pinned_to_the_newest_digest(tmp_path: Path) -> None:
    """A base that changes under its tag would change every function at a deployment that meant something else."""
    for name in (".ci/pin-base-image", "lambda_images/aurora_lambda_runtime/Dockerfile"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    before = (ROOT / "lambda_images/aurora_lambda_runtime/Dockerfile").read_text().splitlines()

    assert pin(tmp_path, "1" * 64) == f"ARG BASE_IMAGE={TAG}@sha256:{'1' * 64}"
    assert pin(tmp_path, "2" * 64) == f"ARG BASE_IMAGE={TAG}@sha256:{'2' * 64}"
    after = (tmp_path / "lambda_images/aurora_lambda_runtime/Dockerfile").read_text().splitlines()
    assert [number for number, (one, other) in enumerate(zip(before, after, strict=True)) if one != other] == [
        next(number for number, line in enumerate(before) if line.startswith("ARG BASE_IMAGE="))
    ]


def run_step(workflow: Path, step: str, folder: Path, programs: Path) -> None:
    """Run a step of a workflow as a hosted runner does, with `programs` in front of all others."""
    (job,) = yaml.safe_load(workflow.read_text())["jobs"].values()
    (script,) = [each["run"] for each in job["steps"] if each.get("name") == step]
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": f"{programs}:/usr/bin:/bin", "DIGEST": "1" * 64, "PROPOSED": str(programs / "proposed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a folder with stand-ins for the programs that ask the network."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in (("docker", DOCKER), ("gh", GH)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.slow
def test_a_services_stacks_are_moved_to_the_newest_base_by_a_pull_request(tmp_path: Path, programs: Path) -> None:
    """A base with a hole in it would stay for as long as nobody thinks of it, or change without anybody seeing it."""
    folder = create_service(str(tmp_path / "links"), "postgres", "none").folder
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    (folder / "requirements").mkdir()
    for target in ("handler", "migrations"):
        (folder / "requirements" / f"{target}.txt").touch()
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(folder)]
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "origin"], check=True)
    for line in (
        "init --quiet --initial-branch main",
        "add --all",
        "commit --quiet -m all",
        f"remote add origin {tmp_path / 'origin'}",
    ):
        subprocess.run([*git, *line.split()], check=True)
    workflow = folder / ".github/workflows/base-image.yml"

    run_step(workflow, "pin", folder, programs)
    run_step(workflow, "propose", folder, programs)

    changed = subprocess.run(
        ["git", "-C", tmp_path / "origin", "diff", "--name-only", "base-image~", "base-image"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert changed.stdout.split() == ["stacks/Pulumi.dev.yaml", "stacks/Pulumi.prod.yaml"]
    for stack in ("dev", "prod"):
        config = yaml.safe_load((folder / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
        assert config["links:baseImage"] == f"{TAG}@sha256:{'1' * 64}"
    assert (programs / "proposed").read_text() == "Build the images on the newest base\n"


def test_where_the_base_is_the_newest_nothing_is_proposed(tmp_path: Path, programs: Path) -> None:
    """Somebody would get an empty pull request each Monday."""
    subprocess.run(["git", "init", "--quiet", tmp_path / "checkout"], check=True)
    run_step(ROOT / ".github/workflows/base-image.yml", "propose", tmp_path / "checkout", programs)
    assert not (programs / "proposed").exists()
