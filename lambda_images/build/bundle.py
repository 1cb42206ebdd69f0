"""Write a bundle: one file with the compiled modules that a process imports while it starts.

`lambda_images/start.py` reads it. Two runs over the same modules write the same bytes.
"""

import ast
import importlib
import marshal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType

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
    "importlib.metadata",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.postgresql.pg8000",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "sqlalchemy.dialects.postgresql.psycopg2cffi",
    "ssl",
}
# These search the installed packages for one string at each start. It is known now.
VERSIONS = {"psycopg.version", "psycopg_binary.version"}


@dataclass(frozen=True)
class Module:
    """A module with its Python source."""

    name: str
    source: Path
    is_package: bool

    @property
    def path(self) -> str:
        """Where the source is in the image."""
        return str(self.source).removeprefix(STAGE)

    def code(self) -> CodeType:
        """What running the module runs."""
        return compile(self.source.read_bytes(), self.path, "exec", dont_inherit=True)


class Dependency(Module):
    """A module of somebody else's: its docstrings, a third of its bytes, are left out, as under -OO."""

    def code(self) -> CodeType:
        """What running the module runs."""
        if self.name in VERSIONS:
            return compile(f"__version__ = {sys.modules[self.name].__version__!r}", self.path, "exec")
        tree = _without_docstrings(ast.parse(self.source.read_bytes()))
        return compile(tree, self.path, "exec", dont_inherit=True)


def dependencies() -> Iterator[Module]:
    """Import `IMPORTED`, as far as it is installed, and yield every module that is then there, in order of import."""
    for name in IMPORTED:
        if find_spec(name.partition(".")[0]):
            importlib.import_module(name)
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        if spec and spec.origin and isinstance(spec.loader, SourceFileLoader) and spec.parent != __package__:
            yield Dependency(spec.name, Path(spec.origin), spec.submodule_search_locations is not None)


def code(root: Path, package: str) -> Iterator[Module]:
    """The modules of `package` below `root`; none of them is imported."""
    for source in sorted((root / package).rglob("*.py")):
        is_package = source.name == "__init__.py"
        path = source.parent if is_package else source.with_suffix("")
        yield Module(".".join(path.relative_to(root).parts), source, is_package)


def write(path: Path, modules: Iterable[Module]) -> None:
    """Write a bundle of `modules` to `path`."""
    index = {}
    body = b""
    for module in modules:
        compiled = marshal.dumps(module.code())
        index[module.name] = (len(body), len(compiled), module.is_package, module.name in DEFERRED, module.path)
        body += compiled
    head = marshal.dumps(index)
    path.write_bytes(len(head).to_bytes(HEADER_BYTES, "little") + head + body)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body[:1] = [] if len(node.body) > 1 else [ast.copy_location(ast.Pass(), node.body[0])]
    return tree
