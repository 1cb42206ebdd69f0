"""Aurora DSQL: the schema, the application's role and its rights, the lock, and asynchronous jobs."""

from lambda_images.migrations.servers.dsql.server import DsqlServer

__all__ = ["DsqlServer"]
