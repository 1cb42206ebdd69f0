"""The facts about a database engine. Imports the standard library alone: drivers may not be installed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from aurora_lambda_runtime.database.signing import AwsCredentials

Auth = Literal["iam", "password"]
AUTHS: tuple[Auth, ...] = get_args(Auth)
IsolationLevel = Literal["READ COMMITTED", "REPEATABLE READ"]
# host, port, role, Region, credentials -> token
TokenSigner = Callable[[str, int, str, str, AwsCredentials], str]


@dataclass(frozen=True)
class ErrorCodes:
    """An engine's error codes by what they mean: SQLSTATEs, or MySQL's numbers."""

    duplicate: frozenset[str | int]
    """A row with the same unique value is there already."""
    schema_missing: frozenset[str | int]
    """There is no such table, schema or database."""
    unavailable: frozenset[str | int]
    """The connection was lost or refused; the same request may succeed in a while."""
    read_only: frozenset[str | int]
    """The server was the writer before a failover: only a new connection finds the new writer."""
    conflict: frozenset[str | int]
    """The transaction lost to another one, and may succeed when it is run again from its beginning."""
    lock_timeout: frozenset[str | int] = frozenset()
    """A lock that others hold was waited for too long."""


@dataclass(frozen=True)
class EngineSpec:
    """All that is particular to one engine.

    Drivers, dialects and servers are named by their import paths and loaded by what uses them.
    """

    name: str
    """The value of the configuration key `engine`."""
    default_port: int
    url_schemes: tuple[str, ...]
    """The schemes of `DATABASE_URL` that mean this engine."""
    client_scheme: str
    """The scheme of a URL that SQLAlchemy takes, and the engine's own client where that takes URLs."""
    auth_modes: tuple[Auth, ...]
    """How the application's role can log in, the default first."""
    sign_token: TokenSigner
    """Return the IAM token that is the password under `auth="iam"`."""
    ca_file: str
    """The file in `certificates/` that a server's certificate is verified with."""
    driver: str
    """The module that implements `aurora_lambda_runtime.database.drivers.Driver`."""
    dialect: str
    """The module that holds the SQLAlchemy dialect `LambdaDialect` and the types that differ between engines."""
    sqlalchemy_url: str
    """The URL by which SQLAlchemy finds that dialect."""
    isolation_level: IsolationLevel
    """The engine's default, named because the drivers' autocommit mode would otherwise apply to transactions too."""
    transactional_ddl: bool
    """Whether a failed migration can be rolled back; else each statement of DDL commits itself."""
    server: str
    """The module and class, separated by a colon, with the SQL that the migration runner needs."""
    maintenance_database: str
    """The database to connect to before the application's own is created."""
    longest_role: int
    """Bytes in the name of a role."""
    reserved_schemas: str
    """A regular expression for names of databases that are the engine's own."""
    reserved_roles: str
    """A regular expression for names of roles that are the engine's own."""
    errors: ErrorCodes
    always_tls: bool = False
    """Whether the server refuses connections without TLS even on this machine."""
    connection_seconds: int | None = None
    """How old a connection may get before the server ends it; None where it sets no limit."""
    linter: str = ""
    """The function that finds in the SQL of revisions what the engine would refuse, where there is one."""
    operations: str = ""
    """The module with Alembic's operations for the engine, where they are not Alembic's own."""
    refuses_operations: bool = False
    """Whether some of these operations are refused, which is looked for before a revision runs."""
