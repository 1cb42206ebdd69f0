"""Building: what an image adds to its base, and a rebuild after an edit to code against a build from nothing."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from aurora_lambda.project import Project
from aurora_lambda.service.image_context import write_context
from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from tests.bench.samples import Samples, in_turn, seconds
from tests.sample_application import put_into

CHECKOUT = Path(__file__).parent.parent.parent
SOURCES = ("lambda_images/application", "lambda_images/requirements")


@dataclass(frozen=True)
class Added:
    """What an image holds that its base doesn't."""

    bytes: int
    files: int


@dataclass(frozen=True)
class Builder:
    """Builds the two targets of a checkout on one base, as the stack's program does."""

    engine: DockerEngine
    base: str
    checkout: Path = CHECKOUT

    def build(self, target: str, *options: str) -> str:
        """Build, and return the id of the image."""
        context = write_context(Project.find(self.checkout), target)
        args = {"BASE_IMAGE": self.base, "SOURCE_DIGEST": "0123456789abcdef"}
        return self.engine.build(context, context / "Dockerfile", target, args, *options)

    def added(self, image: str) -> Added:
        """Return what `image` adds to the base."""
        size = self.engine.inspect(image)["Size"] - self.engine.inspect(self.base)["Size"]
        line = ["run", "--rm", "--entrypoint=find", image, "/var/task", "-type", "f"]
        return Added(size, len(self.engine.run(*line).stdout.splitlines()))


def copied(builder: Builder, directory: Path) -> Builder:
    """Return the same on a copy of what builds read, which may be edited."""
    for each in SOURCES:
        shutil.copytree(builder.checkout / each, directory / each, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("Pulumi.yaml", "pyproject.toml"):
        shutil.copy(builder.checkout / file, directory)
    return Builder(builder.engine, builder.base, directory)


def with_sample_application(builder: Builder, directory: Path) -> Builder:
    """Return the same on a copy that holds the tests' application in place of the checkout's own."""
    copy = copied(builder, directory)
    put_into(copy.checkout)
    return copy


def build_times(builder: Builder, target: str, edited: str) -> dict[str, Samples]:
    """Seconds of a build from nothing but the base, and of one after an edit to the file `edited`."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = copied(builder, Path(scratch))
        file = copy.checkout / edited

        def full() -> float:
            return seconds(lambda: copy.build(target, "--no-cache"))

        def rebuilt() -> float:
            with file.open("a") as code:
                code.write(f"# {time.time_ns()}\n")
            return seconds(lambda: copy.build(target))

        return in_turn({"full": full, "rebuilt": rebuilt})
