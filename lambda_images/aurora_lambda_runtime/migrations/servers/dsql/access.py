"""The application's role on DSQL: who may log in as it, and what it may do.

Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/using-database-and-iam-roles.html
"""

from collections.abc import Mapping, Sequence

from aurora_lambda_runtime.database.contract import RuntimeRole
from aurora_lambda_runtime.database.drivers import Row
from aurora_lambda_runtime.database.quoting import literal, quoted

# What is to be done about the role: what, to which object, and a value. The parameters are `access_parameters`.
MISSING = """
    WITH role AS (SELECT oid FROM pg_roles WHERE rolname = %(role)s),
    wanted AS (SELECT unnest(string_to_array(%(arns)s, ' ')) AS arn),
    mapping AS (SELECT arn::text FROM sys.iam_pg_role_mappings WHERE pg_role_name = %(role)s AND %(arns)s <> ''),
    space AS (
        SELECT oid, coalesce(has_schema_privilege((TABLE role), oid, 'USAGE'), false) AS usage,
            coalesce(has_schema_privilege((TABLE role), oid, 'CREATE'), false) AS creates
        FROM pg_namespace WHERE nspname = %(schema)s),
    defaults AS (
        SELECT a.defaclobjtype AS kind, count(*) FROM space, pg_default_acl a, aclexplode(a.defaclacl) granted
        WHERE a.defaclnamespace = space.oid AND granted.grantee = (TABLE role) GROUP BY a.defaclobjtype),
    relation_right AS (
        SELECT c.relname, a_right.name, a_right.number, CASE
                WHEN c.relname IN ('migration_progress', 'migration_lease') THEN false
                WHEN c.relname IN ('alembic_version', 'migration_checksums') THEN a_right.name = 'SELECT'
                ELSE true END AS wanted,
            coalesce(CASE c.relkind
                WHEN 'S' THEN has_sequence_privilege((TABLE role), c.oid, a_right.name)
                ELSE has_table_privilege((TABLE role), c.oid, a_right.name) END, false) AS held
        FROM space JOIN pg_class c ON c.relnamespace = space.oid JOIN (VALUES
            (1, 'SELECT', 'rvS'), (2, 'INSERT', 'rv'), (3, 'UPDATE', 'rv'), (4, 'DELETE', 'rv'), (5, 'USAGE', 'S')
        ) a_right (number, name, kinds) ON position(c.relkind::text IN a_right.kinds) > 0)
    SELECT 1 AS step, 'role' AS what, '' AS object, '' AS value WHERE NOT EXISTS (TABLE role)
    UNION ALL SELECT 1, 'login', '', '' FROM pg_roles WHERE rolname = %(role)s AND NOT rolcanlogin
    UNION ALL SELECT 2, 'mapping', '', arn FROM wanted WHERE arn NOT IN (TABLE mapping)
    UNION ALL SELECT 3, 'stale mapping', '', arn FROM mapping WHERE arn NOT IN (TABLE wanted) AND NOT %(shared)s
    UNION ALL SELECT 4, 'usage', '', '' FROM space WHERE NOT usage
    UNION ALL SELECT 4, 'creates', '', '' FROM space WHERE creates
    UNION ALL SELECT 5, 'table defaults', '', '' WHERE NOT EXISTS (SELECT FROM defaults WHERE kind = 'r' AND count = 4)
    UNION ALL SELECT 5, 'sequence defaults', '', ''
        WHERE NOT EXISTS (SELECT FROM defaults WHERE kind = 'S' AND count = 2)
    UNION ALL SELECT 6, CASE WHEN wanted THEN 'grant' ELSE 'revoke' END, relname,
            string_agg(name, ', ' ORDER BY number)
        FROM relation_right WHERE wanted <> held GROUP BY relname, wanted"""
MAPPINGS = "SELECT arn::text FROM sys.iam_pg_role_mappings WHERE pg_role_name = %s"
STATEMENTS: Mapping[str, str] = {
    "role": "CREATE ROLE {role} WITH LOGIN",
    "login": "ALTER ROLE {role} WITH LOGIN",
    "mapping": "AWS IAM GRANT {role} TO {value}",
    "stale mapping": "AWS IAM REVOKE {role} FROM {value}",
    "usage": "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "creates": "REVOKE CREATE ON SCHEMA {schema} FROM {role}",
    "table defaults": "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "sequence defaults": "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, USAGE ON SEQUENCES TO {role}",
    "grant": "GRANT {value} ON {schema}.{object} TO {role}",
    "revoke": "REVOKE {value} ON {schema}.{object} FROM {role}",
}


def access_parameters(role: RuntimeRole, schema: str, *, is_shared: bool) -> dict[str, str | bool]:
    """Return the parameters of MISSING; where stacks share the schema, logins of the others stay."""
    return {"role": role.db_role, "schema": schema, "arns": " ".join(role.iam_role_arns), "shared": is_shared}


def access_statements(role: RuntimeRole, schema: str, missing: Sequence[Row]) -> list[str]:
    """Return the statements that do what MISSING found, in their order; each is a transaction of its own."""
    return [
        STATEMENTS[what].format(
            role=quoted(role.db_role),
            schema=quoted(schema),
            object=quoted(name),
            value=literal(value) if "mapping" in what else value,
        )
        for _step, what, name, value in sorted(missing)
    ]


def drop_role_statements(role: RuntimeRole, mappings: Sequence[Row]) -> list[str]:
    """Return the statements that drop a role of whose IAM roles MAPPINGS told; DSQL drops no role that is mapped."""
    revoked = [STATEMENTS["stale mapping"].format(role=quoted(role.db_role), value=literal(arn)) for (arn,) in mappings]
    return [*revoked, f"DROP ROLE IF EXISTS {quoted(role.db_role)}"]
