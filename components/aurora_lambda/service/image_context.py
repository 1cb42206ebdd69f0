"""The build contexts of a service's images: the runtime from wherever it is installed, and the service's own code."""

from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

from aurora_lambda.project import Project, ProjectError

RUNTIME = "aurora_lambda_runtime"
# What the two images share of the runtime, and what either alone has of it.
SHARED = (
    "__init__.py",
    "application.py",
    "bundle.py",
    "certificates",
    "database",
    "payload.py",
    "secrets.py",
    "start.py",
)
PARTS = {"handler": (*SHARED, "handler"), "migrations": (*SHARED, "migrations")}
# What the migrations image runs of an application: an edit of a route rebuilds the handler's image alone.
TABLES = ("__init__.py", "tables.py", "tables", "versions")
# Caches, hidden files, which may hold anything, tests, and private keys. A module test_items may feed from a table.
LEFT_OUT = ("__pycache__", ".*", "tests", "conftest.py", "*.key", "*.p12", "*.pfx", "id_rsa", "id_ecdsa", "id_ed25519")
FOLDER = ".aurora-lambda"
FILE_MODE, FOLDER_MODE = 0o644, 0o755


def write_context(project: Project, target: str) -> Path:
    """Write exactly what the build of an image reads below `.aurora-lambda/`, and return the folder.

    Its content depends on nothing but the sources: modes are the same on every machine, since Docker's provider takes
    them into its digest. A file that is the same already is left alone.

    Raises:
        ProjectError: the application or the image's requirements are not there.
    """
    folder = project.root / FOLDER / target
    wanted = dict(_files(project, target))
    for path, source in wanted.items():
        _copy(source, folder / path)
    for path in [each for each in folder.rglob("*") if each.is_file()]:
        if path.relative_to(folder) not in wanted:
            path.unlink()
    for path in sorted((each for each in folder.rglob("*") if each.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
    return folder


def runtime_folder() -> Path:
    """Return the folder of the installed runtime package."""
    spec = find_spec(RUNTIME)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


def _files(project: Project, target: str) -> Iterator[tuple[Path, Path]]:
    """Yield each file's path in the context, and where it comes from."""
    runtime, name = runtime_folder(), project.application.name
    yield Path("Dockerfile"), runtime / "Dockerfile"
    # Nothing lies here but what the build reads.
    yield Path(".dockerignore"), runtime / "dockerignore"
    yield Path("requirements.txt"), _requirements(project, target)
    yield from _below(runtime / "build", Path("build"))
    for part in PARTS[target]:
        yield from _below(runtime / part, Path("runtime", RUNTIME, part))
    for path, source in _below(project.application, Path("application", name)):
        if _is_run(target, path.parts[2]):
            yield path, source


def _requirements(project: Project, target: str) -> Path:
    file = project.requirements / f"{target}.txt"
    if not file.is_file():
        export = f"uv export --only-group {target} --no-emit-package aurora-lambda-runtime --output-file"
        raise ProjectError(f"there is no {file}, the packages of the image {target!r}. Type: {export} {file}")
    return file


def _is_run(target: str, part: str) -> bool:
    """Return whether an image runs this part of the application."""
    return part in TABLES if target == "migrations" else part != "versions"


def _below(source: Path, path: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a file, or all the files in a folder, but for those `LEFT_OUT`."""
    if source.is_file():
        yield path, source
    elif source.is_dir():
        for each in sorted(source.iterdir()):
            if not any(fnmatch(each.name, pattern) for pattern in LEFT_OUT):
                yield from _below(each, path / each.name)


def _copy(source: Path, copy: Path) -> None:
    content = source.read_bytes()
    if not (copy.is_file() and copy.read_bytes() == content):
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    for path, mode in ((copy, FILE_MODE), (copy.parent, FOLDER_MODE)):
        path.chmod(mode)


def main() -> None:
    """Write the build contexts of the project of this folder, for a program that is not in Python."""
    for target in PARTS:
        print(write_context(Project.find(), target))


if __name__ == "__main__":
    main()
