"""Statements as Aurora DSQL has them, and what PostgreSQL is given for each.

PostgreSQL's own parser reads them. What only DSQL has (`ASYNC`, `AWS IAM GRANT`) is recognised by its tokens.
"""

import base64
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from pglast import parse_sql, parser
from pglast.enums import AlterTableType, TransactionStmtKind
from pglast.stream import RawStream
from psycopg import sql

from aurora_lambda_local.databases.dsql.errors import DsqlError, unsupported
from aurora_lambda_local.databases.dsql.nodes import Node, node_type, walk
from aurora_lambda_local.databases.dsql.rules import refusal
from aurora_lambda_local.databases.dsql.table_rules import refused_async_index

CHANGES = {"DeleteStmt", "InsertStmt", "UpdateStmt"}
QUERIES = {"ExplainStmt", "SelectStmt", *CHANGES}
# How the statements of asynchronous jobs begin.
ASYNCHRONOUS = ("create index async ", "create unique index async ", "alter table async ")
# PostgreSQL's catalogs that read otherwise on DSQL: views of their names are in the schema `sys`.
OWN_CATALOGS = {"pg_am", "pg_index"}
# The names in `schema.table.column`.
WITH_SCHEMA = 3


class Kind(Enum):
    """How a statement counts in a transaction."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    READ = auto()
    LOCK = auto()
    DML = auto()
    DDL = auto()
    SET = auto()
    WAIT = auto()


@dataclass(frozen=True)
class Statement:
    """One statement: `sql` is PostgreSQL's; `tag`, unless it is empty, is what DSQL answers instead of its tag."""

    sql: str
    kind: Kind
    tag: str = ""
    refused: DsqlError | None = None
    read_only: bool = False


def parse_statements(text: str) -> list[Statement]:
    """Return the statements in `text`; what cannot be parsed is left for PostgreSQL to refuse."""
    try:
        parts = parser.split(text, with_parser=False)
    except parser.ParseError:
        return [Statement(text, Kind.READ)]
    return [parse_statement(part) for part in parts] or [Statement(text, Kind.READ)]


def parse_statement(text: str) -> Statement:
    """Return one statement."""
    try:
        tokens = [each for each in parser.scan(text) if not each.name.endswith("COMMENT")]
        words = [text[token.start : token.end + 1] for token in tokens]
        if [word.lower() for word in words[:2]] == ["aws", "iam"]:
            return _iam_statement(text, words)
        if f"{' '.join(words[:4])} ".lower().startswith(ASYNCHRONOUS):
            return _job_statement(text, tokens, words)
        parsed = parse_sql(text)
    except parser.ParseError:
        return Statement(text, Kind.READ)
    if len(parsed) != 1:
        return Statement(text, Kind.READ)
    return _plain_statement(text, parsed[0].stmt)


def _plain_statement(text: str, node: Node) -> Statement:
    refused = refusal(node)
    if node_type(node) == "TransactionStmt":
        return Statement(text, _transaction_kind(node), refused=refused, read_only=_read_only(node))
    if node_type(node) == "VariableSetStmt":
        # A setting that only DSQL has: PostgreSQL keeps any whose name has a prefix.
        ours = text.replace("disable_sync_create_index", "dsql.disable_sync_create_index")
        return Statement(ours, Kind.SET, refused=refused)
    if node_type(node) == "VariableShowStmt" and node.name == "server_version":
        return Statement("SELECT '16.15' AS server_version", Kind.READ, "SHOW")
    if node_type(node) == "CallStmt" and _function_name(node.funccall) == ["sys", "wait_for_job"]:
        return Statement(text, Kind.WAIT)
    return Statement(_with_own_catalogs(text, node), _kind(node), refused=refused)


def _with_own_catalogs(text: str, node: Node) -> str:
    """Return a query that reads DSQL's catalogs instead of PostgreSQL's."""
    if node_type(node) not in QUERIES or not any(name in text for name in OWN_CATALOGS):
        return text
    for each in walk(node):
        if node_type(each) == "RangeVar" and each.relname in OWN_CATALOGS:
            each.schemaname = "sys"
        if node_type(each) == "ColumnRef" and len(each.fields) == WITH_SCHEMA and each.fields[1].sval in OWN_CATALOGS:
            each.fields[0].sval = "sys"
    return RawStream()(node)


