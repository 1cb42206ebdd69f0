"""Renders revisions without a database, to find what an engine cannot do before anything has run.

`python -m aurora_lambda_runtime.migrations.offline dsql` prints the whole history, for a linter.
"""

import importlib
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Protocol

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.util.pyfiles import load_python_file

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.engines import ENGINES, EngineSpec
from aurora_lambda_runtime.database.sqlalchemy_engine import offline_dialect
from aurora_lambda_runtime.migrations.errors import MigrationError, UnsupportedOperationError
from aurora_lambda_runtime.migrations.revisions import revision_files


class Revision(Protocol):
    """A revision, as Alembic's `Script` has it."""

    @property
    def revision(self) -> str:
        """Its id."""
        ...

    @property
    def doc(self) -> str:
        """Its message."""
        ...

    @property
    def module(self) -> ModuleType:
        """Its code."""
        ...


def load_operations(spec: EngineSpec) -> None:
    """Make Alembic know the operations of an engine that has its own."""
    if spec.operations:
        importlib.import_module(spec.operations)


def check_operations(revisions: Iterable[Revision], spec: EngineSpec) -> None:
    """Raise a MigrationError when one of the revisions asks for what the engine cannot do.

    A revision that needs a connection, to read rows say, shows it only when it runs.
    """
    for revision in revisions:
        try:
            render(revision.module, spec)
        except UnsupportedOperationError as error:
            raise MigrationError(
                f"revision {revision.revision} ({revision.doc}) cannot be applied, and nothing was: {error}"
            ) from None
        except Exception:  # noqa: S112 - it needs a connection
            continue


def lint(revisions: Iterable[Revision], spec: EngineSpec) -> list[str]:
    """Return a line for each statement that the engine would refuse; of a revision that needs a connection, none."""
    if not spec.linter:
        return []
    rendered: dict[str, str] = {}
    for revision in revisions:
        with suppress(Exception):
            rendered[revision.revision] = render(revision.module, spec)
    return resolve_name(spec.linter)(rendered) if rendered else []


def render(revision: ModuleType, spec: EngineSpec) -> str:
    """Return the SQL that a revision's `upgrade` sends."""
    load_operations(spec)
    output = io.StringIO()
    options = {"as_sql": True, "output_buffer": output, "literal_binds": True}
    with Operations.context(MigrationContext.configure(dialect=offline_dialect(spec), opts=options)):
        revision.upgrade()
    return output.getvalue()


def pending_sql(engine: str, version: str | None, versions: Path) -> Iterator[tuple[str, str]]:
    """Yield the title of each revision after `version`, and the SQL of its upgrade; None is that of an empty database.

    Raises:
        MigrationError: a file is not named like a revision.
    """
    for revision, name in sorted(revision_files(versions).items(), key=lambda item: int(item[0])):
        if int(revision) > int(version or 0):
            module = load_python_file(versions, name)
            message = (module.__doc__ or "").strip().partition("\n")[0]
            yield f"{revision} {message}", render(module, ENGINES[engine])


def main(engine: str, application: str) -> None:
    """Print the SQL of all revisions of the application in a folder, for one engine."""
    for _revision, sql in pending_sql(engine, None, ApplicationPackage.in_folder(Path(application)).versions):
        print(sql)


if __name__ == "__main__":
    main(*sys.argv[1:])
