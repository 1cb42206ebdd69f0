"""Statements as Aurora DSQL has them, and what PostgreSQL is given for each.

PostgreSQL's own parser reads them. What only DSQL has (`ASYNC`, `AWS IAM GRANT`) is recognised by its tokens.
"""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from google.protobuf.message import Message
from postgast import PgQueryError, parse, scan, split, unwrap_node
from postgast import pg_query_pb2 as pg
from psycopg import sql

from aurora_lambda_local.databases.dsql.errors import DsqlError, unsupported
from aurora_lambda_local.databases.dsql.rules import Kind, names, refusal, statement_kind
from aurora_lambda_local.databases.dsql.table_rules import refused_async_index

# How the statements of asynchronous jobs begin.
ASYNCHRONOUS = ("create index async ", "create unique index async ", "alter table async ")
# Stands for the id of a job, which each execution has anew and its repetitions have again.
NEW_JOB = "<the job of its statement>"
COMMENTS = {pg.SQL_COMMENT, pg.C_COMMENT}
SERVER_VERSION = "16.15"
VERSIONS = {"server_version": SERVER_VERSION, "server_version_num": "160015"}
# libpg_query keeps memory, and one of a process's 1,024 keys, for each thread that has called it: connections, with a
# thread each, would use them up.
_PARSER = ThreadPoolExecutor(1, "libpg_query")


@dataclass(frozen=True)
class Statement:
    """One statement: `sql` is PostgreSQL's; `tag`, unless it is empty, is what DSQL answers instead of its tag.

    `prepared` is the name of the prepared statement that it deallocates; empty for all.
    """

    sql: str
    kind: Kind
    tag: str = ""
    refused: DsqlError | None = None
    read_only: bool = False
    prepared: str = ""


@dataclass(frozen=True)
class Words:
    """The tokens of a statement, without its comments."""

    text: bytes
    tokens: Sequence[pg.ScanToken]

    def __getitem__(self, place: int) -> str:
        """Return one word as it is written."""
        return self.text[self.tokens[place].start : self.tokens[place].end].decode()

    def lower(self) -> list[str]:
        """Return all words in lower case."""
        return [self[place].lower() for place in range(len(self.tokens))]

    def without(self, places: Collection[int]) -> str:
        """Return the statement with the words at `places` blanked out."""
        characters = bytearray(self.text)
        for token in (self.tokens[place] for place in places):
            characters[token.start : token.end] = b" " * (token.end - token.start)
        return characters.decode()


def parse_statements(text: str) -> list[Statement]:
    """Return the statements in `text`; what cannot be parsed is left for PostgreSQL to refuse."""
    return _PARSER.submit(_statements, text).result()


def parse_statement(text: str) -> Statement:
    """Return one statement."""
    return _PARSER.submit(_statement, text).result()


def _statements(text: str) -> list[Statement]:
    try:
        return [_statement(part) for part in split(text, method="scanner")] or [Statement(text, Kind.READ)]
    except PgQueryError:
        return [Statement(text, Kind.READ)]


def _statement(text: str) -> Statement:
    try:
        words = Words(text.encode(), [each for each in scan(text).tokens if each.token not in COMMENTS])
        first = words.lower()[:4]
        if first[:2] == ["aws", "iam"]:
            return _iam_statement(text, words)
        if f"{' '.join(first)} ".startswith(ASYNCHRONOUS):
            return _job_statement(text, words)
        parsed = parse(text).stmts
    except PgQueryError:
        return Statement(text, Kind.READ)
    return _plain_statement(text, unwrap_node(parsed[0].stmt)) if len(parsed) == 1 else Statement(text, Kind.READ)


def _plain_statement(text: str, node: Message) -> Statement:
    if error := refusal(node):
        return Statement(text, Kind.READ, refused=error)
    statement = Statement(text, statement_kind(node))
    match node:
        case pg.TransactionStmt():
            options = {each.def_elem.defname: each.def_elem.arg.a_const.ival.ival for each in node.options}
            statement = replace(statement, read_only=bool(options.get("transaction_read_only")))
        case pg.VariableSetStmt():
            # A setting that only DSQL has: PostgreSQL keeps any whose name has a prefix.
            ours = text.replace("disable_sync_create_index", "dsql.disable_sync_create_index")
            statement = replace(statement, sql=ours)
        case pg.VariableShowStmt() if node.name in VERSIONS:
            statement = replace(statement, sql=f"SELECT '{VERSIONS[node.name]}' AS {node.name}", tag="SHOW")
        case pg.CallStmt() if names(node.funccall.funcname) == ["sys", "wait_for_job"]:
            statement = replace(statement, kind=Kind.WAIT)
        case pg.DeallocateStmt():
            statement = replace(statement, tag=f"DEALLOCATE{' ALL' if node.isall else ''}", prepared=node.name)
    return statement


def _job_statement(text: str, words: Words) -> Statement:
    """Return the call that does what an ASYNC statement asks for, and answers the id of its job."""
    lower = words.lower()
    used = lower.index("using") if "using" in lower[: lower.index("(") if "(" in lower else 0] else None
    if used is not None and lower[used + 1] != "btree_index":
        return Statement(text, Kind.DDL, refused=unsupported("USING not supported for CREATE INDEX"))
    removed = {lower.index("async")} | (set() if used is None else {used, used + 1})
    plain = words.without(removed)
    try:
        node = unwrap_node(parse(plain).stmts[0].stmt)
    except PgQueryError:
        return Statement(plain, Kind.DDL)
    if isinstance(node, pg.IndexStmt):
        # Not unique to PostgreSQL until its job has looked at the rows: see sys.submit_index.
        plain = words.without(removed | ({1} if node.unique else set()))
        call = sql.SQL("SELECT sys.create_index({}, {}, {}) AS job_id").format(plain, node.unique, NEW_JOB)
        return Statement(call.as_string(), Kind.DDL, "CREATE INDEX", refused_async_index(node))
    commands = [each.alter_table_cmd for each in node.cmds] if isinstance(node, pg.AlterTableStmt) else []
    if [each.subtype for each in commands] != [pg.AT_ValidateConstraint] or not isinstance(node, pg.AlterTableStmt):
        return Statement(text, Kind.DDL, refused=unsupported("unsupported ALTER TABLE ASYNC statement"))
    table = sql.Identifier(*(name for name in (node.relation.schemaname, node.relation.relname) if name))
    call = sql.SQL("SELECT sys.validate_constraint({}, {}, {}) AS job_id")
    return Statement(call.format(table.as_string(), commands[0].name, NEW_JOB).as_string(), Kind.DDL, "ALTER TABLE")


def _iam_statement(text: str, words: Words) -> Statement:
    """Return the call that does what AWS IAM GRANT or REVOKE asks for."""
    match words.lower():
        case [_, _, "grant" as verb, _, "to", _] | [_, _, "revoke" as verb, _, "from", _]:
            call = f"CALL sys.iam_{verb}({_name(words[3])}, {words[5]})"
            return Statement(call, Kind.DDL, f"AWS IAM {verb.upper()}")
    # PostgreSQL says what is wrong with it.
    return Statement(text, Kind.DDL)


def _name(word: str) -> str:
    """Return the string literal of the name that an identifier means."""
    name = word[1:-1].replace('""', '"') if word.startswith('"') else word.lower()
    return sql.Literal(name).as_string()
