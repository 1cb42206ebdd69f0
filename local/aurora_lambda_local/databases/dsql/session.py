"""One client's session after its login: simple and extended queries, and the state of its transaction."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from aurora_lambda_local.databases.dsql.errors import DsqlError
from aurora_lambda_local.databases.dsql.protocol import (
    Message,
    MessageSocket,
    complete,
    error_response,
    query,
    ready,
    split_text,
    sqlstate,
    without_internals,
)
from aurora_lambda_local.databases.dsql.statements import Kind, Statement, parse_statement, parse_statements
from aurora_lambda_local.databases.dsql.storage import CopiedData
from aurora_lambda_local.databases.dsql.transaction import Request, Transaction

IDLE, BLOCK, FAILED = "I", "T", "E"
WAIT_SECONDS = 60
POLL_SECONDS = 0.02
# The unnamed statement and portal: each execution sends both again, because the transaction may be restarted.
UNNAMED = b"\0"
ALL_ROWS = b"\0\0\0\0"


@dataclass(frozen=True)
class Prepared:
    """A prepared statement; `types` are the parameter types of its Parse message."""

    statement: Statement
    types: bytes

    @property
    def parse(self) -> Message:
        """The message that prepares it as the unnamed statement."""
        return Message(b"P", UNNAMED + self.statement.sql.encode() + b"\0" + self.types)


@dataclass(frozen=True)
class Portal:
    """A prepared statement with its parameters."""

    prepared: Prepared
    parameters: bytes

    @property
    def bind(self) -> tuple[Message, Message]:
        """The messages that make it the unnamed portal."""
        return self.prepared.parse, Message(b"B", UNNAMED + UNNAMED + self.parameters)


class Session:
    """Answers the messages of one client until it goes."""

    def __init__(self, client: MessageSocket, transaction: Transaction) -> None:
        self._client = client
        self._transaction = transaction
        self._status = IDLE
        self._output: list[Message] = []
        self._prepared: dict[str, Prepared] = {}
        self._portals: dict[str, Portal] = {}
        # After an error in an extended query everything up to the next Sync is passed over.
        self._skipping = False

    def run(self) -> None:
        """Answer until the client sends Terminate.

        Raises:
            ConnectionDroppedError: the connection is to end, or has ended.
        """
        while (message := self._client.receive()).type != b"X":
            if message.type == b"Q":
                self._simple_query(message.body)
            elif message.type == b"S":
                self._sync()
            elif message.type == b"H":
                self._flush()
            elif not self._skipping:
                self._extended(message)

    def _simple_query(self, body: bytes) -> None:
        try:
            for statement in parse_statements(split_text(body)[0]):
                self._output += self._perform(statement, (query(statement.sql),))
            self._end_implicit()
        except (DsqlError, _PostgresError) as error:
            self._fail(error)
        self._ready()

    def _extended(self, message: Message) -> None:
        handlers = {b"P": self._parse, b"B": self._bind, b"D": self._describe, b"E": self._execute, b"C": self._close}
        try:
            if handler := handlers.get(message.type):
                handler(message.body)
        except (DsqlError, _PostgresError) as error:
            self._fail(error)
            self._skipping = True

    def _sync(self) -> None:
        if not self._skipping:
            try:
                self._end_implicit()
            except (DsqlError, _PostgresError) as error:
                self._fail(error)
        self._skipping = False
        self._ready()

    def _parse(self, body: bytes) -> None:
        name, rest = split_text(body)
        text, types = split_text(rest)
        prepared = Prepared(parse_statement(text), types)
        self._output += self._ask(prepared, (prepared.parse,))
        self._prepared[name] = prepared

    def _bind(self, body: bytes) -> None:
        portal, rest = split_text(body)
        name, parameters = split_text(rest)
        self._portals[portal] = Portal(self._find(name), parameters)
        self._output.append(Message(b"2"))

    def _describe(self, body: bytes) -> None:
        name, _ = split_text(body[1:])
        if body[:1] == b"S":
            prepared = self._find(name)
            messages = (prepared.parse, Message(b"D", b"S" + UNNAMED))
        else:
            portal = self._portal(name)
            prepared, messages = portal.prepared, (*portal.bind, Message(b"D", b"P" + UNNAMED))
        replies = self._ask(prepared, messages)
        self._output += [each for each in replies if each.type not in {b"1", b"2"}]

    def _execute(self, body: bytes) -> None:
        portal = self._portal(split_text(body)[0])
        # All rows, whatever number is asked for: there would be no portal to go on with.
        messages = (*portal.bind, Message(b"E", UNNAMED + ALL_ROWS))
        replies = self._perform(portal.prepared.statement, messages)
        self._output += [each for each in replies if each.type not in {b"1", b"2"}]

    def _close(self, body: bytes) -> None:
        name, _ = split_text(body[1:])
        (self._prepared if body[:1] == b"S" else self._portals).pop(name, None)
        self._output.append(Message(b"3"))

    def _find(self, name: str) -> Prepared:
        if name not in self._prepared:
            raise DsqlError("26000", f'prepared statement "{name}" does not exist')
        return self._prepared[name]

    def _portal(self, name: str) -> Portal:
        if name not in self._portals:
            raise DsqlError("34000", f'portal "{name}" does not exist')
        return self._portals[name]

    def _ask(self, prepared: Prepared, messages: tuple[Message, ...]) -> list[Message]:
        """Return PostgreSQL's replies to questions about a statement; nothing is executed."""
        kinds = {Kind.BEGIN, Kind.COMMIT, Kind.ROLLBACK}
        if self._status == FAILED and prepared.statement.kind not in kinds:
            raise _aborted()
        if prepared.statement.refused:
            raise prepared.statement.refused
        if self._status == FAILED:
            return [Message(b"1")] if len(messages) == 1 else [Message(b"t", b"\0\0"), Message(b"n")]
        kind = Kind.WAIT if prepared.statement.kind == Kind.WAIT else Kind.READ
        return _checked(self._transaction.run(Request(kind, messages)))

    def _perform(self, statement: Statement, messages: tuple[Message, ...]) -> list[Message]:
        """Return the replies to a statement, whose transaction is begun where there is none."""
        if statement.refused:
            raise statement.refused
        if statement.kind == Kind.BEGIN:
            return self._begin(statement)
        if statement.kind in {Kind.COMMIT, Kind.ROLLBACK}:
            return self._end(commit=statement.kind == Kind.COMMIT and self._status != FAILED)
        if self._status == FAILED:
            raise _aborted()
        if statement.kind == Kind.WAIT:
            return self._wait(messages)
        request = Request(statement.kind, messages, self._copied_data())
        return _tagged(_checked(self._transaction.run(request)), statement.tag)

    def _begin(self, statement: Statement) -> list[Message]:
        if self._status == FAILED:
            raise _aborted()
        if self._status == IDLE:
            self._transaction.begin(read_only=statement.read_only)
            self._status = BLOCK
        return [complete("BEGIN")]

    def _end(self, *, commit: bool) -> list[Message]:
        try:
            if commit:
                _checked(self._transaction.commit())
            else:
                self._transaction.rollback()
        finally:
            self._status = IDLE
        return [complete("COMMIT" if commit else "ROLLBACK")]

    def _end_implicit(self) -> None:
        """Commit what ran outside a transaction block."""
        if self._status != IDLE:
            return
        try:
            _checked(self._transaction.commit())
        except (DsqlError, _PostgresError):
            # The statement was about to be reported as done.
            if self._output and self._output[-1].type == b"C":
                self._output.pop()
            raise

    def _wait(self, messages: tuple[Message, ...]) -> list[Message]:
        """Return the result of a job, or that it is unfinished after a minute."""
        if self._status != IDLE:
            raise DsqlError("25001", "sys.wait_for_job cannot run inside a transaction block")
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            replies = _checked(self._transaction.run(Request(Kind.WAIT, messages)))
            row = next(each for each in replies if each.type == b"D")
            # A row of one column, which is null: the job has not ended.
            if row.body != b"\0\1\xff\xff\xff\xff" or time.monotonic() > deadline:
                return replies
            self._transaction.rollback()
            time.sleep(POLL_SECONDS)

    def _copied_data(self) -> CopiedData:
        """Return what fetches the data of a COPY from the client, once."""
        kept: list[Message] = []

        def copied(request: Message) -> list[Message]:
            if not kept:
                self._output.append(request)
                self._flush()
            while not kept or kept[-1].type not in {b"c", b"f"}:
                kept.append(self._client.receive())
            return kept

        return copied

    def _fail(self, error: "DsqlError | _PostgresError") -> None:
        """Report an error and undo the transaction; its block, if any, stays failed until it is ended."""
        self._transaction.rollback()
        if self._status == BLOCK:
            self._status = FAILED
        replies = [error_response(error)] if isinstance(error, DsqlError) else error.replies
        self._output += [without_internals(each) if each.type == b"E" else each for each in replies]

    def _ready(self) -> None:
        self._output.append(ready(self._status))
        self._flush()

    def _flush(self) -> None:
        self._client.send(self._output)
        self._output.clear()


class _PostgresError(Exception):
    """PostgreSQL has refused a statement; `replies` end with its error."""

    def __init__(self, replies: Sequence[Message]) -> None:
        super().__init__()
        self.replies = replies


def _checked(replies: list[Message]) -> list[Message]:
    if sqlstate(replies):
        raise _PostgresError(replies)
    return replies


def _tagged(replies: list[Message], tag: str) -> list[Message]:
    return [complete(tag) if tag and each.type == b"C" else each for each in replies]


def _aborted() -> DsqlError:
    return DsqlError("25P02", "current transaction is aborted, commands ignored until end of transaction block")
