"""Alembic, run on a connection that is already there, and stopped between two revisions when time runs out."""

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alembic import command
from alembic.autogenerate import produce_migrations
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap
from alembic.util import CommandError
from alembic.util.pyfiles import load_python_file
from sqlalchemy import Connection, MetaData

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.errors import format_driver_error
from aurora_lambda_runtime.database.sqlalchemy_engine import engine_on
from aurora_lambda_runtime.migrations.autogenerate.changes import describe_changes
from aurora_lambda_runtime.migrations.autogenerate.expressions import ExpressionComparison
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.adopt import unknown_revision
from aurora_lambda_runtime.migrations.history.checksums import applied_files, read_revisions, record_query
from aurora_lambda_runtime.migrations.history.offline import check_operations, describe, lint, load_operations, place
from aurora_lambda_runtime.migrations.history.progress import InterruptedStep, RevisionProgress
from aurora_lambda_runtime.migrations.history.revisions import Direction, numbered_head, revision_files
from aurora_lambda_runtime.migrations.history.version_writes import VersionWrites
from aurora_lambda_runtime.migrations.outcome import AppliedRevision
from aurora_lambda_runtime.migrations.servers import Server

HERE = Path(__file__).parent


@dataclass
class MigrationRun:
    """What a run did: the revisions applied, and the one at work, which after a failure is the one that failed."""

    applied: list[AppliedRevision] = field(default_factory=list)
    current_step: AppliedRevision | None = None


