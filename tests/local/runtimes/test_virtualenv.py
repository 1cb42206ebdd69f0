"""Images without building: code in a folder, packages in an environment."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_lambda.build_context import context_files
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.runtimes.image_build import ImageBuild
from aurora_lambda_local.runtimes.virtualenv import VirtualenvImage, incomplete_files, install_image
from tests.local import project
from tests.local.conftest import BUILD
from tests.services import missing

CONTENTS = {"app.py"}


@pytest.fixture
def folder(tmp_path: Path, environments: Path) -> Path:
    """Write a project to build images of."""
    return project.write(tmp_path / "checkout", environments)


def prepare(folder: Path, **build: object) -> VirtualenvImage:
    files = [path.as_posix() for path in context_files(folder / "code")]
    described = ImageBuild.from_inputs({**BUILD, **build}, folder / "stacks")
    return install_image(described, files, LocalPaths.for_checkout(folder))


def test_an_image_holds_the_context_and_nothing_else(folder: Path) -> None:
    """A file that is there only here would be missed on AWS."""
    (folder / "code" / "application" / "__pycache__").mkdir()
    (folder / "code" / "application" / "__pycache__" / "stale.pyc").touch()
    image = prepare(folder)
    files = {path.relative_to(image.directory).as_posix() for path in image.directory.rglob("*") if path.is_file()}
    assert {each for each in files if "__pycache__" not in each} == CONTENTS
    assert image.handler == "app.lambda_handler"


def test_an_image_has_exactly_its_own_packages(folder: Path) -> None:
    """A package of the developer's environment would make an import work here that fails on AWS."""
    python = str(prepare(folder).python)
    listing = "import importlib.metadata as m; print(sorted({d.name for d in m.distributions()}))"
    done = subprocess.run([python, "-c", listing], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(list(project.PACKAGES))


def test_an_edit_is_another_image_with_the_same_environment(folder: Path) -> None:
    """`up` after an edit would go on with the old code, or take as long as the first."""
    first = prepare(folder)
    (folder / "code" / "application" / "app.py").write_text("def lambda_handler(event, context): return 1\n")
    second = prepare(folder)
    assert first.digest != second.digest
    assert first.python == second.python
    assert first.alive()


def test_the_same_files_are_the_same_image(folder: Path) -> None:
    """`up` with nothing changed would replace functions."""
    assert prepare(folder) == prepare(folder)


def test_a_package_that_is_not_the_one_hashed_is_refused(folder: Path) -> None:
    """The image's build would refuse it; here it would go unnoticed."""
    requirements = folder / "code" / "requirements.txt"
    lines = project.requirements().splitlines()
    wrong = [line for line in lines if "--hash" not in line] + [f"    --hash=sha256:{'0' * 64}"]
    requirements.write_text("simplejson==4.3.0 \\\n" + wrong[-1] + "\n")
    with pytest.raises(LocalError, match=r"(?s)^the image's packages could not be installed:\n.*ash mismatch"):
        prepare(folder)


def test_missing_files_are_named(folder: Path) -> None:
    """The error has to say which."""
    (folder / "code" / "requirements.txt").unlink()
    with pytest.raises(LocalError, match=r"image 'hello' cannot be built: .*requirements.txt"):
        prepare(folder)


def test_the_handler_is_the_targets_command(tmp_path: Path) -> None:
    """Another target's function would run."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(
        'FROM python AS base\nCMD ["no"]\nFROM base AS one\nRUN x\nCMD ["a.first"]\n'
        'from base as two\nCMD [ "b.second" ]\nFROM base AS none\n'
    )
    assert ImageBuild(tmp_path, dockerfile, "one").handler() == "a.first"
    assert ImageBuild(tmp_path, dockerfile, "two").handler() == "b.second"
    with pytest.raises(LocalError, match=r"^target 'none' in Dockerfile has no CMD"):
        ImageBuild(tmp_path, dockerfile, "none").handler()
    with pytest.raises(LocalError, match="^Dockerfile has no target 'three'$"):
        ImageBuild(tmp_path, dockerfile, "three").handler()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 1 MB, less than the packages need."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        missing("a small disk can be mounted by root only")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_and_the_next_attempt_works(small_disk: Path) -> None:
    """Half a set of packages would be used for ever, and functions fail to import what is not there."""
    environments = small_disk / "environments"
    environments.mkdir()
    folder = project.write(small_disk / "checkout", environments)
    with pytest.raises(LocalError, match=r"(?s)^the image's packages could not be installed:\n.*No space left"):
        prepare(folder)
    assert list(environments.iterdir()) == []

    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    python = prepare(folder).python
    subprocess.run([python, "-c", "import awslambdaric.bootstrap, simplejson"], check=True)


def test_packages_are_compared_with_their_records(tmp_path: Path) -> None:
    """An installer that stops half way without an error would go unnoticed."""
    packages = tmp_path / "lib" / "python3.13" / "site-packages"
    (packages / "thing-1.dist-info").mkdir(parents=True)
    (packages / "thing-1.dist-info" / "METADATA").write_text("Name: thing\nVersion: 1\n")
    record = "thing.py,sha256=x,5\nother.py,sha256=x,5\ngone.py,,\nthing-1.dist-info/RECORD,,\n"
    (packages / "thing-1.dist-info" / "RECORD").write_text(record)
    (packages / "thing.py").write_text("x = 1")
    (packages / "other.py").write_text("x =")
    assert incomplete_files(tmp_path) == [packages / "other.py", packages / "gone.py"]
