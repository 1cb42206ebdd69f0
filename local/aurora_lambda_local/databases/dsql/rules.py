"""Aurora DSQL's rules for PostgreSQL's language, whatever the state of the transaction.

A statement without a line in `KINDS` is refused; so is one that holds a part which `refused` knows. Messages that are
documented nowhere are worded like similar ones: match the SQLSTATE, not the text.

Sources: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/working-with-postgresql-compatibility.html and the
answers of clusters.
"""

import re
from collections.abc import Iterable
from enum import Enum, auto
from functools import singledispatch

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg
from postgast import walk

from aurora_lambda_local.databases.dsql.errors import DsqlError, unsupported


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
    DEALLOCATE = auto()


DDL = """
    AlterDefaultPrivileges AlterDomain AlterFunction AlterObjectSchema AlterOwner AlterRole AlterSeq AlterStats
    AlterTable Comment Create CreateDomain CreateFunction CreateRole CreateSchema CreateSeq CreateStats Drop DropRole
    Grant GrantRole Index Rename Vacuum View
"""
OBJECTS = "COLUMN DOMAIN DOMCONSTRAINT FUNCTION INDEX ROLE SCHEMA SEQUENCE STATISTIC_EXT TABCONSTRAINT TABLE VIEW"
KINDS = {
    **{f"{name}Stmt": Kind.DDL for name in DDL.split()},
    **{f"{name}Stmt": Kind.DML for name in ("Delete", "Insert", "Update")},
    **{f"{name}Stmt": Kind.READ for name in ("Call", "Copy", "Explain", "Select", "Transaction", "VariableShow")},
    **{f"{name}Stmt": Kind.SET for name in ("ConstraintsSet", "VariableSet")},
    "DeallocateStmt": Kind.DEALLOCATE,
}
MESSAGES = {
    "AlterEnumStmt": "ALTER TYPE not supported",
    "CreateEnumStmt": "CREATE TYPE not supported",
    "CreateEventTrigStmt": "CREATE EVENT TRIGGER not supported",
    "CreateTrigStmt": "CREATE TRIGGER not supported",
    "MergeStmt": "unsupported statement type: MERGE",
}
SETTINGS = {
    "application_name",
    "client_encoding",
    "datestyle",
    "disable_sync_create_index",
    "extra_float_digits",
    "intervalstyle",
    "search_path",
    "timezone",
}
SETTING_PREFIXES = ("enable_", "dsql.")
TRANSACTIONS = {
    pg.TRANS_STMT_BEGIN: Kind.BEGIN,
    pg.TRANS_STMT_START: Kind.BEGIN,
    pg.TRANS_STMT_COMMIT: Kind.COMMIT,
    pg.TRANS_STMT_ROLLBACK: Kind.ROLLBACK,
}
LOCKS = {pg.LCS_FORUPDATE, pg.LCS_FORKEYSHARE}
# What a query may not call by the name of its type.
GEOMETRY = {"box", "circle", "line", "lseg", "path", "point", "polygon"}
MIN_CACHE = 65536


def refusal(statement: Message) -> DsqlError | None:
    """Return why DSQL refuses a statement; None when it does not."""
    name = type(statement).__name__
    if name not in KINDS:
        return unsupported(MESSAGES.get(name, f"unsupported statement: {name.removesuffix('Stmt')}"))
    return refused_part(statement)


def refused_part(node: Message) -> DsqlError | None:
    """Return why DSQL refuses the first part of `node`, itself included, that it refuses."""
    return next((error for _, part in walk(node) if (error := refused(part))), None)


@singledispatch
def refused(_node: Message) -> DsqlError | None:
    """Return why DSQL refuses a part of a statement for what itself says."""
    return None


def statement_kind(statement: Message) -> Kind:
    """Return how a statement counts; it is not refused."""
    match statement:
        case pg.TransactionStmt():
            return TRANSACTIONS[statement.kind]
        case pg.CopyStmt() if statement.is_from:
            return Kind.DML
        case pg.SelectStmt() | pg.ExplainStmt():
            parts = {type(part).__name__ for _, part in walk(statement)}
            changes = any(KINDS.get(part) == Kind.DML for part in parts)
            return Kind.DML if changes else Kind.LOCK if "LockingClause" in parts else Kind.READ
    return KINDS[type(statement).__name__]


def names(nodes: Iterable[pg.Node]) -> list[str]:
    """Return the words of a name."""
    return [node.string.sval for node in nodes]


def refused_setting(name: str) -> DsqlError | None:
    """Return why a session may not change a setting."""
    if name.lower() in SETTINGS or name.lower().startswith(SETTING_PREFIXES):
        return None
    return unsupported(f'setting configuration parameter "{name}" not supported')


