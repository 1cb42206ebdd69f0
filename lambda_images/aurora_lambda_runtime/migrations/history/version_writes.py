"""What is noted of a revision goes to the server with the version that Alembic writes at its end.

The checksum of its file, and that it is no longer at work, belong into the same transaction. Where a server takes
several statements in one message, it is that message, in place of five.
"""

import re
from pathlib import Path
from typing import Any

from alembic.script import Script
from sqlalchemy import Connection, Engine, event

from aurora_lambda_runtime.migrations.history.checksums import read_revision, record_query
from aurora_lambda_runtime.migrations.history.progress import RevisionProgress
from aurora_lambda_runtime.migrations.history.revisions import Direction
from aurora_lambda_runtime.migrations.servers import Server
from aurora_lambda_runtime.migrations.servers.base import Query

_WRITES_VERSION = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) alembic_version\b")


class VersionWrites:
    """Completes Alembic's writes of the version, of the revision that `begin` names."""

    def __init__(self, server: Server, progress: RevisionProgress | None) -> None:
        self._server = server
        self._progress = progress
        self._step: tuple[Script, Direction] | None = None
        self._unsent: list[Query] = []

    def listen(self, engine: Engine) -> None:
        """Watch the statements of `engine`."""
        event.listen(engine, "before_cursor_execute", self._complete, retval=True)

    def begin(self, script: Script, direction: Direction) -> None:
        """Take the next version that is written for that of this revision."""
        self._step, self._unsent = (script, direction), []

    def end(self, **_options: object) -> None:
        """Send what did not go with the version: a callback of Alembic's, called in the transaction that wrote it."""
        self._step = None
        while self._unsent:
            self._server.row(*self._unsent.pop(0))

    def _complete(
        self, _connection: Connection, _cursor: object, statement: str, parameters: Any, *_options: object
    ) -> tuple[str, Any]:
        if self._step is None or not _WRITES_VERSION.match(statement):
            return statement, parameters
        script, direction = self._step
        file = read_revision(Path(script.path)) if direction == "upgrade" else None
        queries = [record_query(self._server, script.revision, file)]
        if self._progress:
            queries += self._progress.end_queries()
        if message := self._server.joined(statement, queries):
            return message, parameters
        self._unsent = queries
        if self._progress:
            self._progress.begin_transaction()
        return statement, parameters
