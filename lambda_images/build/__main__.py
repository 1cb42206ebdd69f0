"""The Dockerfile's steps, over the current directory: `python3 -m build dependencies` and `python3 -m build code`."""

from . import ahead

ahead.note()

import sys  # noqa: E402 - what is imported from here on is noted
from pathlib import Path  # noqa: E402

from . import bundle, tree  # noqa: E402

ROOT = Path.cwd()
PACKAGE = "lambda_images"


def dependencies() -> None:
    """Make installed packages into a layer."""
    tree.prune(ROOT)
    tree.strip_all(ROOT)
    tree.compile_all(ROOT)
    modules = list(bundle.dependencies())
    compiled = {"patterns": dict(ahead.patterns), "sources": dict(ahead.sources)}
    bundle.write(ROOT / "dependencies.bundle", modules, compiled)
    # An absolute path to start from, which Lambda asks for, wherever the base keeps its interpreter.
    interpreter = ROOT / "bin" / "python3"
    interpreter.parent.mkdir()
    interpreter.symlink_to(Path(sys.executable).resolve())
    tree.normalise(Path(tree.STAGE))


def code() -> None:
    """Make this project's own code into a layer."""
    tree.compile_all(ROOT)
    bundle.write(ROOT / "code.bundle", bundle.own(ROOT, PACKAGE), {"patterns": {}, "sources": {}})
    tree.normalise(Path(tree.STAGE))


if __name__ == "__main__":
    {"dependencies": dependencies, "code": code}[sys.argv[1]]()