def refused_isolation(options: Iterable[pg.Node]) -> DsqlError | None:
    """Return why the options of a transaction are refused."""
    for option in (each.def_elem for each in options):
        level = option.arg.a_const.sval.sval
        if option.defname == "transaction_isolation" and level != "repeatable read":
            return unsupported(f"Unsupported isolation level: {level.upper()}")
    return None


def too_small_cache(what: str, options: Iterable[pg.Node]) -> DsqlError | None:
    """Return why DSQL refuses a sequence's options; `what` is the statement or the kind of column."""
    sizes = [each.def_elem.arg.integer.ival for each in options if each.def_elem.defname == "cache"]
    if sizes and (sizes[0] == 1 or sizes[0] >= MIN_CACHE):
        return None
    return unsupported(
        f"{what} is not supported without an explicit cache size."
        f" please define CACHE greater than or equal to {MIN_CACHE} or equal to 1"
    )


@refused.register
def _(node: pg.TransactionStmt) -> DsqlError | None:
    if node.kind in TRANSACTIONS:
        return refused_isolation(node.options)
    name = pg.TransactionStmtKind.Name(node.kind).removeprefix("TRANS_STMT_").replace("_", " ")
    return unsupported(f"unsupported transaction statement: {name}")


@refused.register
def _(node: pg.VariableSetStmt) -> DsqlError | None:
    if node.kind == pg.VAR_RESET_ALL or (node.name == "role" and node.is_local):
        return None
    return (refused_isolation(node.args) if node.kind == pg.VAR_SET_MULTI else None) or refused_setting(node.name)


@refused.register
def _(node: pg.CreateFunctionStmt) -> DsqlError | None:
    if node.is_procedure:
        return unsupported("CREATE PROCEDURE not supported")
    for option in (each.def_elem for each in node.options):
        language = option.arg.string.sval.lower()
        if option.defname == "language" and language != "sql":
            return unsupported(f"CREATE FUNCTION with language {language} not supported")
    return None


@refused.register
def _(node: pg.GrantStmt) -> DsqlError | None:
    if node.targtype == pg.ACL_TARGET_DEFAULTS:
        return None
    if node.objtype == pg.OBJECT_DATABASE:
        return unsupported("unsupported object type in GRANT")
    if node.objtype == pg.OBJECT_SCHEMA and "public" in names(node.objects):
        return unsupported("feature not supported on system entity")
    return None


@refused.register
def _(node: pg.DropStmt) -> DsqlError | None:
    return None if _is_allowed(node.remove_type) else unsupported("unsupported object in DROP statement")


@refused.register
def _(node: pg.RenameStmt) -> DsqlError | None:
    return None if _is_allowed(node.rename_type) else unsupported("unsupported object in RENAME statement")


@refused.register
def _(node: pg.VacuumStmt) -> DsqlError | None:
    return unsupported("unsupported VACUUM statement") if node.is_vacuumcmd else None


@refused.register
def _(node: pg.CreateSeqStmt) -> DsqlError | None:
    return too_small_cache("CREATE SEQUENCE", node.options)


@refused.register
def _(node: pg.CreateSchemaStmt) -> DsqlError | None:
    return unsupported("CREATE SCHEMA with elements not supported") if node.schema_elts else None


@refused.register
def _(_node: pg.IntoClause) -> DsqlError | None:
    return unsupported("unsupported statement: CreateTableAs")


@refused.register
def _(_node: pg.RangeTableSample) -> DsqlError | None:
    return unsupported("TABLESAMPLE clause not supported")


@refused.register
def _(node: pg.LockingClause) -> DsqlError | None:
    if node.strength in LOCKS:
        return None
    return unsupported("locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported")


@refused.register
def _(node: pg.FuncCall) -> DsqlError | None:
    name = names(node.funcname)[-1]
    if name in GEOMETRY:
        return unsupported(f"datatype {name} not supported")
    return unsupported(f"function {name} not supported") if re.fullmatch("pg_.*advisory.*", name) else None


@refused.register
def _(node: pg.InsertStmt | pg.UpdateStmt | pg.DeleteStmt) -> DsqlError | None:
    # RETURNING OLD and NEW are PostgreSQL 18's.
    if node.returning_clause.options:
        return DsqlError("42601", 'syntax error at or near "WITH"')
    known = {part.relname for _, part in walk(node) if isinstance(part, pg.RangeVar)}
    known |= {part.aliasname for _, part in walk(node) if isinstance(part, pg.Alias)}
    for _, part in walk(node.returning_clause):
        table = names(part.fields)[0] if isinstance(part, pg.ColumnRef) and len(part.fields) > 1 else ""
        if table in {"old", "new"} - known:
            return DsqlError("42P01", f'missing FROM-clause entry for table "{table}"')
    return None


def _is_allowed(kind: pg.ObjectType) -> bool:
    return pg.ObjectType.Name(kind).removeprefix("OBJECT_") in OBJECTS.split()
