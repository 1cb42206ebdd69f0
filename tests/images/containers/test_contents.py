"""What is in the images, and what is not."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from aurora_lambda.project import Project
from aurora_lambda.service.image_context import runtime_folder
from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from aurora_lambda_runtime.build.tree import TIMESTAMP
from tests.bench.builds import CHECKOUT, Builder, copied
from tests.images.containers.layers import Entry, added_layers

pytestmark = pytest.mark.slow

TASK = "var/task/"
SHARED = {
    "awslambdaric",
    "psycopg",
    "psycopg_binary",
    "pymysql",
    "simplejson",
    "snapshot_restore_py",
    "sqlalchemy",
    "typing_extensions",
}
ONLY_MIGRATIONS = {"alembic", "mako", "markupsafe"}
CODE = {
    "handler": (
        "__init__.py",
        "application.py",
        "bundle.py",
        "payload.py",
        "secrets.py",
        "start.py",
        "certificates/*.pem",
        "database/**/*.py",
        "handler/**/*.py",
    ),
    "migrations": (
        "__init__.py",
        "application.py",
        "bundle.py",
        "payload.py",
        "secrets.py",
        "start.py",
        "certificates/*.pem",
        "database/**/*.py",
        "migrations/**/*.py",
        "migrations/script.py.mako",
    ),
}
APPLICATION = {
    "handler": ("*.py", "streams/*.py"),
    "migrations": ("__init__.py", "tables.py", "versions/*.py"),
}


def files(layer: list[Entry]) -> set[str]:
    """Return the paths of a layer's files below the task's directory."""
    return {entry.path.removeprefix(TASK) for entry in layer if not entry.directory}


def test_the_code_layers_hold_the_targets_code_and_nothing_else(
    engine: DockerEngine, builder: Builder, images: Mapping[str, str], target: str
) -> None:
    """A file left out would fail at run time, one too many would ship something nobody looked at."""
    _, code, application = added_layers(engine, images[target], builder.base)

    assert files(code) == with_cache(runtime_folder(), CODE[target], tag_of(code))
    folder = Project.find(builder.checkout).application
    assert files(application) == with_cache(folder, APPLICATION[target], tag_of(code))


def with_cache(package: Path, patterns: Iterable[str], tag: str) -> set[str]:
    """Return the files of a package, and their compiled ones, by their paths in the image."""
    written = {path.relative_to(package.parent) for pattern in patterns for path in package.glob(pattern)}
    cached = {path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc" for path in written if path.suffix == ".py"}
    return {str(path) for path in written | cached}


def tag_of(layer: list[Entry]) -> str:
    """Return the interpreter's, as in `start.cpython-313.pyc`."""
    return next(Path(name).name.split(".")[1] for name in files(layer) if name.endswith(".pyc"))


def test_the_dependency_layer_holds_the_locked_packages(
    engine: DockerEngine, builder: Builder, images: Mapping[str, str], target: str
) -> None:
    """Boto3, pip or, in the handler, Alembic would make every cold start and every scan pay for them."""
    packages = SHARED if target == "handler" else SHARED | ONLY_MIGRATIONS
    dependencies, code, _ = added_layers(engine, images[target], builder.base)

    tops = {name.partition("/")[0] for name in files(dependencies)}
    modules = {top.removesuffix(".py") for top in tops if not top.endswith((".dist-info", ".libs", ".so"))}
    assert modules == packages | {"__pycache__", "bin", f"dependencies.{tag_of(code)}.bundle"}
    described = {top.partition("-")[0] for top in tops if top.endswith(".dist-info")}
    # A program, without a module.
    assert described == packages | ({"dsql_lint"} if target == "migrations" else set())


def test_nothing_that_only_builds_or_tests_read_is_shipped(
    engine: DockerEngine, builder: Builder, images: Mapping[str, str], target: str
) -> None:
    """Stubs, C sources, test suites and installer records make an image larger and its scans noisier."""
    everything = set().union(*(files(layer) for layer in added_layers(engine, images[target], builder.base)))

    plain = [name for name in everything if "/licenses/" not in name and not name.startswith("bin/")]
    endings = {".so" if ".so" in name else Path(name).suffix for name in plain}
    template = {".mako"} if target == "migrations" else set()
    assert endings == {"", ".py", ".pyc", ".so", ".pem", ".bundle"} | template
    assert not [name for name in everything if "/tests/" in name or "/testing/" in name]
    assert {Path(name).name for name in everything if Path(name).parent.suffix == ".dist-info"} == {
        "METADATA",
        "LICENSE",
    }


def test_files_are_readable_only_and_of_one_time(
    engine: DockerEngine, builder: Builder, images: Mapping[str, str], target: str
) -> None:
    """On Lambda a process of another user reads them; times that differ would make each build another image."""
    for layer in added_layers(engine, images[target], builder.base):
        for entry in layer:
            assert (entry.path + "/").startswith(("var/", TASK))
            modes = {f"{TASK}bin/python3": 0o777, f"{TASK}bin/dsql-lint": 0o555}
            expected = 0o755 if entry.directory else modes.get(entry.path, 0o444)
            assert (entry.path, entry.mode, entry.owner, entry.time) == (entry.path, expected, 0, TIMESTAMP)


def test_what_lies_around_in_a_checkout_stays_out(
    engine: DockerEngine, builder: Builder, images: Mapping[str, str], target: str, tmp_path: Path
) -> None:
    """A developer's `.env`, key or editor backup in a public registry is a leak that can't be taken back."""
    littered = copied(builder, tmp_path)
    (littered.checkout / "lambda_images/application/tests").mkdir()
    (littered.checkout / "lambda_images/application/tests/__init__.py").touch()
    for folder in ("", "application", "application/streams", "application/versions"):
        place = littered.checkout / "lambda_images" / folder
        for name in (".env", ".env.local", ".netrc", "server.key", "login.p12", "id_ed25519", "conftest.py"):
            (place / name).write_text("PASSWORD=hunter2\n")
        shutil.copytree(CHECKOUT / "tests" / "unit", place / "__pycache__", dirs_exist_ok=True)
    (littered.checkout / ".env").write_text("PASSWORD=hunter2\n")

    image = littered.build(target)

    assert engine.inspect(image)["RootFS"] == engine.inspect(images[target])["RootFS"]
