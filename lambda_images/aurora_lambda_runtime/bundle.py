"""Imports modules from a bundle: one file, opened once, that holds the compiled modules a start needs.

The image's build writes it (`aurora_lambda_runtime.build.bundle`) beside the packages. It is named like the .pyc of
the interpreter that wrote it: any other one, and any module that it does not hold, imports from the files as usual.
"""

# Imports only modules that the interpreter has loaded at its start, so that all others come from the bundle.
from __future__ import annotations

import marshal
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import CodeType, ModuleType

NAME = f"dependencies.{sys.implementation.cache_tag}.bundle"
# A bundle is the size of its index in this many bytes, the index, and the modules' code, each marshalled.
SIZE_BYTES = 8


class Bundle:
    """Finds the modules of an open bundle, as an entry of `sys.meta_path`."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        size = int.from_bytes(os.pread(self._file, SIZE_BYTES, 0), "little")
        index = os.pread(self._file, size, SIZE_BYTES)
        # Source file, whether it is a package, offset and size of the code; by the module's name.
        self._modules: Mapping[str, tuple[str, bool, int, int]] = marshal.loads(index)  # noqa: S302 - written by this image's build
        self._start = SIZE_BYTES + size

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load the module `name`; None if the bundle does not hold it."""
        if name not in self._modules:
            return None
        source, is_package, offset, size = self._modules[name]
        spec = ModuleSpec(name, BundleLoader(name, source, self, offset, size), origin=source, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [source.rpartition("/")[0]]
        return spec

    def code(self, offset: int, size: int) -> CodeType:
        """Return the code of the module that lies there."""
        return marshal.loads(os.pread(self._file, size, self._start + offset))  # noqa: S302 - as a .pyc's


class BundleLoader(SourceFileLoader):
    """Loads a module's code from a bundle, and everything else (its source, say) from its source file."""

    def __init__(self, name: str, source: str, bundle: Bundle, offset: int, size: int) -> None:
        super().__init__(name, source)
        self._bundle = bundle
        self._place = offset, size

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code."""
        return self._bundle.code(*self._place)


def use(folder: str) -> None:
    """Import from the bundle in `folder`, if there is one of this interpreter."""
    try:
        bundle = Bundle(f"{folder}/{NAME}")
    except FileNotFoundError:
        return
    sys.meta_path.insert(sys.meta_path.index(PathFinder), bundle)
