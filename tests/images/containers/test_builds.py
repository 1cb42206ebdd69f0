"""How the images are built: when again, how fast, and always to the same bytes."""

import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from aurora_lambda_local.runtimes.docker_engine import DockerEngine, ImageBuildError
from tests.bench.builds import Builder, copied

pytestmark = pytest.mark.slow

SOURCE = "lambda_images"
EDITED = {"handler": "application/commands.py", "migrations": "application/tables.py"}


def layers(engine: DockerEngine, image: str) -> list[str]:
    """Return the digests of an image's layers."""
    return engine.inspect(image)["RootFS"]["Layers"]


def test_two_builds_of_one_commit_have_equal_layers(
    engine: DockerEngine, builder: Builder, images: Mapping[str, str], target: str, tmp_path: Path
) -> None:
    """An image that differs for no reason is pushed, scanned and deployed for no reason."""
    again = copied(builder, tmp_path)
    for path in sorted((again.checkout / SOURCE).rglob("*")):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if path.is_dir() else 0o600)

    image = again.build(target, "--no-cache")

    assert layers(engine, image) == layers(engine, images[target])


def test_an_edit_to_code_leaves_the_dependencies_alone(
    engine: DockerEngine, builder: Builder, images: Mapping[str, str], target: str, tmp_path: Path
) -> None:
    """Or each deployment would push forty megabytes again and wait for the packages to be installed."""
    edited = copied(builder, tmp_path)
    with (edited.checkout / SOURCE / EDITED[target]).open("a") as code:
        code.write("# edited\n")

    image = edited.build(target)

    before, after = layers(engine, images[target]), layers(engine, image)
    assert [one == other for one, other in zip(before, after, strict=True)].count(False) == 1
    base = len(layers(engine, builder.base))
    assert after[: base + 1] == before[: base + 1]


def test_what_one_image_reads_alone_leaves_the_other_as_it_is(
    engine: DockerEngine, builder: Builder, images: Mapping[str, str], tmp_path: Path
) -> None:
    """Or each new revision would deploy a new handler, and each new route run the migrations."""
    edited = copied(builder, tmp_path)
    source = edited.checkout / SOURCE
    (source / "application" / "versions" / "0999_more.py").write_text("revision = '0999'\n")
    with (source / "requirements" / "migrations.txt").open("a") as requirements:
        requirements.write("# edited\n")
    assert layers(engine, edited.build("handler")) == layers(engine, images["handler"])

    (source / "application" / "versions" / "0999_more.py").unlink()
    shutil.copy(builder.checkout / SOURCE / "requirements" / "migrations.txt", source / "requirements")
    (source / "application" / "more.py").write_text("VALUE = 1\n")
    for module in ("commands", "routes"):
        (source / "application" / f"{module}.py").write_text("VALUE = 1\n")
    assert layers(engine, edited.build("migrations")) == layers(engine, images["migrations"])


def test_a_package_that_is_not_the_locked_one_is_refused(builder: Builder, tmp_path: Path) -> None:
    """Hashes are what stands between a package index that was tampered with and the database's credentials."""
    edited = copied(builder, tmp_path)
    requirements = edited.checkout / SOURCE / "requirements" / "handler.txt"
    lines = requirements.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("snapshot-restore-py=="))
    wrong = f"    --hash=sha256:{'0' * 64}"
    requirements.write_text("\n".join([*lines[: start + 1], wrong, *lines[start + 3 :]]) + "\n")

    with pytest.raises(ImageBuildError, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        edited.build("handler")


def test_a_base_image_for_another_processor_is_refused(builder: Builder) -> None:
    """The deployment would succeed, and each start of the function end with an exec format error."""
    here, there = ("x86_64", "arm64") if platform.machine() == "x86_64" else ("aarch64", "amd64")
    with pytest.raises(ImageBuildError) as failure:
        builder.build("handler", f"--build-arg=TARGETARCH={there}")
    assert (
        f"the base image is for {here}, the functions for {there}: choose another baseImage or architecture"
    ) in str(failure.value)


def test_the_labels_say_what_the_image_is_of(engine: DockerEngine, builder: Builder) -> None:
    """Somebody who finds an image in a registry, or in a scan's report, could not tell whose it is and how old."""
    said = {"SERVICE": "shop", "VERSION": "1.4.0", "LICENSES": "MIT"}
    image = builder.build("handler", *(f"--build-arg={name}={value}" for name, value in said.items()))
    assert engine.inspect(image)["Config"]["Labels"] == {
        "org.opencontainers.image.title": "shop handler",
        "org.opencontainers.image.version": "1.4.0",
        "org.opencontainers.image.revision": "0123456789abcdef",
        "org.opencontainers.image.licenses": "MIT",
    }


def test_a_failed_build_says_which_step_and_why(builder: Builder, tmp_path: Path) -> None:
    """Somebody who typed `up` has to find the typing error in their code, not BuildKit's transcript."""
    edited = copied(builder, tmp_path)
    with (edited.checkout / SOURCE / "application" / "routes.py").open("a") as code:
        code.write("def (:\n")

    with pytest.raises(ImageBuildError) as failure:
        edited.build("handler")

    lines = str(failure.value).splitlines()
    assert lines[0] == "image 'handler' could not be built:"
    assert lines[1].startswith("[application ")
    assert "def (:" in str(failure.value)
    assert "SyntaxError" in str(failure.value)
