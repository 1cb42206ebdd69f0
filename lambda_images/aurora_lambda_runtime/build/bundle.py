"""Writes the bundle that `aurora_lambda_runtime.bundle` reads. Two runs over the same packages write the same bytes."""

import importlib
import marshal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path

from .tree import STAGE

SIZE_BYTES = 8
# What a start imports besides this project's code; the bundle holds these, and all that they import themselves.
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
ADAPTERS = ("mangum", "apig_wsgi")
# Besides, where a web framework answers; the ORM is what such services use, and would be 2 MB in others' images.
WITH_FRAMEWORK = (*ADAPTERS, "fastapi", "flask", "sqlalchemy.orm")


@dataclass(frozen=True)
class Module:
    """An imported module and its source."""

    name: str
    source: Path
    is_package: bool

    @property
    def path(self) -> str:
        """The path of the source in the image."""
        return str(self.source).removeprefix(STAGE)

    def code(self) -> bytes:
        """Return the compiled source."""
        return marshal.dumps(compile(self.source.read_bytes(), self.path, "exec", dont_inherit=True))


def imported_modules() -> Iterator[Module]:
    """Import what a start does, as far as it is installed, and yield every module that then has a source file."""
    for name in IMPORTED + (WITH_FRAMEWORK if any(map(find_spec, ADAPTERS)) else ()):
        if find_spec(name.partition(".")[0]):
            importlib.import_module(name)
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        if spec and spec.origin and isinstance(spec.loader, SourceFileLoader) and spec.parent != __package__:
            yield Module(spec.name, Path(spec.origin), spec.submodule_search_locations is not None)


def write(path: Path, modules: Iterable[Module]) -> None:
    """Write a bundle of `modules`."""
    index: dict[str, tuple[str, bool, int, int]] = {}
    body = b""
    for module in modules:
        code = module.code()
        index[module.name] = (module.path, module.is_package, len(body), len(code))
        body += code
    head = marshal.dumps(index)
    path.write_bytes(len(head).to_bytes(SIZE_BYTES, "little") + head + body)
