"""Moving on to a newer base image."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAG = "public.ecr.aws/lambda/python:3.13"
# Answers as Docker's own client does, for an engine that has pulled the image from two repositories.
DOCKER = f"""#!/bin/sh
case "$1 $2" in
  "pull --quiet") [ "$3" = {TAG} ] && echo $3 ;;
  "image inspect")
    echo "mirror.example.org/python@sha256:$OTHER"
    echo "public.ecr.aws/lambda/python@sha256:$DIGEST" ;;
  *) exit 1 ;;
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
