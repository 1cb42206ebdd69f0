"""Writes a bundle: one file with the compiled modules that a process imports while it starts.

`lambda_images/bundles.py` reads it. Two runs over the same modules write the same bytes.
"""

import importlib
import marshal
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

from .ahead import GENERATING
from .reduce import reduced
from .tree import STAGE

HEADER_BYTES = 8
# What a start imports besides this project's code; what these import themselves follows from it.
IMPORTED = (
    "awslambdaric.__main__",
    "logging",
    "urllib.parse",
    "hashlib",
    "hmac",
    "uuid",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "pymysql",
    "sqlalchemy.dialects.mysql.pymysql",
    "http.client",
    "alembic.autogenerate",
    "alembic.command",
    "alembic.config",
    "alembic.runtime.environment",
)
# Imported by others at once, and looked into by hardly any function: run when that happens.
DEFERRED = {
    "asyncio.sslproto",
    "asyncio.staggered",
    "ctypes.util",
    "importlib.metadata",
    "locale",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.postgresql.pg8000",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "sqlalchemy.dialects.postgresql.psycopg2cffi",
    "ssl",
    "tokenize",
}
# These search the installed packages for one string at each start. It is known now.
VERSIONS = {"psycopg.version", "psycopg_binary.version"}


@dataclass(frozen=True)
class Module:
    """A module of this project's: it stays as it was written."""

    name: str
    source: Path
    is_package: bool

    @property
    def path(self) -> str:
        """Where the source is in the image."""
        return str(self.source).removeprefix(STAGE)

    @property
    def kind(self) -> str:
        """What is particular about loading it."""
        if self.name in GENERATING:
            return "generating"
        return "deferred" if self.name in DEFERRED else ""

    def code(self) -> CodeType:
        """What running the module runs."""
        return compile(self.source.read_bytes(), self.path, "exec", dont_inherit=True)


class Dependency(Module):
    """A module of somebody else's: half of it is read by people and type checkers only."""

    def code(self) -> CodeType:
        """What running the module runs."""
        if self.name in VERSIONS:
            return compile(f"__version__ = {sys.modules[self.name].__version__!r}", self.path, "exec")
        installed = str(self.source).startswith(STAGE)
        return compile(reduced(self.source.read_bytes(), typed=not installed), self.path, "exec", dont_inherit=True)


def dependencies() -> Iterator[Module]:
    """Import `IMPORTED`, as far as it is installed, and yield every module that is then there, in order of import."""
    for name in IMPORTED:
        if find_spec(name.partition(".")[0]):
            importlib.import_module(name)
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        if spec and spec.origin and isinstance(spec.loader, SourceFileLoader) and spec.parent != __package__:
            yield Dependency(spec.name, Path(spec.origin), spec.submodule_search_locations is not None)


def own(root: Path, package: str) -> Iterator[Module]:
    """The modules of `package` below `root`; none of them is imported."""
    for source in sorted((root / package).rglob("*.py")):
        is_package = source.name == "__init__.py"
        path = source.parent if is_package else source.with_suffix("")
        yield Module(".".join(path.relative_to(root).parts), source, is_package)


def write(path: Path, modules: Iterable[Module], compiled: Mapping[str, Any]) -> None:
    """Write a bundle of `modules`, and of what modules have `compiled` for themselves, to `path`."""
    index = {}
    body = b""
    for module in modules:
        code = marshal.dumps(module.code())
        index[module.name] = (len(body), len(code), module.is_package, module.kind, module.path)
        body += code
    head = marshal.dumps({"modules": index, **compiled})
    path.write_bytes(len(head).to_bytes(HEADER_BYTES, "little") + head + body)
