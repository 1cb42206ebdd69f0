"""What must outlive this process: tables, their streams, the progress and failures of mappings, and schedules.

One SQLite file a stack. What is written outlives a kill of this process; after a power cut the last of it may be gone.
"""

import json
import shlex
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.streams.mapping import RETENTION_SECONDS
from aurora_lambda_local.streams.records import Record

SCHEMA = """
create table if not exists tables (region text, name text, document text, primary key (region, name));
create table if not exists records
    (stream text, sequence text, created real, event text, primary key (stream, sequence)) without rowid;
create table if not exists checkpoints
    (mapping text, stream text, lane integer, position text, window text, primary key (mapping, lane));
create table if not exists failures
    (id integer primary key, mapping text, destination text, key text, document text, delivered integer default 0);
create table if not exists schedules (arn text primary key, expression text, due real);
"""
DIGITS = 40


@dataclass(frozen=True)
class TableKey:
    """A table's region and name."""

    region: str
    name: str


@dataclass(frozen=True)
class Checkpoint:
    """The last sequence number that a lane of a mapping is done with, and its tumbling window's start and state."""

    position: int
    window: tuple[int, dict[str, Any]] | None = None


@dataclass(frozen=True)
class StoredFailure:
    """A failure document, and its key in the destination: an object's key or a message's id."""

    id: int
    mapping: str
    destination: str
    key: str
    document: str


class StreamStore:
    """One stack's file; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        """Open the file, which is made where it is missing.

        Raises:
            LocalError: it is damaged.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        try:
            self._connection.executescript(f"pragma journal_mode = wal; pragma synchronous = normal; {SCHEMA}")
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise LocalError(
                f"{path} cannot be read ({error}); to go on with no tables: rm {shlex.quote(str(path))}"
            ) from None
        self._run("delete from records where created < ?", (time.time() - RETENTION_SECONDS,))
        # Destinations are in memory: those of the last process are gone.
        self._run("update failures set delivered = 0", ())

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit all that is written within, or nothing."""
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield
                self._connection.execute("commit")
            except BaseException:
                # Unlike the statement it does nothing where SQLite has rolled back by itself, as on a full disk.
                self._connection.rollback()
                raise

    def tables(self) -> dict[TableKey, dict[str, Any]]:
        """Return what is kept of each table: `requests` that made it what it is, its `stream` and its `items`."""
        rows = self._all("select region, name, document from tables order by rowid")
        return {TableKey(region, name): json.loads(document) for region, name, document in rows}

    def put_table(self, table: TableKey, document: str) -> None:
        """Keep a table."""
        self._run("insert or replace into tables values (?, ?, ?)", (table.region, table.name, document))

    def delete_table(self, table: TableKey) -> None:
        """Forget a table."""
        self._run("delete from tables where region = ? and name = ?", (table.region, table.name))

    def delete_records(self, stream: str) -> None:
        """Forget the records of a stream."""
        self._run("delete from records where stream = ?", (stream,))

    def append(self, stream: str, events: Iterable[Record]) -> None:
        """Add records to the end of a stream."""
        rows = [(stream, _padded(each.sequence_number), each.created, json.dumps(each.event)) for each in events]
        with self.transaction():
            self._connection.executemany("insert into records values (?, ?, ?, ?)", rows)

    def read(self, stream: str, after: int, limit: int) -> list[Record]:
        """Return the records after a sequence number that the stream still keeps, oldest first."""
        query = "select event from records where stream = ? and sequence > ? and created >= ? order by sequence limit ?"
        rows = self._all(query, (stream, _padded(after), time.time() - RETENTION_SECONDS, limit))
        return [Record(json.loads(event)) for (event,) in rows]

    def last_position(self, stream: str) -> int:
        """Return the sequence number of a stream's last record; 0 when it holds none."""
        ((last,),) = self._all("select max(sequence) from records where stream = ?", (stream,))
        return int(last or 0)

    def checkpoints(self, mapping: str, stream: str) -> dict[int, Checkpoint]:
        """Return how far each lane of a mapping has come in this stream."""
        query = "select lane, position, window from checkpoints where mapping = ? and stream = ?"
        return {
            lane: Checkpoint(int(position), tuple(json.loads(window)) if window else None)
            for lane, position, window in self._all(query, (mapping, stream))
        }

    def replace_checkpoints(self, mapping: str, stream: str, checkpoints: Sequence[Checkpoint]) -> None:
        """Set where the lanes of a mapping start, however many it had."""
        with self.transaction():
            self.delete_checkpoints(mapping)
            for lane, each in enumerate(checkpoints):
                self._put_checkpoint(mapping, stream, lane, each)

    def delete_checkpoints(self, mapping: str) -> None:
        """Forget how far a mapping has come."""
        self._run("delete from checkpoints where mapping = ?", (mapping,))

    def advance(
        self, mapping: str, stream: str, lane: int, checkpoint: Checkpoint, failure: tuple[str, str, str] | None = None
    ) -> None:
        """Keep a lane's progress together with the failure it leaves: destination, key and document."""
        statement = "insert into failures (mapping, destination, key, document) values (?, ?, ?, ?)"
        with self.transaction():
            self._put_checkpoint(mapping, stream, lane, checkpoint)
            if failure:
                self._run(statement, (mapping, *failure))

    def _put_checkpoint(self, mapping: str, stream: str, lane: int, checkpoint: Checkpoint) -> None:
        window = json.dumps(checkpoint.window) if checkpoint.window else None
        row = (mapping, stream, lane, str(checkpoint.position), window)
        self._run("insert or replace into checkpoints values (?, ?, ?, ?, ?)", row)

    def failures(self, *, delivered: bool) -> list[StoredFailure]:
        """Return the failures that are in their destination, or those that are not there yet, oldest first."""
        query = "select id, mapping, destination, key, document from failures where delivered = ? order by id"
        return [StoredFailure(*row) for row in self._all(query, (delivered,))]

    def mark_delivered(self, failure: int, key: str) -> None:
        """Note that a failure is in its destination, under this key."""
        self._run("update failures set delivered = 1, key = ? where id = ?", (key, failure))

    def delete_failures(self, failures: Sequence[int]) -> None:
        """Forget failures that were removed from their destination."""
        for failure in failures:
            self._run("delete from failures where id = ?", (failure,))

    def schedule(self, arn: str) -> tuple[str, float | None] | None:
        """Return a schedule's expression and when it is due; None where it is new."""
        rows = self._all("select expression, due from schedules where arn = ?", (arn,))
        return (rows[0][0], rows[0][1]) if rows else None

    def put_schedule(self, arn: str, expression: str, due: float | None) -> None:
        """Keep when a schedule is due next."""
        self._run("insert or replace into schedules values (?, ?, ?)", (arn, expression, due))

    def delete_schedule(self, arn: str) -> None:
        """Forget a schedule."""
        self._run("delete from schedules where arn = ?", (arn,))

    def _run(self, statement: str, parameters: Sequence[object]) -> None:
        with self._lock:
            self._connection.execute(statement, parameters)

    def _all(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, parameters).fetchall()


def _padded(sequence_number: int) -> str:
    """Return a sequence number so that text sorts as numbers do."""
    return f"{sequence_number:0{DIGITS}d}"
