"""Aurora PostgreSQL, and PostgreSQL."""

from aurora_lambda_runtime.database.engines.spec import EngineSpec, ErrorCodes
from aurora_lambda_runtime.database.signing import rds_token

POSTGRES = EngineSpec(
    name="postgres",
    default_port=5432,
    url_schemes=("postgres", "postgresql"),
    client_scheme="postgresql",
    auth_modes=("iam", "password"),
    sign_token=rds_token,
    ca_file="rds.pem",
    driver="aurora_lambda_runtime.database.drivers.postgres",
    dialect="aurora_lambda_runtime.database.dialects.postgres",
    sqlalchemy_url="postgresql+lambda://",
    isolation_level="READ COMMITTED",
    transactional_ddl=True,
    server="aurora_lambda_runtime.migrations.servers.postgres:PostgresServer",
    operations="aurora_lambda_runtime.migrations.operations.postgres",
    maintenance_database="postgres",
    longest_role=63,
    reserved_schemas="postgres|template[01]|rdsadmin|pg_.*",
    reserved_roles="public|postgres|rdsadmin|rds_.*|pg_.*",
    errors=ErrorCodes(
        duplicate=frozenset({"23505"}),
        schema_missing=frozenset({"42P01", "3F000", "3D000"}),
        # Shutting down, starting, out of connections; read_only.
        unavailable=frozenset({"57P01", "57P02", "57P03", "53300", "25006"}),
        read_only=frozenset({"25006"}),
        # Serialization failure, deadlock.
        conflict=frozenset({"40001", "40P01"}),
        lock_timeout=frozenset({"55P03"}),
    ),
)
