"""Alembic, run on a connection that is already there, and stopped between two revisions when time runs out."""

import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import produce_migrations
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime import migration
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool
from typing_extensions import override

from lambda_images.database.contract import Engine
from lambda_images.database.errors import format_driver_error
from lambda_images.database.sqlalchemy_engine import LEVELS, URLS
from lambda_images.migrations.errors import MigrationError
from lambda_images.migrations.revisions import revision_files

HERE = Path(__file__).parent


@dataclass
class Step:
    """One revision that was applied, or undone."""

    revision: str
    message: str
    duration_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the runner's result shows it."""
        return {"revision": self.revision, "message": self.message, "duration_ms": self.duration_ms}


@dataclass
class MigrationRun:
    """What a run did: the steps done, and the one at work, which after a failure is the one that failed."""

    done: list[Step] = field(default_factory=list)
    current_step: Step | None = None


class Migrations:
    """The revisions in `versions`, and Alembic's commands on one driver connection."""

    def __init__(self, engine: Engine, raw: Any, versions: Path) -> None:
        self.engine: Engine = engine
        self._raw = raw
        self._versions = versions
        self.output = io.StringIO()
        self.config = Config(stdout=self.output, output_buffer=self.output)
        self.config.set_main_option("path_separator", "newline")
        self.config.set_main_option("script_location", _escaped(HERE))
        self.config.set_main_option("version_locations", _escaped(versions))
        self.config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        self.config.set_main_option("sourceless", "true")
        self.config.attributes["engine"] = engine
        self.script = ScriptDirectory.from_config(self.config)

    def head(self) -> str | None:
        """The last revision.

        Raises:
            MigrationError: the files do not form one line of revisions, each named by its id.
        """
        files = revision_files(self._versions)
        scripts = [self._loaded(revision, name, files) for revision, name in sorted(files.items())]
        self.script.revision_map = RevisionMap(lambda: scripts)
        heads = self.script.get_heads()
        if len(heads) > 1:
            raise MigrationError(f"revisions {' and '.join(sorted(heads))} both end the history: put one after another")
        return heads[0] if heads else None

    def target(self, revision: str, version: str | None) -> str:
        """`revision`, when a database at `version` can be taken to it, or that many steps back.

        Raises:
            MigrationError: there is no such revision; the message says which there are.
        """
        known = sorted(revision_files(self._versions))
        if revision.startswith("-"):
            done = len(list(self.script.iterate_revisions(version or "base", "base")))
            if int(revision[1:]) > done:
                raise MigrationError(f"{revision} is too far: {done} revisions can be undone, back to base")
        elif revision not in {"head", "base", *known}:
            there_are = f"there are {known[0]} to {known[-1]}" if known else "there is none"
            raise MigrationError(f"there is no revision {revision} in this image: {there_are}")
        return revision

    def pending(self, version: str | None) -> list[Script]:
        """The revisions after `version`, first to last.

        Raises:
            MigrationError: this image does not have `version`.
        """
        try:
            self.script.get_revision(version or "base")
        except CommandError:
            raise MigrationError(
                f"the database is at revision {version}, which this image does not have:"
                " deploy the code that has it, or go back with that code's `downgrade` first"
            ) from None
        return list(self.script.iterate_revisions("heads", version or "base"))[::-1]

    def upgrade(self, run: MigrationRun, may_go_on: Callable[[], bool], prepare: Callable[[], None]) -> None:
        """Apply pending revisions while `may_go_on`; `prepare` runs first, inside their transaction if there is one."""
        self._run(lambda heads: _timed(self.script._upgrade_revs("head", heads), run, may_go_on), prepare=prepare)

    def downgrade(self, revision: str, run: MigrationRun, prepare: Callable[[], None]) -> None:
        """Undo revisions back to `revision`, which stays applied; `prepare` as in `upgrade`."""
        self._run(
            lambda heads: _timed(self.script._downgrade_revs(revision, heads), run, lambda: True), prepare=prepare
        )

    def stamp(self, revision: str) -> None:
        """Write down that the database is at `revision`, running nothing."""
        self._run(lambda heads: self.script._stamp_revs((revision,), heads))

    def history(self, version: str | None) -> str:
        """Every revision, newest first, the current one marked."""
        command.history(self.config)
        lines = self.output.getvalue().splitlines()
        return "\n".join(f"{line} (current)" if _is_about(line, version) else line for line in lines)

    def current(self, version: str | None) -> str:
        """The revision the database is at, as Alembic prints it."""
        found = self.script.get_revision(version) if version else None
        return found.cmd_format(verbose=False) if found else ""

    def sql(self, version: str | None) -> str:
        """The SQL of the pending revisions."""
        command.upgrade(self.config, f"{version or 'base'}:head", sql=True)
        return self.output.getvalue()

    def differences(self) -> list[Any]:
        """What would have to change in the database for it to agree with the tables in the code."""
        from lambda_images.application.tables import metadata  # noqa: PLC0415 - no other command needs it

        with self.connected() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
            upgrade = produce_migrations(context, metadata).upgrade_ops
            return upgrade.as_diffs() if upgrade else []

    def connected(self) -> Connection:
        """A SQLAlchemy connection on the driver's, which it leaves open."""
        level = LEVELS[self.engine]
        return create_engine(
            URLS[self.engine], creator=lambda: self._raw, poolclass=StaticPool, isolation_level=level
        ).connect()

    def _loaded(self, revision: str, name: str, files: Mapping[str, str]) -> Script:
        try:
            script = Script._from_path(self.script, self._versions / name)
        except Exception as error:
            raise MigrationError(
                f"{name} cannot be loaded: {type(error).__name__}: {format_driver_error(error)}"
            ) from None
        if script is None or script.revision != revision:
            raise MigrationError(f"{name} does not hold revision {revision!r}: name the file by its revision")
        before = script.down_revision
        if before is not None and before not in files:
            raise MigrationError(f"{name} comes after revision {before!r}, which is not there: mend its down_revision")
        return script

    def _run(self, steps: Callable[[Any], Iterable[Any]], prepare: Callable[[], None] = lambda: None) -> None:
        with self.connected() as connection:
            self.config.attributes |= {"connection": connection, "prepare": prepare}
            with EnvironmentContext(self.config, self.script, fn=lambda heads, _context: steps(heads)):
                self.script.run_env()


class _Heads(migration.HeadMaintainer):
    """Alembic's note of the version, ids as parameters: spelt out, they make a new statement of each revision."""

    @override
    def _update_version(self, from_: str, to_: str) -> None:
        self.heads = self.heads - {from_} | {to_}
        version = self.context._version
        done = self.context.impl._exec(version.update().where(version.c.version_num == from_).values(version_num=to_))
        if done is not None and done.rowcount != 1:
            raise CommandError(f"the database is no longer at revision {from_}")


# Alembic has no setting for it.
migration.HeadMaintainer = _Heads  # ty: ignore[invalid-assignment]


def _timed(steps: Iterable[Any], run: MigrationRun, may_go_on: Callable[[], bool]) -> Iterator[Any]:
    """The same steps, noting when each begins and ends; Alembic asks for the next when one has been applied."""
    for step in steps:
        if not may_go_on():
            return
        script = step.revision
        run.current_step = Step(script.revision, script.doc)
        started = time.monotonic()
        yield step
        run.current_step.duration_ms = round((time.monotonic() - started) * 1000)
        run.done.append(run.current_step)
        run.current_step = None


def _is_about(line: str, version: str | None) -> bool:
    return version is not None and line.partition(" -> ")[2].split(" ")[0].rstrip(",") == version


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
