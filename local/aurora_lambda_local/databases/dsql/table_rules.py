"""Aurora DSQL's rules for CREATE TABLE, ALTER TABLE and CREATE INDEX: what AWS's grammars of them leave out.

Types, and limits that depend on what there is, are checked by the catalog (`sys.breaches` in catalog.sql).

Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/working-with-postgresql-compatibility-supported-sql-subsets.html
"""

import re

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg
from postgast import unwrap_node

from aurora_lambda_local.databases.dsql.errors import DsqlError, unsupported
from aurora_lambda_local.databases.dsql.rules import names, refused, refused_part, too_small_cache

SERIAL = {"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"}
MAX_KEYS = 8
CONSTRAINTS = """
    NULL NOTNULL DEFAULT IDENTITY GENERATED CHECK PRIMARY UNIQUE FOREIGN
    ATTR_DEFERRABLE ATTR_NOT_DEFERRABLE ATTR_DEFERRED ATTR_IMMEDIATE
"""
ACTIONS = """
    AddColumn AddConstraint AddIdentity AlterConstraint ChangeOwner ColumnDefault DropColumn DropConstraint
    DropExpression DropIdentity DropNotNull SetIdentity SetStorage
"""
ACTION_NAMES = {
    "AlterColumnType": "ALTER COLUMN ... SET DATA TYPE",
    "SetNotNull": "ALTER COLUMN ... SET NOT NULL",
    "SetStatistics": "ALTER COLUMN ... SET STATISTICS",
    "ValidateConstraint": "VALIDATE CONSTRAINT",
}


def refused_async_index(node: pg.IndexStmt) -> DsqlError | None:
    """Return why DSQL refuses a CREATE INDEX ASYNC."""
    if node.concurrent:
        return unsupported("CONCURRENTLY not supported for CREATE INDEX")
    if node.options or node.table_space:
        return unsupported(f"{'WITH' if node.options else 'TABLESPACE'} not supported for CREATE INDEX")
    parts = (refused_part(part) for part in node.index_params)
    return next((error for error in parts if error), _too_many_keys(len(node.index_params)))


@refused.register
def _(node: pg.IndexStmt) -> DsqlError | None:
    if node.concurrent:
        return unsupported("CONCURRENTLY not supported for CREATE INDEX")
    return unsupported("unsupported mode. please use CREATE INDEX ASYNC.")


@refused.register
def _(node: pg.IndexElem) -> DsqlError | None:
    if node.ordering != pg.SORTBY_DEFAULT:
        return unsupported("specifying sort order not supported for index keys")
    if node.opclass:
        return unsupported("opclass not supported for index keys")
    return unsupported("COLLATE not supported for index keys") if node.collation else None


@refused.register
def _(node: pg.CreateStmt) -> DsqlError | None:
    clauses = {
        "TEMPORARY or TEMP table": node.relation.relpersistence == "t",
        "UNLOGGED table": node.relation.relpersistence == "u",
        "PARTITION": node.HasField("partspec") or node.HasField("partbound"),
        "INHERITS": node.inh_relations,
        "OF": node.HasField("of_typename"),
        "USING": node.access_method,
        "WITH": node.options,
        "TABLESPACE": node.tablespacename,
        "ON COMMIT": node.oncommit != pg.ONCOMMIT_NOOP,
    }
    found = next((clause for clause, given in clauses.items() if given), None)
    return unsupported(f"{found} not supported for CREATE TABLE") if found else None


@refused.register
def _(node: pg.ColumnDef) -> DsqlError | None:
    name = names(node.type_name.names)[-1] if node.type_name.names else ""
    if name in SERIAL:
        return DsqlError("42704", f'type "{name}" does not exist')
    if node.HasField("coll_clause"):
        return unsupported("COLLATE not supported for CREATE TABLE")
    return unsupported("COMPRESSION not supported for CREATE TABLE") if node.compression else None


@refused.register
def _(node: pg.Constraint) -> DsqlError | None:
    name = pg.ConstrType.Name(node.contype).removeprefix("CONSTR_")
    if name not in CONSTRAINTS.split():
        return unsupported(f"{name.removeprefix('ATTR_').replace('_', ' ')} constraint not supported for CREATE TABLE")
    if node.contype == pg.CONSTR_IDENTITY:
        return too_small_cache("identity column", node.options)
    if node.contype == pg.CONSTR_GENERATED and node.generated_kind != "s":
        # PostgreSQL 18's default, and newer than DSQL.
        return DsqlError("42601", "syntax error: a generated column must be STORED")
    if node.options or node.indexspace:
        clause = "WITH" if node.options else "USING INDEX TABLESPACE"
        return unsupported(f"{clause} not supported for CREATE TABLE")
    if node.without_overlaps or node.fk_with_period:
        return DsqlError("42601", f'syntax error at or near "{"PERIOD" if node.fk_with_period else "WITHOUT"}"')
    return _too_many_keys(len(node.keys))


@refused.register
def _(node: pg.AlterTableCmd) -> DsqlError | None:
    changed: Message = unwrap_node(getattr(node, "def"))
    name = pg.AlterTableType.Name(node.subtype).removeprefix("AT_")
    if name not in ACTIONS.split():
        words = ACTION_NAMES.get(name) or " ".join(re.findall("[A-Z][a-z]*", name)).upper()
        return unsupported(f"unsupported ALTER TABLE {words} statement")
    if isinstance(changed, pg.ColumnDef) and (changed.constraints or changed.HasField("coll_clause")):
        return unsupported("ALTER TABLE ADD COLUMN with constraint not supported")
    if node.subtype == pg.AT_AddConstraint and isinstance(changed, pg.Constraint) and not _addable(changed):
        return unsupported("unsupported ALTER TABLE ADD CONSTRAINT statement")
    return None


def _addable(constraint: pg.Constraint) -> bool:
    if constraint.contype == pg.CONSTR_UNIQUE:
        return bool(constraint.indexname)
    return constraint.contype in {pg.CONSTR_CHECK, pg.CONSTR_FOREIGN} and constraint.skip_validation


def _too_many_keys(count: int) -> DsqlError | None:
    if count <= MAX_KEYS:
        return None
    return DsqlError("54011", f"more than {MAX_KEYS} column keys in an index are not supported")
