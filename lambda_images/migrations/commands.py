"""The runner's commands, on a database that is there."""

import json
import secrets
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from lambda_images.database.aws import get_secret, put_secret
from lambda_images.database.contract import RuntimeRole, parse_master_secret
from lambda_images.database.errors import DatabaseError
from lambda_images.migrations.alembic_runner import MigrationRun, Migrations
from lambda_images.migrations.errors import MigrationError
from lambda_images.migrations.failures import describe_error, failure_message
from lambda_images.migrations.request import Request
from lambda_images.migrations.servers import Server

# Between two revisions, stop unless this is left and the longest so far would fit once more.
RESERVE_SECONDS = 5.0
LOCKED = {"deploy", "reset", "stamp", "downgrade"}
FINISHES = {"deploy", "reset", "status"}


class MigrationCommands:
    """One command on one driver connection."""

    def __init__(
        self,
        database: Server,
        raw: Any,
        role: RuntimeRole | None,
        remaining: Callable[[], float],
        versions: Path,
    ) -> None:
        self._database = database
        self._raw = raw
        self._role = role
        self._remaining = remaining
        self._migrations = Migrations(database.connector.settings.engine, raw, versions)
        self._run = MigrationRun()
        self._secrets: list[str] = []
        self._new_password = False
        self._transaction: int | None = None

    def do(self, request: Request) -> dict[str, Any]:
        """Do the command, and say what was done.

        Raises:
            MigrationError: it failed; no password is in the message.
        """
        if request.command in LOCKED:
            self._database.lock(self._raw)
        before = self._version()
        try:
            self._migrations.head()
            output = getattr(self, f"_{request.command}")(request, before)
        except MigrationError:
            raise
        except Exception as error:
            raise MigrationError(self._failure_message(request.command, before, error)) from None
        after = self._version()
        pending = [{"revision": script.revision, "message": script.doc} for script in self._migrations.pending(after)]
        if pending and request.complete:
            raise MigrationError(
                f"{request.command} ran out of time at revision {after} and has {len(pending)} more to apply;"
                " what is applied stays: run it again to go on"
            )
        return {
            "status": "incomplete" if pending and request.command in FINISHES else "ok",
            "before": before,
            "after": after,
            "applied": [step.to_json() for step in self._run.done],
            "pending": pending,
            "output": output,
        }

    def _deploy(self, request: Request, before: str | None) -> str:
        del request
        self._migrations.pending(before)
        self._migrations.upgrade(self._run, self._time_is_left, self._prepare)
        self._store_password()
        return ""

    def _reset(self, request: Request, before: str | None) -> str:
        del request, before
        self._migrations.upgrade(self._run, self._time_is_left, self._empty)
        self._store_password()
        return ""

    def _current(self, request: Request, before: str | None) -> str:
        del request
        return self._migrations.current(before)

    def _history(self, request: Request, before: str | None) -> str:
        del request
        return self._migrations.history(before)

    def _check(self, request: Request, before: str | None) -> str:
        del request
        if pending := self._migrations.pending(before):
            raise MigrationError(f"{len(pending)} revisions are pending: run `aurora-lambda migrate`, then check")
        if differences := self._migrations.differences():
            listed = "; ".join(str(difference) for difference in differences)
            raise MigrationError(
                f"code and database disagree: {listed}. Write the revision with `aurora-lambda new-migration MESSAGE`"
            )
        return "code and database agree"

    def _stamp(self, request: Request, before: str | None) -> str:
        self._migrations.stamp(self._migrations.target(request.revision, before))
        return ""

    def _downgrade(self, request: Request, before: str | None) -> str:
        revision = self._migrations.target(request.revision, before)
        self._migrations.downgrade(revision, self._run, self._begin)
        return ""

    def _sql(self, request: Request, before: str | None) -> str:
        del request
        return self._migrations.sql(before) if self._migrations.pending(before) else ""

    def _status(self, request: Request, before: str | None) -> str:
        del request
        count = len(self._migrations.pending(before))
        return f"{count} pending" if count else "up to date"

    def _begin(self) -> None:
        """Note the transaction: a revision may end it, and should a later one fail, people are told what stays."""
        self._transaction = self._database.transaction(self._raw)

    def _empty(self) -> None:
        self._database.empty(self._raw)
        self._prepare()

    def _prepare(self) -> None:
        self._begin()
        self._database.set_database_defaults(self._raw)
        self._ensure_role()

    def _ensure_role(self) -> None:
        """Before the tables: their creator's default privileges then reach the role."""
        if self._role is None:
            return
        if self._role.auth == "password":
            value = get_secret(self._role.secret_arn)
            known = parse_master_secret(value)[1] if value else ""
            self._secrets = [known or secrets.token_urlsafe(32)]
            self._new_password = not known
        self._database.ensure_role(self._raw, self._role, self._secrets[0] if self._secrets else None)

    def _store_password(self) -> None:
        """After the role has it: should this fail, the secret stays empty and the next run makes another."""
        if self._role is None or not self._secrets or not self._new_password:
            return
        value = json.dumps({"username": self._role.db_role, "password": self._secrets[0]})
        put_secret(self._role.secret_arn, value)

    def _failure_message(self, command: str, before: str | None, error: Exception) -> str:
        why = describe_error(error, [*self._secrets, self._database.connector.password or ""])
        try:
            with closing(self._database.open(create=False)) as fresh:
                after = self._database.version(fresh, None)[0]
                committed = self._database.committed(fresh, self._transaction)
        except (MigrationError, DatabaseError) as lost:
            return f"{command} failed: {why}. In what state it left the database is unknown: {lost}"
        transactional = self._database.transactional_ddl
        return failure_message(
            command, why, self._run, before=before, after=after, transactional=transactional, committed=committed
        )

    def _time_is_left(self) -> bool:
        """The first step is always taken, so that however short the time, every run gets further."""
        if not self._run.done:
            return True
        longest = max(step.duration_ms for step in self._run.done) / 1000
        return self._remaining() > RESERVE_SECONDS + longest

    def _version(self) -> str | None:
        return self._database.version(self._raw, None)[0]
