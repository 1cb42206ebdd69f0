"""One client's session after its login: simple and extended queries, and the state of its transaction."""

import base64
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aurora_lambda_local.databases.dsql.errors import DsqlError
from aurora_lambda_local.databases.dsql.protocol import (
    Message,
    MessageSocket,
    RefusedError,
    complete,
    error_response,
    query,
    ready,
    split_text,
    without_internals,
)
from aurora_lambda_local.databases.dsql.rules import Kind
from aurora_lambda_local.databases.dsql.statements import NEW_JOB, Statement, parse_statement, parse_statements
from aurora_lambda_local.databases.dsql.storage import CopiedData
from aurora_lambda_local.databases.dsql.transaction import Transaction

IDLE, BLOCK, FAILED = "I", "T", "E"
WAIT_SECONDS = 60
POLL_SECONDS = 0.02
# The unnamed statement and portal: each execution sends both again, because the transaction may be restarted.
UNNAMED = b"\0"
ALL_ROWS = b"\0\0\0\0"
# A row of one column, which is null: the job has not ended.
UNFINISHED = b"\0\1\xff\xff\xff\xff"
PARSED, BOUND = Message(b"1"), Message(b"2")


@dataclass(frozen=True)
class Prepared:
    """A prepared statement or a portal, and the messages that make it the unnamed one."""

    statement: Statement
    messages: tuple[Message, ...]


