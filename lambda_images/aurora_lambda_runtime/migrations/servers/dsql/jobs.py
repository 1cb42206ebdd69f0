"""Waits for the asynchronous jobs that DSQL builds indexes and validates constraints with.

Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/working-with-create-index-async.html
"""

import time
from typing import Any

import psycopg

from aurora_lambda_runtime.database.quoting import quoted
from aurora_lambda_runtime.migrations.errors import OutOfTimeError

MIN_POLL_SECONDS = 0.05
MAX_POLL_SECONDS = 2.0
DUPLICATES_SHOWN = 3
STATUS = "SELECT status, details FROM sys.jobs WHERE job_id = %s"
# A job that builds an index is about the index, or about its table.
INVALID_INDEX = """
    SELECT i.indexrelid, i.indrelid, i.indisunique, (
        SELECT max(job_id) FROM sys.jobs
        WHERE object_id IN (i.indexrelid, i.indrelid) AND status IN ('submitted', 'processing'))
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s AND NOT i.indisvalid"""
INDEXED_COLUMNS = """
    SELECT pg_get_indexdef(indexrelid, number, true), indrelid::regclass::text
    FROM pg_index, generate_series(1, indnkeyatts) number WHERE indexrelid = %s ORDER BY number"""


class JobFailedError(Exception):
    """A job ended without having done its work."""


class IndexBuild:
    """An index that a job builds. Until that is done the index is invalid; should it fail, it stays so."""

    def __init__(self, cursor: psycopg.Cursor, schema: str, name: str, deadline: float) -> None:
        self._cursor = cursor
        self._schema = schema
        self._name = name
        self._deadline = deadline

    def finish_earlier(self) -> bool:
        """Wait for the build that an earlier run began, or drop what is left of it; return whether the index is there.

        Raises:
            JobFailedError: the build failed; the index is dropped.
            OutOfTimeError: the deadline came first.
        """
        found = self._invalid()
        if not found:
            return False
        if found[3] is None:
            self._drop()
            return False
        self.wait(found[3])
        return True

    def wait(self, job_id: str | None) -> None:
        """Wait until the index is built.

        Raises:
            JobFailedError: it cannot be built; it is dropped, or it would go on refusing rows.
            OutOfTimeError: the deadline came first.
        """
        details = ""
        while job_id:
            try:
                wait_for_job(self._cursor, job_id, self._deadline)
            except JobFailedError as error:
                details = str(error)
            found = self._invalid()
            job_id = found[3] if found and not details else None
        if found := self._invalid():
            duplicates = self._duplicates(found[0]) if found[2] else ""
            self._drop()
            raise JobFailedError(f"index {self._name} could not be built and was dropped: {details}{duplicates}")

    def _invalid(self) -> tuple[Any, ...]:
        return self._cursor.execute(INVALID_INDEX, (self._schema, self._name)).fetchone() or ()

    def _drop(self) -> None:
        statement = f"DROP INDEX IF EXISTS {quoted(self._schema)}.{quoted(self._name)}"
        self._cursor.execute(statement.encode())

    def _duplicates(self, index: int) -> str:
        """Return which rows a unique index finds more than once, in words."""
        found = self._cursor.execute(INDEXED_COLUMNS, (index,)).fetchall()
        columns, table = ", ".join(row[0] for row in found), found[0][1]
        repeated = (
            f"SELECT {columns}, count(*) FROM {table} GROUP BY {columns}"  # noqa: S608
            f" HAVING count(*) > 1 ORDER BY count(*) DESC LIMIT {DUPLICATES_SHOWN}"
        )
        rows = self._cursor.execute(repeated.encode()).fetchall()
        shown = ", ".join(f"{', '.join(map(str, row[:-1]))} ({row[-1]} rows)" for row in rows)
        return f"; not unique in {table} ({columns}): {shown}" if shown else ""


def wait_for_job(cursor: psycopg.Cursor, job_id: str, deadline: float) -> None:
    """Wait until a job has ended.

    It is polled: `sys.wait_for_job` would wait longer than the function has time.

    Raises:
        JobFailedError: it failed.
        OutOfTimeError: `deadline`, on `time.monotonic`'s clock, came first.
    """
    pause = MIN_POLL_SECONDS
    while True:
        # A job that ended half an hour ago is no longer listed.
        status, details = cursor.execute(STATUS, (job_id,)).fetchone() or ("completed", None)
        if status == "completed":
            return
        if status == "failed":
            raise JobFailedError(details or "the job failed without saying why")
        if time.monotonic() + pause > deadline:
            raise OutOfTimeError(
                f"job {job_id} was {status} when time ran out and goes on without the runner: run the command again"
            )
        time.sleep(pause)
        pause = min(MAX_POLL_SECONDS, 2 * pause)
