"""Aurora DSQL: PostgreSQL's protocol and types, each application a schema of the database `postgres`."""

from aurora_lambda_runtime.database.engines.spec import EngineSpec, ErrorCodes
from aurora_lambda_runtime.database.signing import dsql_token

DSQL = EngineSpec(
    name="dsql",
    default_port=5432,
    url_schemes=("dsql",),
    client_scheme="postgresql",
    auth_modes=("iam",),
    sign_token=dsql_token,
    ca_file="amazon.pem",
    driver="aurora_lambda_runtime.database.drivers.dsql",
    dialect="aurora_lambda_runtime.database.dialects.dsql",
    sqlalchemy_url="dsql+lambda://",
    isolation_level="REPEATABLE READ",
    transactional_ddl=False,
    server="aurora_lambda_runtime.migrations.servers.dsql:DsqlServer",
    maintenance_database="postgres",
    longest_role=63,
    reserved_schemas="public|sys|information_schema|pg_.*",
    reserved_roles="admin|public|postgres|pg_.*",
    errors=ErrorCodes(
        duplicate=frozenset({"23505"}),
        schema_missing=frozenset({"42P01", "3F000"}),
        # The last two: too many connections, and too many in a short time.
        unavailable=frozenset({"57P01", "57P02", "57P03", "XX000", "53300", "53400"}),
        read_only=frozenset(),
        # Rows that another transaction has changed (OC000), tables that it has (OC001).
        # Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/working-with-concurrency-control.html
        conflict=frozenset({"40001"}),
    ),
    always_tls=True,
    # DSQL ends a connection after 60 minutes; what is begun before has five to finish.
    # Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html
    connection_seconds=55 * 60,
    linter="aurora_lambda_runtime.migrations.history.dsql_lint:find_unsupported",
    operations="aurora_lambda_runtime.migrations.operations.dsql",
    refuses_operations=True,
)
