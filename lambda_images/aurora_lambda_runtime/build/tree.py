"""Turn a directory of installed packages, or of this project's code, into what an image ships.

Two runs over the same input give the same bytes, names, modes and times.
"""

import compileall
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

# The oldest moment that every archive format can hold.
TIMESTAMP = 315_532_800
# An image's files are put together below this directory, at the paths they have in the image.
STAGE = "/layer"

# Run by a function; other console scripts are not.
PROGRAMS = {"dsql-lint"}
# Not read by any function: console scripts, test suites, type stubs, sources of compiled modules, installer records.
UNUSED = (
    "bin/*",
    "alembic/templates",
    "sqlalchemy/dialects/*.txt",
    "*/testing",
    "*.dist-info/INSTALLER",
    "*.dist-info/RECORD",
    "*.dist-info/REQUESTED",
    "*.dist-info/WHEEL",
    "*.dist-info/entry_points.txt",
    "*.dist-info/sboms",
    "*.dist-info/top_level.txt",
    "**/tests",
    "**/__pycache__",
    "**/py.typed",
    "**/*.c",
    "**/*.pxd",
    "**/*.pyi",
    "**/*.pyx",
)
# Alembic imports every dialect; without it, those of other databases are never imported.
UNUSED_WITHOUT_ALEMBIC = ("sqlalchemy/dialects/mssql", "sqlalchemy/dialects/oracle", "sqlalchemy/dialects/sqlite")


def prune(tree: Path) -> None:
    """Remove from `tree` what no function reads."""
    patterns = UNUSED if (tree / "alembic").is_dir() else UNUSED + UNUSED_WITHOUT_ALEMBIC
    for path in sorted({path for pattern in patterns for path in tree.glob(pattern) if path.name not in PROGRAMS}):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()


def compile_all(tree: Path) -> None:
    """Write a `.pyc` beside every module, used without looking at its source again.

    Raises:
        SystemExit: a file isn't valid Python.
    """
    if not compileall.compile_dir(
        tree, quiet=1, stripdir=STAGE, prependdir="/", invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    ):
        sys.exit("a module could not be compiled")


def normalise(tree: Path) -> None:
    """Give everything in `tree` one time, and files a mode that lets anybody read, or run, and nobody write."""
    for path in [tree, *_walk(tree)]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o555 if path.name in PROGRAMS else 0o444)
        os.utime(path, (TIMESTAMP, TIMESTAMP), follow_symlinks=False)


def _walk(tree: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(tree):
        for name in sorted(folders) + sorted(files):
            yield Path(folder, name)
