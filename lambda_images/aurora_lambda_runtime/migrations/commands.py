"""The runner's commands, on a database that is there."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.backoff import Backoff
from aurora_lambda_runtime.database.contract import RuntimeRole
from aurora_lambda_runtime.database.errors import DatabaseError, error_code
from aurora_lambda_runtime.migrations.alembic_runner import MigrationRun, Migrations
from aurora_lambda_runtime.migrations.errors import MigrationError, OutOfTimeError
from aurora_lambda_runtime.migrations.failures import describe_error, failure_message
from aurora_lambda_runtime.migrations.history.checksums import applied_files, read_revisions
from aurora_lambda_runtime.migrations.history.comparison import Comparison
from aurora_lambda_runtime.migrations.outcome import Outcome, RevisionName
from aurora_lambda_runtime.migrations.request import Request
from aurora_lambda_runtime.migrations.roles import RoleSetup
from aurora_lambda_runtime.migrations.servers import Server, open_server
from aurora_lambda_runtime.migrations.servers.base import LOCK_SECONDS

# Between two revisions, stop unless this is left and the longest so far would fit once more.
RESERVE_SECONDS = 5.0
# Long enough for those who waited behind a statement to go on.
LOCK_PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class MigrationCommands:
    """Runs one command on one server."""

    def __init__(
        self,
        request: Request,
        server: Server,
        role: RuntimeRole | None,
        remaining: Callable[[], float],
        application: ApplicationPackage,
    ) -> None:
        self._request = request
        self._server = server
        self._role = RoleSetup(server, role)
        self._remaining = remaining
        self._versions = application.versions
        self._migrations = Migrations(server, application)
        self._run = MigrationRun()
        self._before: str | None = None
        self._target: str | None = None
        self._behind = False
        self._emptied = False
        self._transaction_id: int | None = None
        # Each returns the outcome's `output`.
        self.commands: Mapping[str, Callable[[], str]] = {
            "deploy": self._deploy,
            "reset": self._reset,
            "current": self._current,
            "history": self._history,
            "check": self._check,
            "stamp": self._stamp,
            "downgrade": self._downgrade,
            "sql": self._sql,
            "status": self._status,
        }

    def run(self) -> Outcome:
        """Run the command and return what was done.

        Raises:
            MigrationError: it failed; no password is in the message.
        """
        self._server.begin_work()
        self._before = self._server.version()
        try:
            self._migrations.load()
            output = self._run_command()
        except OutOfTimeError as stopped:
            if not self._request.rules.reports_incomplete:
                raise
            output = str(stopped)
        except MigrationError:
            raise
        except (Exception, SystemExit) as error:
            raise MigrationError(self._failure_message(error)) from None
        return self._outcome(output)

    def _run_command(self) -> str:
        """Run the command, and again when a concurrent transaction won: it goes on where it lost.

        Where all revisions are one transaction, everything would be done again, and nobody has asked for that; but one
        that waits for a lock holds up whoever comes after it, so it gives up what it has and begins again.
        """
        command, pauses, applied = self.commands[self._request.command], Backoff().pauses(), 0
        while True:
            try:
                return command()
            except Exception as error:
                if self._blocked(error):
                    time.sleep(LOCK_PAUSE_SECONDS)
                    continue
                if len(self._run.applied) > applied:
                    pauses, applied = Backoff().pauses(), len(self._run.applied)
                pause = next(pauses, None)
                if not self._lost_to_another(error) or pause is None or self._remaining() < RESERVE_SECONDS:
                    raise
            time.sleep(pause)

    def _blocked(self, error: Exception) -> bool:
        """Return whether a lock was missing and there is time to try again; if so, say who held it."""
        spec, code = self._server.spec, error_code(getattr(error, "orig", None) or error)
        if code not in spec.errors.lock_timeout or self._remaining() < RESERVE_SECONDS + LOCK_SECONDS:
            return False
        if spec.transactional_ddl and self._server.is_committed(self._transaction_id):
            return False
        step = self._run.current_step
        what = f"revision {step['revision']}" if step else self._request.command
        log.warning("%s waits for a lock and tries again; held by %s", what, self._server.blockers())
        if spec.transactional_ddl:
            self._run, self._emptied = MigrationRun(), False
        return True

    def _lost_to_another(self, error: Exception) -> bool:
        spec, code = self._server.spec, error_code(getattr(error, "orig", None) or error)
        return not spec.transactional_ddl and code in spec.errors.conflict

    def _outcome(self, output: str) -> Outcome:
        after = self._server.version()
        pending: list[RevisionName] = [
            {"revision": script.revision, "message": script.doc} for script in self._migrations.pending(after)
        ]
        if pending and self._request.complete:
            raise MigrationError(
                f"{self._request.command} ran out of time at revision {after} and has {len(pending)} more to apply;"
                " what is applied stays: run it again to go on"
            )
        return {
            "status": "incomplete" if (pending or self._behind) and self._request.rules.reports_incomplete else "ok",
            "before": self._before,
            "after": after,
            "applied": self._run.applied,
            "pending": pending,
            "output": output,
        }

    def _deploy(self) -> str:
        if lines := self._comparison().replaced():
            raise MigrationError(f"nothing was applied: {'; '.join(lines)}")
        self._migrations.check_operations(self._before)
        self._migrations.finish_interrupted(self._run)
        self._migrations.upgrade(self._run, self._time_is_left, self._prepare)
        self._role.finish()
        return ""

    def _reset(self) -> str:
        self._migrations.check_operations(None)
        self._migrations.upgrade(self._run, self._time_is_left, self._prepare_empty)
        self._role.finish()
        return ""

    def _current(self) -> str:
        return self._migrations.current(self._before)

    def _history(self) -> str:
        return self._migrations.history(self._before)

    def _check(self) -> str:
        found = self._comparison()
        if lines := [*found.behind(), *found.replaced(), *found.edited(), *self._migrations.lint()]:
            raise MigrationError("; ".join(lines))
        differences, not_compared = self._migrations.differences()
        if differences:
            raise MigrationError(
                f"code and database disagree: {'; '.join(differences)}."
                " Write the revision with `aurora-lambda new-migration MESSAGE`"
            )
        return f"code and database agree{f'; not compared: {not_compared}' if not_compared else ''}"

    def _stamp(self) -> str:
        self._migrations.stamp(self._migrations.target(self._request.revision, self._before))
        return ""

    def _downgrade(self) -> str:
        self._migrations.pending(self._before)
        self._migrations.finish_interrupted(self._run)
        self._target = self._target or self._migrations.target(self._request.revision, self._server.version())
        self._migrations.downgrade(self._target, self._run, self._begin)
        return ""

    def _sql(self) -> str:
        return self._migrations.sql(self._before) if self._migrations.pending(self._before) else ""

    def _status(self) -> str:
        found = self._comparison()
        self._behind = bool(found.behind() or found.replaced())
        return "\n".join([*found.behind(), *found.replaced(), *found.edited()]) or "up to date"

    def _comparison(self) -> Comparison:
        pending = [script.revision for script in self._migrations.pending(self._before)]
        image = read_revisions(self._versions)
        files = image if self._request.files is None else self._request.files
        applied = applied_files(self._server)
        return Comparison(files, image, pending, applied, self._before, self._migrations.interrupted())

    def _begin(self) -> None:
        """Note the transaction: a revision may end it, and should a later one fail, people are told what stays."""
        self._transaction_id = self._server.transaction_id()
        self._server.create_tables()

    def _prepare(self) -> None:
        self._server.prepare_database()
        self._begin()
        self._role.make()

    def _prepare_empty(self) -> None:
        if not self._emptied:
            self._server.drop_all()
            self._emptied = True
        self._prepare()

    def _failure_message(self, error: BaseException) -> str:
        why = describe_error(error, [self._role.password, self._server.connector.password])
        try:
            with closing(open_server(self._server.connector, create=False)) as server:
                after = server.version()
                committed = server.is_committed(self._transaction_id)
        except Exception as lost:
            unknown = lost if isinstance(lost, MigrationError | DatabaseError) else describe_error(lost, [])
            return f"{self._request.command} failed: {why}. In what state it left the database is unknown: {unknown}"
        return failure_message(
            self._request.command,
            why,
            self._run,
            before=self._before,
            after=after,
            transactional=self._server.spec.transactional_ddl,
            committed=committed,
        )

    def _time_is_left(self) -> bool:
        """Return whether to take one more step: the first always, so that every run gets further."""
        if not self._run.applied:
            return True
        longest = max(step["duration_ms"] for step in self._run.applied) / 1000
        return self._remaining() > RESERVE_SECONDS + longest