class Migrations:
    """An application's revisions, and Alembic's commands on a server's connection."""

    def __init__(self, server: Server, application: ApplicationPackage) -> None:
        self._server = server
        self._application = application
        self._versions = application.versions
        self.output = io.StringIO()
        self.config = Config(output_buffer=self.output)
        self.config.set_main_option("path_separator", "newline")
        self.config.set_main_option("script_location", _escaped(HERE))
        self.config.set_main_option("version_locations", _escaped(self._versions))
        self.config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        self.config.attributes["url"] = server.spec.sqlalchemy_url
        self.config.attributes["metadata"] = self._metadata
        load_operations(server.spec)
        self.script = ScriptDirectory.from_config(self.config)
        self._progress = None if server.spec.transactional_ddl else RevisionProgress(server)
        self._writes = VersionWrites(server, self._progress)
        self.config.attributes["on_version_apply"] = self._writes.end

    def load(self) -> None:
        """Load the revisions.

        Raises:
            MigrationError: the files do not form one line of revisions, each named by its id.
        """
        files = revision_files(self._versions)
        scripts = [self._load_file(revision, name, files) for revision, name in sorted(files.items())]
        self.script.revision_map = RevisionMap(lambda: scripts)
        heads = self.script.get_heads()
        if len(heads) > 1:
            raise MigrationError(f"revisions {' and '.join(sorted(heads))} both end the history: put one after another")

    def target(self, revision: str, version: str | None) -> str:
        """Return the revision that `revision` means to a database at `version`: itself, or so many steps back.

        Raises:
            MigrationError: there is no such revision; the message says which there are.
        """
        known = sorted(revision_files(self._versions))
        if revision.startswith("-"):
            done = [script.revision for script in self.script.iterate_revisions(version or "base", "base")]
            if int(revision[1:]) > len(done):
                raise MigrationError(f"{revision} is too far: {len(done)} revisions can be undone, back to base")
            return [*done, "base"][int(revision[1:])]
        if revision not in {"head", "base", *known}:
            there_are = f"there are {known[0]} to {known[-1]}" if known else "there is none"
            raise MigrationError(f"there is no revision {revision} in this image: {there_are}")
        return revision

    def pending(self, version: str | None) -> list[Script]:
        """Return the revisions after `version`, first to last.

        Raises:
            MigrationError: this code does not have `version`.
        """
        try:
            self.script.get_revision(version or "base")
        except CommandError:
            head = numbered_head(self._versions)
            raise MigrationError(unknown_revision(self.script, version, head)) from None
        return list(self.script.iterate_revisions("heads", version or "base"))[::-1]

    def check_operations(self, version: str | None) -> None:
        """Raise a MigrationError when a revision after `version` asks for what the engine cannot do."""
        check_operations(self.pending(version), self._server.spec, self._metadata)

    def lint(self) -> list[str]:
        """Return a line for each statement of the history that the engine would refuse, where it has a linter."""
        return lint(self.pending(None), self._server.spec, self._metadata)

    def upgrade(self, run: MigrationRun, may_go_on: Callable[[], bool], prepare: Callable[[], None]) -> None:
        """Apply pending revisions while `may_go_on`; `prepare` runs first, inside their transaction if there is one."""

        def steps(version: str | None) -> Iterator[RevisionStep]:
            for script in self.pending(version):
                if not may_go_on():
                    return
                yield from self._step(script, "upgrade", run)

        self._run(steps, prepare)

    def downgrade(self, revision: str, run: MigrationRun, prepare: Callable[[], None]) -> None:
        """Undo revisions back to `revision`, which stays applied; `prepare` as in `upgrade`. All can be, or none is."""
        undone = self._undone(self._server.version(), revision)
        check_operations(undone, self._server.spec, self._metadata, "downgrade")

        def steps(version: str | None) -> Iterator[RevisionStep]:
            for script in self._undone(version, revision):
                yield from self._step(script, "downgrade", run)

        self._run(steps, prepare)

    def interrupted(self) -> InterruptedStep | None:
        """Return the step that an earlier run began and did not finish, on an engine that cannot roll it back."""
        step = self._progress.interrupted() if self._progress else None
        return step if step and self._server.version() == self._version_during(step) else None

    def finish_interrupted(self, run: MigrationRun) -> None:
        """Finish the step that an earlier run was interrupted in, if there is one."""
        step = self.interrupted()
        script = self.script.get_revision(step.revision) if step else None
        if step and script:
            # A database from before a table was added to them may lack it.
            self._server.create_tables()
            self._run(lambda _version: self._step(script, step.direction, run))

    def stamp(self, revision: str) -> None:
        """Write down that the database is at `revision`, running nothing."""
        with self.connected() as connection, connection.begin():
            self._server.create_tables()
            if self._progress:
                self._progress.forget()
            self._server.forget_reset()
            files = read_revisions(self._versions)
            if self._server.version() not in files:
                # Alembic knows no way from a revision that it does not have.
                connection.exec_driver_sql("DELETE FROM alembic_version")
            MigrationContext.configure(connection).stamp(self.script, revision)
            stamped = {script.revision for script in self.script.iterate_revisions(revision, "base")}
            for known in sorted(files.keys() | applied_files(self._server).keys()):
                self._server.row(*record_query(self._server, known, files[known] if known in stamped else None))

    def history(self, version: str | None) -> str:
        """Return every revision, newest first, the current one marked."""
        # Not by Alembic's command, which prints to a stream without an encoding what is not ASCII as `?`.
        return "\n".join(
            script.cmd_format(verbose=False, include_branches=True, include_doc=True, include_parents=True)
            + " (current)" * (script.revision == version)
            for script in self.script.walk_revisions()
        )

    def current(self, version: str | None) -> str:
        """Return the revision the database is at, as Alembic prints it."""
        found = self.script.get_revision(version) if version else None
        return found.cmd_format(verbose=False) if found else ""

    def sql(self, version: str | None) -> str:
        """Return the SQL of the pending revisions."""
        command.upgrade(self.config, f"{version or 'base'}:head", sql=True)
        return self.output.getvalue()

    def differences(self) -> tuple[list[str], str]:
        """Return how the tables in the code and in the database differ, and what was not compared."""
        metadata = self._metadata()
        with self.connected() as connection:
            expressions = ExpressionComparison(connection)
            options = {
                "compare_type": True,
                "compare_server_default": expressions.compare_server_default,
                "target_metadata": metadata,
                "include_name": is_compared,
            }
            context = MigrationContext.configure(connection, opts=options)
            upgrade = produce_migrations(context, metadata).upgrade_ops
            found = describe_changes(upgrade.ops) if upgrade else []
            # Without what Alembic has found, a type say, the server may not take the code's tables.
            found = found or [each.description for each in expressions.differences(metadata)]
            return found, expressions.not_compared(metadata)

    def connected(self) -> Connection:
        """Return a SQLAlchemy connection on the driver's, which it leaves open."""
        engine = engine_on(self._server.connection, self._server.spec)
        if self._progress:
            self._progress.listen(engine)
        self._writes.listen(engine)
        return engine.connect()

    def _step(self, script: Script, direction: Direction, run: MigrationRun) -> Iterator[RevisionStep]:
        """Yield Alembic's step, noting when it begins and ends; Alembic asks for the next when it has been taken."""
        make = MigrationStep.upgrade_from_script if direction == "upgrade" else MigrationStep.downgrade_from_script
        step = make(self.script.revision_map, script)
        if self._progress:
            step.migration_fn = self._progress.follow(script.revision, direction, step.migration_fn)
        run.current_step = {"revision": script.revision, "message": script.doc, "duration_ms": 0}
        started = time.monotonic()
        self._writes.begin(script, direction)
        yield step
        run.current_step["duration_ms"] = round((time.monotonic() - started) * 1000)
        run.applied.append(run.current_step)
        run.current_step = None

    def _metadata(self) -> MetaData:
        try:
            return self._application.metadata()
        except Exception as error:
            where = place(error, self._versions.parent)
            raise MigrationError(f"tables.py cannot be loaded: {describe(error)}{where and f' ({where})'}") from None

    def _load_file(self, revision: str, name: str, files: Mapping[str, str]) -> Script:
        try:
            module = load_python_file(self._versions, name)
            script = Script(module, module.revision, str(self._versions / name))
        except (Exception, SystemExit) as error:
            why = f"{type(error).__name__}: {format_driver_error(error)}"
            raise MigrationError(f"{name} cannot be loaded: {why}") from None
        if script.revision != revision:
            raise MigrationError(f"{name} does not hold revision {revision!r}: name the file by its revision")
        before = script.down_revision
        if before is not None and before not in files:
            raise MigrationError(f"{name} comes after revision {before!r}, which is not there: fix its down_revision")
        return script

    def _version_during(self, step: InterruptedStep) -> str | None:
        """Return the version that a database is at while the step is taken."""
        try:
            script = self.script.get_revision(step.revision)
            assert script
        except CommandError:
            raise MigrationError(
                f"the {step.direction} of revision {step.revision} was interrupted, and this image does not have it:"
                " deploy the code that has it, or `stamp` the revision that the database is at"
            ) from None
        before = script.down_revision
        return script.revision if step.direction == "downgrade" else str(before) if before else None

    def _undone(self, version: str | None, revision: str) -> Sequence[Script]:
        """Return the revisions to undo, the newest first."""
        return list(self.script.iterate_revisions(version or "base", revision))

    def _run(
        self, steps: Callable[[str | None], Iterator[RevisionStep]], prepare: Callable[[], None] = lambda: None
    ) -> None:
        """Run `steps` from the version that the database is at."""

        def run_steps(heads: tuple[str, ...], _context: MigrationContext) -> Iterator[RevisionStep]:
            return steps(heads[0] if heads else None)

        def prepare_transaction() -> None:
            self._server.limit_lock_waits()
            prepare()

        if self._progress:
            self._progress.begin_run()
        with self.connected() as connection:
            self.config.attributes |= {"connection": connection, "prepare": prepare_transaction}
            with EnvironmentContext(self.config, self.script, fn=run_steps):
                self.script.run_env()
            # After a revision's own commit the rest is in a transaction that Alembic does not end.
            connection.commit()


def is_compared(name: str | None, kind: str, _parents: object) -> bool:
    """Return whether something in a database is compared with the code: not the runner's own tables."""
    own = {"migration_checksums", "migration_owner", "migration_progress", "migration_lease"}
    return kind != "table" or name not in own


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
