"""Importing from bundles: files of many compiled modules, which `lambda_images/build/bundle.py` writes.

Importing is most of a cold start. An image carries its compiled modules a second time, in two bundles: an imported
module is read out of one of these, so that one file is opened instead of hundreds. They also hold what modules
compile for themselves while they are imported: regular expressions, and the source of generated functions. What no
bundle holds is imported, or compiled, as ever.
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
    from collections.abc import Mapping, Sequence
    from types import CodeType, ModuleType
    from typing import Any

HEADER_BYTES = 8
BUFFER_BYTES = 1 << 19
# What the import system asks of a module whose code has not run.
KNOWN = {"__class__", "__dict__", "__loader__", "__name__", "__path__", "__spec__"}


class Bundle:
    """An open bundle: the size of its index in eight bytes, the index, the modules' code."""

    _lock = _thread.allocate_lock()
    # One for all modules: memory that the kernel provides anew for each costs more than reading the file does.
    _buffer = memoryview(bytearray(BUFFER_BYTES))

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        size = int.from_bytes(os.pread(self._file, HEADER_BYTES, 0), "little")
        self._start = HEADER_BYTES + size
        index = marshal.loads(os.pread(self._file, size, HEADER_BYTES))  # noqa: S302 - written by this image's build
        self._modules: Mapping[str, tuple[int, int, bool, str, str]] = index["modules"]
        self.patterns: Mapping[tuple[str | bytes, int], tuple[Any, ...]] = index["patterns"]
        self.sources: Mapping[tuple[str, str, str], CodeType] = index["sources"]

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        """The module called `name`, as the import system asks for it; None where this bundle doesn't hold it."""
        entry = self._modules.get(name)
        if entry is None:
            return None
        offset, size, is_package, kind, path = entry
        spec = ModuleSpec(name, LOADERS[kind](name, path, self, (offset, size)), origin=path, is_package=is_package)
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(path.rpartition("/")[0])
        return spec

    def code(self, offset: int, size: int) -> CodeType:
        """The code of the module that lies there."""
        with self._lock:
            place = self._buffer[:size] if size <= BUFFER_BYTES else memoryview(bytearray(size))
            os.preadv(self._file, [place], self._start + offset)
            return marshal.loads(place)  # noqa: S302 - as a .pyc's


class BundledLoader(SourceFileLoader):
    """Takes a module's code from a bundle; all else it says of the module is true of the module's own file."""

    def __init__(self, name: str, path: str, bundle: Bundle, place: tuple[int, int]) -> None:
        super().__init__(name, path)
        self.bundle = bundle
        self._place = place

    def get_code(self, fullname: str) -> CodeType:
        """The module's code."""
        del fullname
        return self.bundle.code(*self._place)


class GeneratingLoader(BundledLoader):
    """For a module that generates functions from source: it finds the source compiled that the bundle holds."""

    def exec_module(self, module: ModuleType) -> None:
        """Run `module` with `compile`, `eval` and `exec` of its own."""
        known = self.bundle.sources.get

        def compiled(source: Any, filename: str = "<string>", mode: str = "exec") -> Any:
            return known((source, filename, mode)) or compile(source, filename, mode)

        def evaluated(source: Any, *variables: Any) -> Any:
            return eval(compiled(source, mode="eval"), *variables)  # noqa: S307 - the module's own words

        def executed(source: Any, *variables: Any) -> None:
            exec(compiled(source) if isinstance(source, str) else source, *variables)  # noqa: S102

        vars(module).update(compile=compiled, eval=evaluated, exec=executed)
        super().exec_module(module)


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


LOADERS = {"": BundledLoader, "deferred": DeferredLoader, "generating": GeneratingLoader}


def _use_patterns(patterns: Mapping[tuple[str | bytes, int], tuple[Any, ...]]) -> None:
    """Let `re` find these regular expressions compiled."""
    import _sre  # noqa: PLC0415  # ty: ignore - the bundles come first
    from re import _compiler  # noqa: PLC0415  # ty: ignore

    compile_pattern = _compiler.compile

    def compiled(pattern: Any, flags: int = 0) -> Any:
        known = patterns.get((pattern, flags))
        return _sre.compile(pattern, *known) if known else compile_pattern(pattern, flags)

    _compiler.compile = compiled


def use(paths: list[str]) -> None:
    """Import from these bundles what they hold, the first that has it."""
    for path in paths:
        bundle = Bundle(path)
        sys.meta_path.insert(sys.meta_path.index(PathFinder), bundle)
        if bundle.patterns:
            _use_patterns(bundle.patterns)