class Session:
    """Answers the messages of one client until it goes."""

    def __init__(self, client: MessageSocket, transaction: Transaction) -> None:
        self._client = client
        self._transaction = transaction
        self._status = IDLE
        self._output: list[Message] = []
        self._prepared: dict[str, Prepared] = {}
        self._portals: dict[str, Prepared] = {}
        # After an error in an extended query everything up to the next Sync is passed over.
        self._skipping = False
        self._extended: Mapping[bytes, Callable[[bytes], None]] = {
            b"P": self._parse,
            b"B": self._bind,
            b"D": self._describe,
            b"E": self._execute,
            b"C": self._close,
        }

    def run(self) -> None:
        """Answer until the client sends Terminate.

        Raises:
            ConnectionDroppedError: the connection is to end, or has ended.
        """
        while (message := self._client.receive()).type != b"X":
            if message.type == b"Q":
                self._try(self._simple_query, message.body)
                self._ready()
            elif message.type == b"S":
                if not self._skipping:
                    self._try(self._end_implicit)
                self._skipping = False
                self._ready()
            elif message.type == b"H":
                self._flush()
            elif message.type in self._extended and not self._skipping:
                self._skipping = not self._try(self._extended[message.type], message.body)

    def _try(self, action: Callable[..., None], *arguments: bytes) -> bool:
        """Do something; False where it fails, which undoes the transaction and leaves its block, if any, failed."""
        try:
            action(*arguments)
        except (DsqlError, RefusedError) as error:
            self._transaction.rollback()
            if self._status == BLOCK:
                self._status = FAILED
            replies = [error_response(error)] if isinstance(error, DsqlError) else error.replies
            self._output += [without_internals(each) if each.type == b"E" else each for each in replies]
            return False
        return True

    def _simple_query(self, body: bytes) -> None:
        for statement in parse_statements(split_text(body)[0]):
            self._output += self._perform(statement, (query(statement.sql),))
        self._end_implicit()

    def _parse(self, body: bytes) -> None:
        name, rest = split_text(body)
        text, types = split_text(rest)
        statement = parse_statement(text)
        self._check(statement)
        prepared = Prepared(statement, (Message(b"P", UNNAMED + statement.sql.encode() + b"\0" + types),))
        # A failed block takes but its end, of which PostgreSQL knows nothing.
        self._output += [PARSED] if self._status == FAILED else self._ask(prepared)
        self._prepared[name] = prepared

    def _bind(self, body: bytes) -> None:
        portal, rest = split_text(body)
        name, parameters = split_text(rest)
        prepared = self._find(name)
        bind = Message(b"B", UNNAMED + UNNAMED + parameters)
        self._portals[portal] = Prepared(prepared.statement, (*prepared.messages, bind))
        self._output.append(BOUND)

    def _describe(self, body: bytes) -> None:
        kind, (name, _) = body[:1], split_text(body[1:])
        prepared = self._find(name) if kind == b"S" else self._portal(name)
        self._check(prepared.statement)
        if self._status == FAILED:
            self._output += [Message(b"t", b"\0\0"), Message(b"n")] if kind == b"S" else [Message(b"n")]
        else:
            replies = self._ask(prepared, Message(b"D", kind + UNNAMED))
            self._output += [each for each in replies if each not in (PARSED, BOUND)]

    def _execute(self, body: bytes) -> None:
        portal = self._portal(split_text(body)[0])
        # All rows, whatever number is asked for: there would be no portal to go on with.
        replies = self._perform(portal.statement, (*portal.messages, Message(b"E", UNNAMED + ALL_ROWS)))
        self._output += [each for each in replies if each not in (PARSED, BOUND)]

    def _close(self, body: bytes) -> None:
        name, _ = split_text(body[1:])
        (self._prepared if body[:1] == b"S" else self._portals).pop(name, None)
        self._output.append(Message(b"3"))

    def _find(self, name: str) -> Prepared:
        if name not in self._prepared:
            raise DsqlError("26000", f'prepared statement "{name}" does not exist')
        return self._prepared[name]

    def _portal(self, name: str) -> Prepared:
        if name not in self._portals:
            raise DsqlError("34000", f'portal "{name}" does not exist')
        return self._portals[name]

    def _check(self, statement: Statement) -> None:
        """Refuse a statement for what it says, or in a failed block for not ending it."""
        if self._status == FAILED and statement.kind not in {Kind.COMMIT, Kind.ROLLBACK}:
            text = "current transaction is aborted, commands ignored until end of transaction block"
            raise DsqlError("25P02", text)
        if statement.refused:
            raise statement.refused

    def _ask(self, prepared: Prepared, *questions: Message) -> list[Message]:
        """Return PostgreSQL's replies to questions about a statement; nothing is executed."""
        kind = Kind.WAIT if prepared.statement.kind == Kind.WAIT else Kind.READ
        return self._transaction.run(kind, (*prepared.messages, *questions))

    def _perform(self, statement: Statement, messages: tuple[Message, ...]) -> list[Message]:
        """Return the replies to a statement, whose transaction is begun where there is none."""
        self._check(statement)
        if statement.kind == Kind.BEGIN:
            if self._status == IDLE:
                self._transaction.begin(read_only=statement.read_only)
                self._status = BLOCK
            return [complete("BEGIN")]
        if statement.kind in {Kind.COMMIT, Kind.ROLLBACK}:
            return self._end(commit=statement.kind == Kind.COMMIT and self._status != FAILED)
        if statement.kind == Kind.DEALLOCATE:
            return self._deallocate(statement)
        if statement.kind == Kind.WAIT:
            return self._wait(messages)
        if statement.kind == Kind.DDL:
            job = base64.b32encode(secrets.token_bytes(16))[: len(NEW_JOB)].lower()
            messages = tuple(Message(each.type, each.body.replace(NEW_JOB.encode(), job)) for each in messages)
        replies = self._transaction.run(statement.kind, messages, self._copied_data())
        return [complete(statement.tag) if statement.tag and each.type == b"C" else each for each in replies]

    def _end(self, *, commit: bool) -> list[Message]:
        try:
            if commit:
                self._transaction.commit()
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
            self._transaction.commit()
        except (DsqlError, RefusedError):
            # The statement was about to be reported as done.
            if self._output and self._output[-1].type == b"C":
                self._output.pop()
            raise

    def _deallocate(self, statement: Statement) -> list[Message]:
        if statement.prepared:
            self._find(statement.prepared)
            del self._prepared[statement.prepared]
        else:
            self._prepared.clear()
        return [complete(statement.tag)]

    def _wait(self, messages: tuple[Message, ...]) -> list[Message]:
        """Return the result of a job, or that it is unfinished after a minute."""
        if self._status != IDLE:
            raise DsqlError("25001", "sys.wait_for_job cannot run inside a transaction block")
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            replies = self._transaction.run(Kind.WAIT, messages)
            if all(each.body != UNFINISHED for each in replies if each.type == b"D") or time.monotonic() > deadline:
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

    def _ready(self) -> None:
        self._output.append(ready(self._status))
        self._flush()

    def _flush(self) -> None:
        self._client.send(self._output)
        self._output.clear()