def _transaction_kind(node: Node) -> Kind:
    kinds = TransactionStmtKind
    if node.kind in {kinds.TRANS_STMT_BEGIN, kinds.TRANS_STMT_START}:
        return Kind.BEGIN
    return Kind.COMMIT if node.kind == kinds.TRANS_STMT_COMMIT else Kind.ROLLBACK


def _read_only(node: Node) -> bool:
    return any(option.defname == "transaction_read_only" and option.arg.val.ival for option in node.options or ())


def _kind(node: Node) -> Kind:
    name = node_type(node)
    if name == "CopyStmt":
        return Kind.DML if node.is_from else Kind.READ
    if name not in QUERIES:
        return Kind.READ if name in {"CallStmt", "VariableShowStmt"} else Kind.DDL
    parts = {node_type(each) for each in walk(node)}
    return Kind.DML if parts & CHANGES else Kind.LOCK if "LockingClause" in parts else Kind.READ


def _function_name(call: Node) -> list[str]:
    return [part.sval for part in call.funcname]


def _job_statement(text: str, tokens: Sequence[parser.Token], words: Sequence[str]) -> Statement:
    """Return the call that does what an ASYNC statement asks for, and answers the id of its job."""
    lower = [word.lower() for word in words]
    used = lower.index("using") if "using" in lower[: lower.index("(") if "(" in lower else 0] else None
    if used is not None and lower[used + 1] != "btree_index":
        return Statement(text, Kind.DDL, refused=unsupported("USING not supported for CREATE INDEX"))
    place = lower.index("async")
    removed = {place} if used is None else {place, used, used + 1}
    plain = _without(text, tokens, removed)
    try:
        node: Node = parse_sql(plain)[0].stmt
    except parser.ParseError:
        return Statement(plain, Kind.DDL)
    job = _job_id()
    if node_type(node) == "IndexStmt":
        # Not unique to PostgreSQL until its job has looked at the rows: see sys.submit_index.
        plain = _without(text, tokens, removed | ({1} if node.unique else set()))
        call = sql.SQL("SELECT sys.create_index({}, {}, {}) AS job_id").format(plain, node.unique, job)
        return Statement(call.as_string(), Kind.DDL, "CREATE INDEX", refused_async_index(node))
    command = node.cmds[0]
    if len(node.cmds) != 1 or command.subtype != AlterTableType.AT_ValidateConstraint:
        return Statement(text, Kind.DDL, refused=unsupported("unsupported ALTER TABLE ASYNC statement"))
    names = [name for name in (node.relation.schemaname, node.relation.relname) if name]
    table = sql.Literal(sql.Identifier(*names).as_string())
    call = sql.SQL("SELECT sys.validate_constraint({}, {}, {}) AS job_id").format(table, command.name, job)
    return Statement(call.as_string(), Kind.DDL, "ALTER TABLE")


def _without(text: str, tokens: Sequence[parser.Token], places: Collection[int]) -> str:
    """Return `text` with the tokens at `places` blanked out."""
    characters = list(text)
    for place in places:
        start, end = tokens[place].start, tokens[place].end + 1
        characters[start:end] = " " * (end - start)
    return "".join(characters)


def _job_id() -> str:
    """Return 128 random bits as DSQL writes them."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def _iam_statement(text: str, words: Sequence[str]) -> Statement:
    """Return the call that does what AWS IAM GRANT or REVOKE asks for."""
    match [word.lower() for word in words]:
        case [_, _, "grant", _, "to", _] | [_, _, "revoke", _, "from", _]:
            verb, role, arn = words[2].lower(), _name(words[3]), words[5]
            return Statement(f"CALL sys.iam_{verb}({role}, {arn})", Kind.DDL, f"AWS IAM {verb.upper()}")
    # PostgreSQL says what is wrong with it.
    return Statement(text, Kind.DDL)


def _name(word: str) -> str:
    """Return the string literal of the name that an identifier means."""
    name = word[1:-1].replace('""', '"') if word.startswith('"') else word.lower()
    return sql.Literal(name).as_string()
