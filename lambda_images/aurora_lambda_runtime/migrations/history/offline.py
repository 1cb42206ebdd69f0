"""Renders revisions without a database, to find what an engine cannot do before anything has run.

`python -m aurora_lambda_runtime.migrations.history.offline dsql` prints the whole history, for a linter.
"""

import importlib
import io
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Protocol

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.util.pyfiles import load_python_file
from sqlalchemy import MetaData

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.engines import ENGINES, EngineSpec
from aurora_lambda_runtime.database.sqlalchemy_engine import offline_dialect
from aurora_lambda_runtime.migrations.errors import MigrationError, UnsupportedOperationError
from aurora_lambda_runtime.migrations.history.revisions import Direction, revision_files

Tables = Callable[[], MetaData]


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


class NamingConvention:
    """How the tables' code, imported when first needed, names the constraints that revisions leave without a name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @property
    def naming_convention(self) -> object:
        """The convention, under the name by which Alembic looks for it."""
        return self._tables().naming_convention


def load_operations(spec: EngineSpec) -> None:
    """Make Alembic know the operations of an engine that has its own."""
    if spec.operations:
        importlib.import_module(spec.operations)


def check_operations(
    revisions: Sequence[Revision], spec: EngineSpec, tables: Tables = MetaData, direction: Direction = "upgrade"
) -> None:
    """Raise a MigrationError when one of the revisions asks for what the engine cannot do, or its linter refuses.

    A revision that needs a connection, to read rows say, shows it only when it runs.
    """
    done = "applied" if direction == "upgrade" else "undone"
    for revision in revisions:
        if why := _refusal(revision.module, spec, tables, direction):
            raise MigrationError(
                f"revision {revision.revision} ({revision.doc}) cannot be {done}, and nothing was: {why}"
            )
    found = lint(revisions, spec, tables) if direction == "upgrade" else []
    # What the linter cannot read, the server may: `check` alone tells it.
    if lines := [each for each in found if "Failed to parse SQL" not in each]:
        raise MigrationError(f"nothing was applied: {'; '.join(lines)}")


def pending_refusals(version: str | None, versions: Path, tables: Tables = MetaData) -> Iterator[tuple[str, str, str]]:
    """Yield the engine, the revision and why, for each revision after `version` that an engine cannot take."""
    for revision, name in files_after(version, versions):
        with suppress(Exception, SystemExit):
            module = load_python_file(versions, name)
            for spec in ENGINES.values():
                if why := _refusal(module, spec, tables):
                    yield spec.name, revision, why


def _refusal(revision: ModuleType, spec: EngineSpec, tables: Tables, direction: Direction = "upgrade") -> str:
    """Return why an engine cannot take a revision, or undo it; empty where it can, or where only a server can tell."""
    if not spec.refuses_operations:
        return ""
    try:
        render(revision, spec, tables, direction=direction)
    except UnsupportedOperationError as error:
        return str(error)
    except (Exception, SystemExit):
        return ""
    return ""


def files_after(version: str | None, versions: Path) -> list[tuple[str, str]]:
    """Return the id and the file of each revision after `version`, in order."""
    files = sorted(revision_files(versions).items(), key=lambda item: int(item[0]))
    return [(revision, name) for revision, name in files if int(revision) > int(version or 0)]


def lint(revisions: Iterable[Revision], spec: EngineSpec, tables: Tables = MetaData) -> list[str]:
    """Return a line for each statement that the engine would refuse; of a revision that needs a connection, none."""
    if not spec.linter:
        return []
    rendered: dict[str, str] = {}
    for revision in revisions:
        with suppress(Exception, SystemExit):
            rendered[revision.revision] = render(revision.module, spec, tables)
    return resolve_name(spec.linter)(rendered) if rendered else []


def render(
    revision: ModuleType,
    spec: EngineSpec,
    tables: Tables,
    output: io.StringIO | None = None,
    direction: Direction = "upgrade",
) -> str:
    """Return the SQL that a revision's `upgrade` or `downgrade` sends; `output` has what came before an error."""
    load_operations(spec)
    output = output or io.StringIO()
    options = {"as_sql": True, "output_buffer": output, "literal_binds": True}
    options["target_metadata"] = NamingConvention(tables)
    with Operations.context(MigrationContext.configure(dialect=offline_dialect(spec), opts=options)):
        getattr(revision, direction)()
    return output.getvalue()


def pending_sql(
    engine: str, version: str | None, versions: Path, tables: Tables = MetaData
) -> Iterator[tuple[str, str]]:
    """Yield the title of each revision after `version`, and the SQL of its upgrade; None is that of an empty database.

    Raises:
        MigrationError: a file is not named like a revision.
    """
    for revision, name in files_after(version, versions):
        try:
            module = load_python_file(versions, name)
        except (Exception, SystemExit) as error:
            yield revision, f"-- {place(error, versions) or name}: {describe(error)}\n"
            continue
        message = (module.__doc__ or "").strip().partition("\n")[0]
        yield f"{revision} {message}", _render_what_can_be(module, versions / name, ENGINES[engine], tables)


def _render_what_can_be(revision: ModuleType, file: Path, spec: EngineSpec, tables: Tables) -> str:
    """Return the SQL of a revision, with a comment in place of what cannot be told without a database."""
    output = io.StringIO()
    try:
        return render(revision, spec, tables, output)
    except (Exception, SystemExit) as error:
        # Offline, `op.get_bind()` answers None to every statement.
        asks = isinstance(error, AttributeError) and re.match("'(NoneType|MockConnection)'", str(error))
        why = "asks the database, and what it does then only a deployment shows" if asks else describe(error)
        return f"{output.getvalue()}-- {place(error, file.parent) or file.name}: {why}\n"


def describe(error: BaseException) -> str:
    """Return an error of a person's code on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def place(error: BaseException, folder: Path) -> str:
    """Return the file of `folder` and the line in it where an error came from; empty where it was elsewhere."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).parent == folder]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def main(engine: str, application: str) -> None:
    """Print the SQL of all revisions of the application in a folder, for one engine."""
    package = ApplicationPackage.in_folder(Path(application))
    for _revision, sql in pending_sql(engine, None, package.versions, package.metadata):
        print(sql)


if __name__ == "__main__":
    main(*sys.argv[1:])
