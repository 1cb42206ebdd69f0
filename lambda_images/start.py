"""How an image's process starts: as `python -m awslambdaric HANDLER` does, only sooner.

Importing is most of a cold start. An image therefore carries its compiled modules a second time, in `.bundle` files
that `lambda_images.build.bundle` writes: an imported module is read out of one of these, so that one file is opened
instead of hundreds. A module that no bundle holds is imported from its own file, as ever.
"""

# Until the bundles are in place, what is imported here is opened file by file: only what the interpreter has anyway.
from __future__ import annotations

import _thread
import marshal
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib is not loaded yet
BUNDLES = ("code.bundle", "dependencies.bundle")
HEADER_BYTES = 8
# What the import system asks of a module whose code has not run.
KNOWN = {"__class__", "__dict__", "__loader__", "__name__", "__path__", "__spec__"}


class Bundle:
    """An open bundle: its size of index in eight bytes, the index, the modules' code."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        size = int.from_bytes(os.pread(self._file, HEADER_BYTES, 0), "little")
        self._start = HEADER_BYTES + size
        index = os.pread(self._file, size, HEADER_BYTES)
        self._index: dict[str, tuple[int, int, bool, bool, str]] = marshal.loads(index)  # noqa: S302 - this image's own

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        """The module called `name`, as the import system asks for it; None where this bundle doesn't hold it."""
        entry = self._index.get(name)
        if entry is None:
            return None
        offset, size, is_package, is_deferred, path = entry
        kind = DeferredLoader if is_deferred else BundledLoader
        loader = kind(name, path, (self._file, size, self._start + offset))
        spec = ModuleSpec(name, loader, origin=path, is_package=is_package)
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(path.rpartition("/")[0])
        return spec


class BundledLoader(SourceFileLoader):
    """Takes a module's code from a bundle; all else it says of the module is true of the module's own file."""

    def __init__(self, name: str, path: str, place: tuple[int, int, int]) -> None:
        super().__init__(name, path)
        self._place = place

    def get_code(self, fullname: str) -> CodeType:
        """The module's code."""
        del fullname
        return marshal.loads(os.pread(*self._place))  # noqa: S302 - as a .pyc's


class DeferredLoader(BundledLoader):
    """Runs a module's code when somebody first looks into the module, which for most never happens."""

    def exec_module(self, module: ModuleType) -> None:
        """Leave `module` empty for now."""
        self._lock = _thread.RLock()
        self._running = False
        module.__class__ = DeferredModule

    def run(self, module: ModuleType) -> None:
        """Fill `module`, once; a module that asks for itself while it is being filled sees what is there so far."""
        with self._lock:
            if type(module) is DeferredModule and not self._running:
                self._running = True
                super().exec_module(module)
                module.__class__ = type(sys)


class DeferredModule(type(sys)):
    """A module that has been imported and not run."""

    def __getattribute__(self, name: str) -> Any:
        get = super().__getattribute__
        if name not in KNOWN:
            get("__spec__").loader.run(self)
        return get(name)


def main(arguments: list[str]) -> None:
    """Serve invocations of the handler that `arguments` name, until the process is ended."""
    sys.path[0] = ROOT
    for bundle in BUNDLES:
        sys.meta_path.insert(sys.meta_path.index(PathFinder), Bundle(f"{ROOT}/{bundle}"))
    from awslambdaric.__main__ import main as serve  # noqa: PLC0415 - the bundles come first

    serve(arguments)


if __name__ == "__main__":
    main(sys.argv)
