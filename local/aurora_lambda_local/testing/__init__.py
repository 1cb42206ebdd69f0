"""For tests of a service: what the fixtures `client` and `database` give, and events of streams."""

from aurora_lambda_local.testing.client import Client, ClientResponse
from aurora_lambda_runtime.database.transactions import Database

__all__ = ["Client", "ClientResponse", "Database"]
