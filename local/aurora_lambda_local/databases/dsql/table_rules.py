"""Aurora DSQL's rules for CREATE TABLE, ALTER TABLE and CREATE INDEX.

Sources: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/working-with-postgresql-compatibility.html and the
answers of clusters.
"""

from collections.abc import Sequence

from pglast.enums import AlterTableType, ConstrType, SortByDir

from aurora_lambda_local.databases.dsql.errors import DsqlError, unsupported
from aurora_lambda_local.databases.dsql.nodes import Node, node_type

SERIAL = {"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"}
TYPES = {
    "bit",
    "box",
    "cidr",
    "circle",
    "daterange",
    "inet",
    "int4range",
    "int8range",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "numrange",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "tsquery",
    "tsrange",
    "tstzrange",
    "tsvector",
    "varbit",
    "xml",
}
DISPLAYED = {
    "bool": "boolean",
    "bpchar": "character",
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "varchar": "character varying",
}
KEY_LIMIT = 8
MIN_CACHE = 65536
KEYS = {ConstrType.CONSTR_PRIMARY, ConstrType.CONSTR_UNIQUE}
NOT_ALTERED = {
    AlterTableType.AT_AlterColumnType: "ALTER COLUMN ... SET DATA TYPE",
    AlterTableType.AT_SetNotNull: "ALTER COLUMN ... SET NOT NULL",
    AlterTableType.AT_ValidateConstraint: "VALIDATE CONSTRAINT",
    AlterTableType.AT_AddInherit: "INHERIT",
    AlterTableType.AT_AttachPartition: "ATTACH PARTITION",
    AlterTableType.AT_EnableRowSecurity: "ENABLE ROW LEVEL SECURITY",
    AlterTableType.AT_ForceRowSecurity: "FORCE ROW LEVEL SECURITY",
    AlterTableType.AT_SetLogged: "SET LOGGED",
    AlterTableType.AT_SetUnLogged: "SET UNLOGGED",
}


def refused_table(node: Node) -> DsqlError | None:
    """Return why DSQL refuses a CREATE TABLE."""
    if node.relation.relpersistence == "t":
        return unsupported("TEMPORARY or TEMP table not supported for CREATE TABLE")
    if node.relation.relpersistence == "u":
        return unsupported("UNLOGGED table not supported for CREATE TABLE")
    if node.partspec or node.partbound:
        return unsupported("PARTITION not supported for CREATE TABLE")
    if node.inhRelations:
        return unsupported("INHERITS not supported for CREATE TABLE")
    elements = node.tableElts or ()
    columns = [each for each in elements if node_type(each) == "ColumnDef"]
    keys = [each for each in elements if node_type(each) == "Constraint" and each.contype in KEYS]
    checks = [_refused_column(column) for column in columns] + [_refused_key(key, columns) for key in keys]
    return next((each for each in checks if each), None)


def refused_index(node: Node) -> DsqlError | None:
    """Return why DSQL refuses a CREATE INDEX; it is one without ASYNC."""
    if node.concurrent:
        return unsupported("CONCURRENTLY not supported for CREATE INDEX")
    return unsupported("unsupported mode. please use CREATE INDEX ASYNC.")


def refused_async_index(node: Node) -> DsqlError | None:
    """Return why DSQL refuses a CREATE INDEX ASYNC."""
    if node.concurrent:
        return unsupported("CONCURRENTLY not supported for CREATE INDEX")
    if any(element.ordering != SortByDir.SORTBY_DEFAULT for element in node.indexParams):
        return unsupported("specifying sort order not supported for index keys")
    return _too_many_keys(len(node.indexParams))


def refused_alteration(node: Node) -> DsqlError | None:
    """Return why DSQL refuses an ALTER TABLE; it is one without ASYNC."""
    return next((each for each in map(_refused_action, node.cmds) if each), None)


def too_small_cache(what: str, options: Sequence[Node] | None) -> DsqlError | None:
    """Return why DSQL refuses a sequence's options; `what` is the statement or the kind of column."""
    sizes = [option.arg.ival for option in options or () if option.defname == "cache"]
    if sizes and (sizes[0] == 1 or sizes[0] >= MIN_CACHE):
        return None
    return unsupported(
        f"{what} is not supported without an explicit cache size."
        f" please define CACHE greater than or equal to {MIN_CACHE} or equal to 1"
    )


def _refused_action(action: Node) -> DsqlError | None:
    if action.subtype in NOT_ALTERED:
        return unsupported(f"unsupported ALTER TABLE {NOT_ALTERED[action.subtype]} statement")
    if action.subtype == AlterTableType.AT_AddColumn:
        column = action.def_
        refused = _refused_type(column)
        constrained = column.constraints or column.collClause
        return refused or (unsupported("ALTER TABLE ADD COLUMN with constraint not supported") if constrained else None)
    if action.subtype == AlterTableType.AT_AddConstraint and not _addable(action.def_):
        return unsupported("unsupported ALTER TABLE ADD CONSTRAINT statement")
    return None


def _addable(constraint: Node) -> bool:
    if constraint.contype == ConstrType.CONSTR_UNIQUE:
        return bool(constraint.indexname)
    return constraint.contype in {ConstrType.CONSTR_CHECK, ConstrType.CONSTR_FOREIGN} and constraint.skip_validation


def _refused_column(column: Node) -> DsqlError | None:
    refused = _refused_type(column)
    if refused is None and column.collClause:
        refused = unsupported("COLLATE not supported for CREATE TABLE")
    for constraint in column.constraints or ():
        if refused is None and constraint.contype == ConstrType.CONSTR_IDENTITY:
            refused = too_small_cache("identity column", constraint.options) or _refused_identity(column)
        if refused is None and constraint.contype in KEYS:
            refused = _refused_key_type(column)
    return refused


def _refused_identity(column: Node) -> DsqlError | None:
    if column.typeName.names[-1].sval == "int8":
        return None
    return unsupported(f"datatype {_displayed(column)} not supported, identity column type must be bigint")


def _refused_type(column: Node) -> DsqlError | None:
    name = column.typeName.names[-1].sval
    if name in SERIAL:
        return DsqlError("42704", f'type "{name}" does not exist')
    if name in TYPES or column.typeName.arrayBounds:
        return unsupported(f"datatype {_displayed(column)} not supported")
    return None


def _refused_key(key: Node, columns: Sequence[Node]) -> DsqlError | None:
    names = [each.sval for each in key.keys or ()]
    types = [_refused_key_type(column) for column in columns if column.colname in names]
    return next((each for each in types if each), _too_many_keys(len(names)))


def _refused_key_type(column: Node) -> DsqlError | None:
    name = column.typeName.names[-1].sval
    return unsupported(f"datatype {name} is not supported in a key") if name in {"json", "jsonb"} else None


def _too_many_keys(count: int) -> DsqlError | None:
    if count <= KEY_LIMIT:
        return None
    return DsqlError("54011", f"more than {KEY_LIMIT} column keys in an index are not supported")


def _displayed(column: Node) -> str:
    name = column.typeName.names[-1].sval
    return DISPLAYED.get(name, name) + "[]" * len(column.typeName.arrayBounds or ())
