"""Cursors of the migration runner, whose statements each commit by themselves."""

import re
import time
from typing import Any, Self

import psycopg
from psycopg.abc import Params
from psycopg.errors import SerializationFailure
from typing_extensions import override

from aurora_lambda_runtime.database.backoff import Backoff
from aurora_lambda_runtime.database.drivers.dsql import DsqlConnection
from aurora_lambda_runtime.migrations.servers.dsql.jobs import IndexBuild, wait_for_job

IDLE = psycopg.pq.TransactionStatus.IDLE
# Up to fifteen seconds in all: a cluster on which many applications are deployed is never quiet for long.
CONFLICTS = Backoff(retries=30, longest_seconds=0.5)
_CREATE_INDEX = re.compile(
    r'\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+ASYNC\s+(?:IF\s+NOT\s+EXISTS\s+)?("(?:[^"]|"")+"|\w+)\s+ON\b', re.IGNORECASE
)


class RetryingCursor(psycopg.Cursor):
    """Runs a statement again that is a transaction by itself and lost to another: nothing of it was done.

    Each change of a table makes other sessions' next statements fail so, and those of the session that made it.
    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/working-with-concurrency-control.html
    """

    @override
    def execute(
        self, query: Any, params: Params | None = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        if self.connection.info.transaction_status == IDLE:
            for pause in CONFLICTS.pauses():
                try:
                    return super().execute(query, params, prepare=prepare, binary=binary)
                except SerializationFailure:
                    time.sleep(pause)
        return super().execute(query, params, prepare=prepare, binary=binary)


class MigrationCursor(RetryingCursor):
    """Returns from a statement that submits a job when the job is done."""

    connection: DsqlConnection

    @override
    def execute(
        self, query: Any, params: Params | None = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        self.connection.before_statement()
        build = self._index_build(query)
        if build and build.finish_earlier():
            return self
        super().execute(query, params, prepare=prepare, binary=binary)
        if [column.name for column in self.description or ()] == ["job_id"]:
            (job_id,) = self.fetchone() or (None,)
            if build:
                build.wait(job_id)
            elif job_id:
                wait_for_job(self._others(), job_id, self.connection.deadline)
        return self

    def _index_build(self, query: Any) -> IndexBuild | None:
        """Return the build of the index that a statement creates."""
        match = _CREATE_INDEX.match(query.decode() if isinstance(query, bytes) else str(query))
        if match is None:
            return None
        name = match[1][1:-1].replace('""', '"') if match[1].startswith('"') else match[1].lower()
        return IndexBuild(self._others(), self.connection.schema, name, self.connection.deadline)

    def _others(self) -> RetryingCursor:
        """Return a cursor for what is asked about a job."""
        return RetryingCursor(self.connection)
