"""Aurora MySQL, MySQL and MariaDB."""

from aurora_lambda_runtime.database.engines.spec import EngineSpec, ErrorCodes
from aurora_lambda_runtime.database.signing import rds_token

MYSQL = EngineSpec(
    name="mysql",
    default_port=3306,
    url_schemes=("mysql", "mariadb"),
    client_scheme="mysql+pymysql",
    auth_modes=("iam", "password"),
    sign_token=rds_token,
    ca_file="rds.pem",
    driver="aurora_lambda_runtime.database.drivers.mysql",
    dialect="aurora_lambda_runtime.database.dialects.mysql",
    sqlalchemy_url="mysql+lambda://",
    isolation_level="REPEATABLE READ",
    transactional_ddl=False,
    server="aurora_lambda_runtime.migrations.servers.mysql:MysqlServer",
    maintenance_database="mysql",
    longest_role=32,
    reserved_schemas="mysql|sys|information_schema|performance_schema",
    reserved_roles="root|mysql|admin|rdsadmin",
    errors=ErrorCodes(
        duplicate=frozenset({1062}),
        schema_missing=frozenset({1146, 1049}),
        unavailable=frozenset({1040, 1053, 1203, 1290, 1836, 2006, 2013}),
        read_only=frozenset({1290, 1836}),
        # Waited too long for a lock, deadlock.
        conflict=frozenset({1205, 1213}),
        lock_timeout=frozenset({1205}),
    ),
    operations="aurora_lambda_runtime.migrations.operations.mysql",
)
