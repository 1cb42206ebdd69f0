"""Aurora DSQL's rules for PostgreSQL's language, whatever the state of the transaction.

Messages that are documented nowhere are worded like similar ones: match the SQLSTATE, not the text.
"""

import re
from collections.abc import Callable, Mapping

from pglast.enums import GrantTargetType, LockClauseStrength, ObjectType, TransactionStmtKind, VariableSetKind

from aurora_lambda_local.databases.dsql.errors import DsqlError, unsupported
from aurora_lambda_local.databases.dsql.nodes import Node, node_type, walk
from aurora_lambda_local.databases.dsql.table_rules import (
    refused_alteration,
    refused_index,
    refused_table,
    too_small_cache,
)

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
STATEMENTS = {
    "AlterSystemStmt",
    "ClosePortalStmt",
    "ClusterStmt",
    "CompositeTypeStmt",
    "CreateCastStmt",
    "CreateExtensionStmt",
    "CreateFdwStmt",
    "CreateForeignServerStmt",
    "CreateForeignTableStmt",
    "CreateOpClassStmt",
    "CreatePLangStmt",
    "CreatePolicyStmt",
    "CreatePublicationStmt",
    "CreateRangeStmt",
    "CreateStatsStmt",
    "CreateSubscriptionStmt",
    "CreateTableAsStmt",
    "CreateTableSpaceStmt",
    "CreatedbStmt",
    "DeallocateStmt",
    "DeclareCursorStmt",
    "DefineStmt",
    "DiscardStmt",
    "DoStmt",
    "DropdbStmt",
    "ExecuteStmt",
    "FetchStmt",
    "ListenStmt",
    "LoadStmt",
    "LockStmt",
    "NotifyStmt",
    "PrepareStmt",
    "ReindexStmt",
    "RuleStmt",
    "TruncateStmt",
    "UnlistenStmt",
}
MESSAGES = {
    "AlterEnumStmt": "ALTER TYPE not supported",
    "CreateEnumStmt": "CREATE TYPE not supported",
    "CreateEventTrigStmt": "CREATE EVENT TRIGGER not supported",
    "CreateTrigStmt": "CREATE TRIGGER not supported",
    "MergeStmt": "unsupported statement type: MERGE",
}
PARTS = {
    "IntoClause": "unsupported statement: CreateTableAs",
    "RangeTableSample": "TABLESAMPLE clause not supported",
}
LOCKS = {LockClauseStrength.LCS_FORUPDATE, LockClauseStrength.LCS_FORKEYSHARE}
SAVEPOINTS = {
    TransactionStmtKind.TRANS_STMT_SAVEPOINT: "SAVEPOINT",
    TransactionStmtKind.TRANS_STMT_RELEASE: "RELEASE",
    TransactionStmtKind.TRANS_STMT_ROLLBACK_TO: "ROLLBACK TO",
    TransactionStmtKind.TRANS_STMT_PREPARE: "PREPARE",
    TransactionStmtKind.TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED",
    TransactionStmtKind.TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
}


def refusal(node: Node) -> DsqlError | None:
    """Return why DSQL refuses the statement; None when it does not."""
    name = node_type(node)
    if name in STATEMENTS:
        return unsupported(f"unsupported statement: {name.removesuffix('Stmt')}")
    if name in MESSAGES:
        return unsupported(MESSAGES[name])
    rule = _RULES.get(name, _refused_query)
    return rule(node)


def refused_setting(name: str | None) -> DsqlError | None:
    """Return why a session may not change a setting."""
    if name and (name.lower() in SETTINGS or name.lower().startswith(SETTING_PREFIXES)):
        return None
    return unsupported(f'setting configuration parameter "{name or "ALL"}" not supported')


def _refused_set(node: Node) -> DsqlError | None:
    if node.name == "role" and node.is_local:
        return None
    if node.kind == VariableSetKind.VAR_SET_MULTI:
        return refused_setting("TRANSACTION")
    return refused_setting(node.name)


def _refused_transaction(node: Node) -> DsqlError | None:
    if node.kind in SAVEPOINTS:
        return unsupported(f"unsupported transaction statement: {SAVEPOINTS[node.kind]}")
    for option in node.options or ():
        if option.defname == "transaction_isolation" and option.arg.val.sval != "repeatable read":
            return unsupported(f"Unsupported isolation level: {option.arg.val.sval.upper()}")
    return None


def _refused_function(node: Node) -> DsqlError | None:
    languages = [option.arg.sval.lower() for option in node.options or () if option.defname == "language"]
    if languages and languages[0] != "sql":
        return unsupported(f"CREATE FUNCTION with language {languages[0]} not supported")
    return None


def _refused_grant(node: Node) -> DsqlError | None:
    if node.targtype == GrantTargetType.ACL_TARGET_DEFAULTS:
        return None
    if node.objtype == ObjectType.OBJECT_DATABASE:
        return unsupported("unsupported object type in GRANT")
    if node.objtype == ObjectType.OBJECT_SCHEMA and "public" in [each.sval for each in node.objects]:
        return unsupported("feature not supported on system entity")
    return None


def _refused_object(node: Node) -> DsqlError | None:
    drops = node_type(node) == "DropStmt"
    if (node.removeType if drops else node.renameType) != ObjectType.OBJECT_TYPE:
        return None
    return unsupported(f"unsupported object in {'DROP' if drops else 'RENAME'} statement")


def _refused_vacuum(node: Node) -> DsqlError | None:
    return unsupported("unsupported VACUUM statement") if node.is_vacuumcmd else None


def _refused_sequence(node: Node) -> DsqlError | None:
    return too_small_cache("CREATE SEQUENCE", node.options)


def _refused_query(node: Node) -> DsqlError | None:
    return next((refused for each in walk(node) if (refused := _refused_part(each))), None)


def _refused_part(node: Node) -> DsqlError | None:
    name = node_type(node)
    if name == "LockingClause" and node.strength not in LOCKS:
        return unsupported("locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported")
    if name == "FuncCall" and re.fullmatch("pg_.*advisory.*", node.funcname[-1].sval):
        return unsupported(f"function {node.funcname[-1].sval} not supported")
    return unsupported(PARTS[name]) if name in PARTS else None


_RULES: Mapping[str, Callable[..., DsqlError | None]] = {
    "AlterTableStmt": refused_alteration,
    "CreateFunctionStmt": _refused_function,
    "CreateSeqStmt": _refused_sequence,
    "CreateStmt": refused_table,
    "DropStmt": _refused_object,
    "GrantStmt": _refused_grant,
    "IndexStmt": refused_index,
    "RenameStmt": _refused_object,
    "TransactionStmt": _refused_transaction,
    "VacuumStmt": _refused_vacuum,
    "VariableSetStmt": _refused_set,
}
