"""The Dockerfile's steps, over the current directory: `python3 -m build dependencies` and `python3 -m build code`."""

import sys
from pathlib import Path

from . import bundle, tree

ROOT = Path.cwd()


def dependencies() -> None:
    """Make installed packages into a layer."""
    tree.prune(ROOT)
    tree.compile_all(ROOT)
    bundle.write(ROOT / f"dependencies.{sys.implementation.cache_tag}.bundle", bundle.imported_modules())
    # An absolute path to start from, which Lambda asks for, wherever the base keeps its interpreter.
    interpreter = ROOT / "bin" / "python3"
    interpreter.parent.mkdir(exist_ok=True)
    interpreter.symlink_to(Path(sys.executable).resolve())
    tree.normalise(Path(tree.STAGE))


def code() -> None:
    """Make this project's own code into a layer."""
    tree.compile_all(ROOT)
    tree.normalise(Path(tree.STAGE))


if __name__ == "__main__":
    {"dependencies": dependencies, "code": code}[sys.argv[1]]()
