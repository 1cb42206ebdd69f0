"""Exactly the files an image build reads, and a digest over them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

DIGEST_LENGTH = 16
DOCKERFILE, DOCKERIGNORE = "Dockerfile", ".dockerignore"


def context_files(context: Path) -> list[Path]:
    """Return the files of a build context, relative to it and sorted: all that its `.dockerignore` does not exclude.

    Raises:
        FileNotFoundError: there is no such directory, or it has no `.dockerignore`, without which a build would read
            (and ship to the builder) whatever lies around.
    """
    if not context.is_dir():
        raise FileNotFoundError(f"image build context {context} is not a directory")
    ignore = context / DOCKERIGNORE
    if not ignore.is_file():
        raise FileNotFoundError(f"image build context {context} has no .dockerignore that says what the build reads")
    lines = (line.strip() for line in ignore.read_text().splitlines())
    patterns = [line for line in lines if line and not line.startswith("#")]
    relative = _paths(context, patterns) - {Path(DOCKERFILE), Path(DOCKERIGNORE)}
    return sorted(path for path in relative if (context / path).is_file())


def _paths(context: Path, patterns: Sequence[str]) -> set[Path]:
    """Return what the patterns leave of a context, and the two files that docker-py adds whatever they say."""
    if {*patterns} <= {DOCKERFILE, DOCKERIGNORE}:
        return {path.relative_to(context) for path in context.rglob("*")}
    # Imported here because a service's context, which has no other patterns, does without, and it takes a while.
    from docker.utils.build import exclude_paths

    return {Path(path) for path in exclude_paths(str(context), list(patterns))}


def source_digest(context: Path, dockerfile: Path, settings: Mapping[str, str]) -> str:
    """Return sixteen hexadecimal digits that change exactly when the image would.

    They cover the Dockerfile, each file of the context (path, executable bit, content) and `settings` (target,
    platform, build arguments); not owners, times or where the checkout lies, so two machines agree.

    Raises:
        FileNotFoundError: a missing context, `.dockerignore` or Dockerfile.
    """
    digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode())
    digest.update(dockerfile.read_bytes())
    for path in context_files(context):
        file = context / path
        executable = bool(file.stat().st_mode & 0o100)
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"\n{path.as_posix()} {executable} {content}".encode())
    return digest.hexdigest()[:DIGEST_LENGTH]
