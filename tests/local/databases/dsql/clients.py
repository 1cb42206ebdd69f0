"""Clients of the DSQL stand-in."""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import boto3
import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo

from aurora_lambda_local.databases.dsql.tokens import Identity
from tests.dsql_faults import FaultyServer

REGION = "us-east-1"
ADMIN_KEY = "AKIAADMIN"
_numbers = itertools.count(1)


def role_arn(name: str) -> str:
    """The ARN of an IAM role."""
    return f"arn:aws:iam::123456789012:role/{name}"


class Clients:
    """Makes connections that see one schema, and closes them."""

    def __init__(self, server: FaultyServer) -> None:
        self.server = server
        self.schema = f"test_{next(_numbers)}"
        self._open: list[psycopg.Connection] = []
        server.identities[ADMIN_KEY] = Identity(role_arn("admin"), "secret")
        do(self.connect(), f"CREATE SCHEMA {self.schema}")

    def inject(self, **changes: float) -> None:
        """Change what goes wrong."""
        self.server.faults = replace(self.server.faults, **changes)

    def token(
        self,
        user: str = "admin",
        *,
        key: str = ADMIN_KEY,
        secret: str = "secret",
        host: str | None = None,
        region: str = REGION,
        seconds: int = 900,
    ) -> str:
        """What AWS's own SDK signs."""
        client = _client(region, key, secret)
        admin = user == "admin"
        sign = client.generate_db_connect_admin_auth_token if admin else client.generate_db_connect_auth_token
        return sign(host or self.server.host, region, seconds)

    def connect(
        self, user: str = "admin", *, token: str | None = None, autocommit: bool = True, **options: str
    ) -> psycopg.Connection:
        """A session of `user`."""
        connection = psycopg.connect(
            make_conninfo(
                **{
                    "host": self.server.host,
                    "port": str(self.server.port),
                    "dbname": "postgres",
                    "user": user,
                    "password": token or self.token(user),
                    "sslmode": "verify-full",
                    "sslrootcert": str(self.server.ca_file),
                    "options": f"-c search_path={self.schema}",
                    **options,
                }
            ),
            autocommit=autocommit,
        )
        self._open.append(connection)
        return connection

    def refused(self, user: str = "admin", token: str | None = None, **options: str) -> str:
        """What is said to who may not connect."""
        try:
            self.connect(user, token=token, autocommit=True, **options)
        except psycopg.OperationalError as error:
            return str(error).partition("FATAL:  ")[2].strip() or str(error)
        return ""

    def clean_up(self) -> None:
        """Wait for all jobs, whose ends would disturb whoever comes next, and drop the schema: a cluster takes ten."""
        connection = self.connect()
        for (job_id,) in rows(connection, "SELECT job_id FROM sys.jobs WHERE status IN ('submitted', 'processing')"):
            rows(connection, "CALL sys.wait_for_job(%s)", [job_id])
        do(self.connect(), f"DROP SCHEMA {self.schema} CASCADE")

    def close(self) -> None:
        """Close all."""
        for connection in self._open:
            connection.close()


@functools.cache
def _client(region: str, key: str, secret: str) -> Any:
    return boto3.client("dsql", region_name=region, aws_access_key_id=key, aws_secret_access_key=secret)


def do(connection: psycopg.Connection, *statements: str) -> str:
    """Run statements; what the last one is reported as."""
    return [connection.execute(each.encode()).statusmessage or "" for each in statements][-1]


def refusal(connection: psycopg.Connection, *statements: str) -> tuple[str | None, str]:
    """The SQLSTATE and the message of the last statement; those before it succeed."""
    for statement in statements[:-1]:
        do(connection, statement)
    try:
        do(connection, statements[-1])
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary or ""
    return None, ""


def rows(connection: psycopg.Connection, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query, asked again where another session has changed the catalog."""
    while True:
        try:
            return connection.execute(statement.encode(), parameters or None).fetchall()
        except errors.SerializationFailure as error:
            if "OC001" not in str(error) or not connection.autocommit:
                raise


def job(connection: psycopg.Connection, statement: str) -> str:
    """The id of the job that a statement submits."""
    [(job_id,)] = rows(connection, statement)
    return job_id


def ended(connection: psycopg.Connection, job_id: str) -> tuple[str, str | None]:
    """The status and the details of a job, when it has ended."""
    rows(connection, "CALL sys.wait_for_job(%s)", [job_id])
    [found] = rows(connection, "SELECT status, details FROM sys.jobs WHERE job_id = %s", [job_id])
    return found[0], found[1]
