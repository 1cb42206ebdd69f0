"""Aurora DSQL: the schema, the application's role and its rights, the lock, and asynchronous jobs."""

from aurora_lambda_runtime.migrations.servers.dsql.server import DsqlServer

__all__ = ["DsqlServer"]
