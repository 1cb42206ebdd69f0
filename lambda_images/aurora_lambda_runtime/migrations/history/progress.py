"""Progress of a revision, on engines that commit each statement of DDL: what an interrupted run left is not done twice.

Before a statement of DDL runs, a row of `migration_progress` says so, together with what the tables it names look like.
A later run sends the revision's statements again; those that are known to be done are passed over, and the one that was
at work is passed over if its tables have changed. Rows that a revision writes are committed together with the note of
the next statement of DDL or of the revision's end, and so are all there or not at all.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.engine.interfaces import DBAPICursor

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.revisions import Direction
from aurora_lambda_runtime.migrations.servers import Server
from aurora_lambda_runtime.migrations.servers.base import Query

# Execution options of statements that may be run again, and that commit what was done by then.
RESUMABLE: Mapping[str, bool] = {"resumable": True}
READ = {"SELECT", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "SET", "USE", "VALUES", "DO"}
WRITE = {"INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "MERGE", "LOAD", "CALL"}
SAVEPOINT = {"SAVEPOINT", "RELEASE", "ROLLBACK"}
READ_PROGRESS = "SELECT revision, direction, done, writes, at_work, tables_before FROM migration_progress"
INSERT_PROGRESS = (
    "INSERT INTO migration_progress (revision, direction, done, writes, at_work, tables_before)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)
UPDATE_PROGRESS = (
    "UPDATE migration_progress SET revision = %s, direction = %s, done = %s, writes = %s, at_work = %s,"
    " tables_before = %s"
)
DELETE_PROGRESS = "DELETE FROM migration_progress"
_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*(\w+)", re.DOTALL)
# Gone with the connection.
_TEMPORARY = re.compile(r"\s*(?:CREATE|DROP)\s+TEMPORARY\b", re.IGNORECASE)
_CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class InterruptedStep:
    """A revision that a run began to apply or undo, and did not finish.

    Attributes:
        done: digests of the statements of DDL that are done, in order.
        writes: digests of the statements that have changed rows, which is committed.
        at_work: the digest of the statement of DDL that was at work; empty once it has failed.
        tables_before: a digest of its tables' definitions before it.
    """

    revision: str
    direction: Direction
    done: tuple[str, ...]
    writes: frozenset[str]
    at_work: str
    tables_before: str


class RevisionProgress:
    """Notes each statement of a revision before it runs, and passes over those an earlier run did."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._revision: tuple[str, Direction] | None = None
        self._looked = False
        self._noted = False
        self._writing = False
        self._skipped_writes = False
        self._done: list[str] = []
        self._writes: set[str] = set()
        self._earlier_writes: frozenset[str] = frozenset()
        self._left: Counter[str] = Counter()
        self._interrupted: InterruptedStep | None = None

    def listen(self, engine: Engine) -> None:
        """Watch the statements of `engine`, whose isolation level is AUTOCOMMIT."""
        event.listen(engine, "do_execute", self._execute)
        event.listen(engine, "do_executemany", self._execute)

    def interrupted(self) -> InterruptedStep | None:
        """Return the step that an earlier run did not finish."""
        found = self._server.own_rows(READ_PROGRESS)
        if not found:
            return None
        revision, direction, done, writes, at_work, tables_before = found[0]
        return InterruptedStep(
            revision, direction, tuple(json.loads(done)), frozenset(json.loads(writes)), at_work, tables_before
        )

    def follow(self, revision: str, direction: Direction, change: Callable[..., None]) -> Callable[..., None]:
        """Return `change`, a revision's `upgrade` or `downgrade`, with its progress noted."""

        def followed(**options: object) -> None:
            self._begin(revision, direction)
            change(**options)
            self._end()

        return followed

    def begin_run(self) -> None:
        """Look anew, at the next revision, for what an earlier run left: this one knows what it does itself."""
        self._looked = False

    def begin_transaction(self) -> None:
        """Make sure that a transaction is open, in which a revision ends."""
        if not self._writing:
            self._server.run("BEGIN")
            self._writing = True

    def end_queries(self) -> list[Query]:
        """Return what belongs into the transaction that writes the version."""
        return [(DELETE_PROGRESS,)] if self._noted else []

    def forget(self) -> None:
        """Begin a transaction, and forget in it that a step was interrupted."""
        self._server.run("BEGIN", DELETE_PROGRESS)

    def _begin(self, revision: str, direction: Direction) -> None:
        found = None if self._looked else self.interrupted()
        self._looked = True
        resumed = found if found and (found.revision, found.direction) == (revision, direction) else None
        self._revision = revision, direction
        self._noted = found is not None
        self._writing = self._skipped_writes = False
        self._done = []
        self._earlier_writes = resumed.writes if resumed else frozenset()
        self._writes = set(self._earlier_writes)
        self._left = Counter(resumed.done if resumed else ())
        self._interrupted = resumed

    def _end(self) -> None:
        """Leave what the revision wrote to the transaction in which Alembic writes the version and commits."""
        self._pass_checkpoint()
        if self._replaying() and self._skipped_writes:
            raise MigrationError(self._undecidable())
        self._revision = None

    def _execute(self, cursor: DBAPICursor, statement: str, parameters: Any, context: ExecutionContext) -> bool:
        """Return whether the statement has been dealt with; SQLAlchemy runs it if not."""
        if self._revision is None:
            return False
        word = first_word(statement)
        if context.execution_options.get("resumable"):
            if word in READ:
                self._checkpoint()
            return False
        if word in READ or _TEMPORARY.match(statement):
            return False
        if word in SAVEPOINT:
            self.begin_transaction()
            return False
        if word in WRITE:
            return self._write(statement)
        return self._define(cursor, statement, parameters, context)

    def _write(self, statement: str) -> bool:
        """Pass over what an earlier run wrote and committed; else make sure that a transaction is open."""
        key = digest(statement)
        if self._replaying() and key in self._earlier_writes:
            self._skipped_writes = True
            return True
        self.begin_transaction()
        self._writes.add(key)
        return False

    def _define(self, cursor: DBAPICursor, statement: str, parameters: Any, context: ExecutionContext) -> bool:
        if not self._is_done(statement):
            self._note(digest(statement), self._tables_digest(statement))
            try:
                context.dialect.do_execute(cursor, statement, parameters, context)
            except Exception:
                with suppress(Exception):  # The connection may be what was lost: then it stays unknown.
                    self._note_failure()
                raise
        self._done.append(digest(statement))
        return True

    def _is_done(self, statement: str) -> bool:
        """Return whether an earlier run did the statement."""
        key = digest(statement)
        if self._left[key]:
            self._left[key] -= 1
            return True
        self._pass_checkpoint()
        at_work, self._interrupted = self._interrupted, None
        return bool(at_work and at_work.at_work == key and at_work.tables_before != self._tables_digest(statement))

    def _checkpoint(self) -> None:
        """Commit what was written by now, so that a later run does not write it again."""
        if self._left[_CHECKPOINT]:
            self._left[_CHECKPOINT] -= 1
            self._done.append(_CHECKPOINT)
        elif self._writing:
            self._done.append(_CHECKPOINT)
            self._note("", "")

    def _pass_checkpoint(self) -> None:
        """Leave behind a checkpoint that nothing but new statements comes after."""
        if self._left.total() == self._left[_CHECKPOINT]:
            self._left.clear()

    def _note_failure(self) -> None:
        """Write down that the statement at work has failed, and so has left nothing."""
        self._done.append(_CHECKPOINT)
        self._note("", "")

    def _note(self, at_work: str, tables_before: str) -> None:
        """Write down, and commit together with the rows written by now, what is done and what is about to run."""
        assert self._revision is not None
        done, writes = json.dumps(self._done), json.dumps(sorted(self._writes))
        statement = UPDATE_PROGRESS if self._noted else INSERT_PROGRESS
        self._server.row(statement, *self._revision, done, writes, at_work, tables_before)
        if self._writing:
            self._server.run("COMMIT")
        self._noted, self._writing = True, False

    def _replaying(self) -> bool:
        """Return whether an earlier run got further than this one is."""
        return bool(self._left.total() or (self._interrupted and self._interrupted.at_work))

    def _tables_digest(self, statement: str) -> str:
        return digest(self._server.describe_tables(statement))

    def _undecidable(self) -> str:
        assert self._revision is not None
        revision, direction = self._revision
        return (
            f"the {direction} of revision {revision} was interrupted and no longer sends a statement that it had sent,"
            " so how far it got cannot be told. Look at the tables, do by hand what is missing, then `stamp` the"
            " revision that the database is at"
        )


def first_word(statement: str) -> str:
    """Return the word that says what a statement does, in upper case."""
    match = _FIRST_WORD.match(statement)
    return match[1].upper() if match else ""


def digest(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
