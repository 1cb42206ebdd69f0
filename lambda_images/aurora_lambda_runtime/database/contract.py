"""The environment by which a function is told about its database: names, and the values they parse to.

The one module that both the components (which write these names) and the image (which reads them) import,
so it uses the standard library alone and does no I/O. What it says of engines is in `database.engines`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

from aurora_lambda_runtime.database.engines import AUTHS, ENGINES, Auth, EngineSpec, engine_of_url_scheme

DATABASE_URL = "DATABASE_URL"
# Names the package of tables, commands, routes, stream functions and revisions.
APPLICATION = "AURORA_LAMBDA_APPLICATION"
DEFAULT_APPLICATION = "application"
# What a service calls its own database, beside which its program may have others.
MAIN_DATABASE = "main-db"
# Names the command of a function whose payload names none; otherwise the first one of the application.
COMMAND = "AURORA_LAMBDA_COMMAND"
ALLOW_RESET = "ALLOW_RESET"
# "true" where the function answers `/info` and `/init`, which say where its database is.
DATABASE_ROUTES = "AURORA_LAMBDA_DATABASE_ROUTES"
DROP_ON_DESTROY = "DROP_ON_DESTROY"
# "false" where the event source mapping of a stream takes no partial batch response.
REPORT_BATCH_ITEM_FAILURES = "REPORT_BATCH_ITEM_FAILURES"


class ContractError(Exception):
    """The environment does not say which database to use."""


@dataclass(frozen=True)
class DatabaseSettings:
    """Where one database is and how to log in to it, as `SQL_<NAME>_*` variables say.

    `schema` is the database's name on Aurora. `port` is the engine's own unless another is given. `ca` is a file of
    certificate authorities to verify the server with; empty means Amazon's. `revision` is the migration the deployment
    applied last; empty where nobody said. `owner` is whom the migration runner claims the schema for on a cluster that
    others use too: `project/stack`, or `project/*` for every stack of a project. `secret_arn` names the
    secret that holds the password under `auth="password"`. `password` is set only when the settings come from
    `DATABASE_URL`.
    """

    name: str
    engine: str
    endpoint: str
    schema: str
    db_role: str
    port: int = 0
    auth: Auth = "iam"
    ca: str = ""
    identifier: str = ""
    arn: str = ""
    secret_arn: str = ""
    revision: str = ""
    owner: str = ""
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.port:
            object.__setattr__(self, "port", self.spec.default_port)

    @property
    def spec(self) -> EngineSpec:
        """What is particular to the engine."""
        return ENGINES[self.engine]

    def to_environment(self) -> dict[str, str]:
        """Return the variables that parse back to this value, without empty fields, the usual port and a password."""
        values = {suffix: str(getattr(self, suffix.lower())) for suffix in _SUFFIXES}
        if self.port == self.spec.default_port:
            del values["PORT"]
        return {environment_name(self.name, suffix): value for suffix, value in values.items() if value}


@dataclass(frozen=True)
class RuntimeRole:
    """The database role the application logs in with, which the migration runner creates.

    `secret_arn` names the secret that the runner fills with the role's password under `auth="password"`.
    `iam_role_arns` are the functions' IAM roles, on engines that have to be told who may log in.
    """

    db_role: str
    auth: Auth
    secret_arn: str = ""
    iam_role_arns: tuple[str, ...] = ()

    def to_environment(self, name: str) -> dict[str, str]:
        """Return the migration runner's variables for this role of the database called `name`."""
        values = {
            "RUNTIME_DB_ROLE": self.db_role,
            "RUNTIME_AUTH": self.auth,
            "RUNTIME_SECRET_ARN": self.secret_arn,
            "RUNTIME_ROLE_ARN": " ".join(self.iam_role_arns),
        }
        return {environment_name(name, suffix): value for suffix, value in values.items() if value}


_SUFFIXES = (
    "ENGINE",
    "ENDPOINT",
    "PORT",
    "CA",
    "SCHEMA",
    "DB_ROLE",
    "AUTH",
    "IDENTIFIER",
    "ARN",
    "SECRET_ARN",
    "REVISION",
    "OWNER",
)
_SEARCH_PATH = re.compile(r"search_path=(\w+)")
_REQUIRED = ("ENGINE", "ENDPOINT", "SCHEMA", "DB_ROLE")


def environment_name(name: str, suffix: str) -> str:
    """Return a variable's name: `environment_name("main-db", "ENDPOINT")` is `SQL_MAIN_DB_ENDPOINT`."""
    return f"SQL_{name.upper().replace('-', '_')}_{suffix}"


def values_of_databases(environment: Mapping[str, str], suffix: str) -> dict[str, str]:
    """Return what each database has in its variable of a suffix, by the database's name as it is in the variable.

    >>> values_of_databases({"SQL_MAIN_DB_PORT": "5432", "SQL_AUDIT_PORT": "3306"}, "PORT")
    {'MAIN_DB': '5432', 'AUDIT': '3306'}
    """
    variable = re.compile(rf"SQL_(\w+)_{suffix}")
    return {match[1]: value for name, value in environment.items() if (match := variable.fullmatch(name))}


def queue_variable(name: str) -> str:
    """Return the variable that holds a queue's URL: `queue_variable("mail-out")` is `QUEUE_MAIL_OUT_URL`."""
    return f"QUEUE_{name.upper().replace('-', '_')}_URL"


def table_variable(name: str) -> str:
    """Return the variable that holds a DynamoDB table's name: `table_variable("clicks")` is `TABLE_CLICKS_NAME`."""
    return f"TABLE_{re.sub(r'[^A-Z0-9]', '_', name.upper())}_NAME"


def secret_variable(name: str) -> str:
    """Return the variable that holds a secret's ARN: `secret_variable("api-key")` is `SECRET_API_KEY_ARN`."""
    return f"SECRET_{name.upper().replace('-', '_')}_ARN"


def is_shared(owner: str) -> bool:
    """Return whether an owner of a schema is every stack of a project."""
    return owner.endswith("/*")


def database_settings(environment: Mapping[str, str]) -> DatabaseSettings:
    """Read the one database that `environment` describes; `DATABASE_URL`, when set, wins.

    Raises:
        ContractError: no database is described, more than one is, or a variable is missing or malformed.
    """
    if url := environment.get(DATABASE_URL):
        settings = _from_url(url)
        return replace(settings, owner=environment.get(environment_name(settings.name, "OWNER"), ""))
    name = _database_name(environment)
    values = {suffix: environment.get(environment_name(name, suffix), "") for suffix in _SUFFIXES}
    if missing := [environment_name(name, suffix) for suffix in _REQUIRED if not values[suffix]]:
        raise ContractError(f"the environment lacks {', '.join(missing)}")
    engine = _one_of(environment_name(name, "ENGINE"), values["ENGINE"], tuple(ENGINES))
    spec = ENGINES[engine]
    auth = _one_of(environment_name(name, "AUTH"), values["AUTH"] or spec.auth_modes[0], spec.auth_modes)
    port = values["PORT"] or str(spec.default_port)
    if not port.isdecimal():
        raise ContractError(f"{environment_name(name, 'PORT')} is {port!r}; a port is a whole number")
    return DatabaseSettings(
        name=name.lower().replace("_", "-"),
        engine=engine,
        endpoint=values["ENDPOINT"],
        port=int(port),
        schema=values["SCHEMA"],
        db_role=values["DB_ROLE"],
        auth=cast(Auth, auth),
        ca=values["CA"],
        identifier=values["IDENTIFIER"],
        arn=values["ARN"],
        secret_arn=values["SECRET_ARN"],
        revision=values["REVISION"],
        owner=values["OWNER"],
    )


def runtime_role(environment: Mapping[str, str], name: str) -> RuntimeRole | None:
    """Read the role the migration runner has to provide; None where the environment names none."""
    db_role = environment.get(environment_name(name, "RUNTIME_DB_ROLE"), "")
    if not db_role:
        return None
    variable = environment_name(name, "RUNTIME_AUTH")
    auth = _one_of(variable, environment.get(variable, "") or "iam", AUTHS)
    return RuntimeRole(
        db_role,
        cast(Auth, auth),
        environment.get(environment_name(name, "RUNTIME_SECRET_ARN"), ""),
        tuple(environment.get(environment_name(name, "RUNTIME_ROLE_ARN"), "").split()),
    )


def parse_master_secret(text: str) -> tuple[str, str]:
    """Return the user name and password in a secret of the form RDS manages: `{"username": ..., "password": ...}`.

    Raises:
        ContractError: the text has another form. The message never repeats the secret.
    """
    try:
        secret = json.loads(text)
        return str(secret["username"]), str(secret["password"])
    except (ValueError, KeyError, TypeError):
        raise ContractError('the database secret is not of the form {"username": ..., "password": ...}') from None


def _database_name(environment: Mapping[str, str]) -> str:
    found = sorted(values_of_databases(environment, "ENDPOINT"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise ContractError("no database is configured: set DATABASE_URL, or SQL_<NAME>_ENDPOINT and its siblings")
    raise ContractError(f"more than one database is configured ({', '.join(found)}): set DATABASE_URL to choose")


def _one_of(variable: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ContractError(f"{variable} is {value!r}; must be {' or '.join(allowed)}")
    return value


def _from_url(url: str) -> DatabaseSettings:
    """Parse `engine://user:password@host:port/database?sslrootcert=file`, in libpq's words.

    Messages never repeat the URL, which holds a password. On an engine that takes tokens it may be one; where it holds
    none, each connection gets a token of its own.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ContractError("DATABASE_URL is not a URL: write engine://user:password@host:port/database") from None
    engine = engine_of_url_scheme(parts.scheme)
    if engine is None:
        allowed = " or ".join(f"{spec.url_schemes[0]}://" for spec in ENGINES.values())
        raise ContractError(f"DATABASE_URL starts with {parts.scheme!r}; must be {allowed}")
    if not parts.hostname or not parts.username or not parts.path.strip("/"):
        raise ContractError("DATABASE_URL lacks its host, user or database: engine://user:password@host:port/database")
    query, database = parse_qs(parts.query), unquote(parts.path.strip("/"))
    # On DSQL the database is always the same, and libpq takes the schema as an option.
    schema = _SEARCH_PATH.search(query.get("options", [""])[0]) if database == engine.maintenance_database else None
    return DatabaseSettings(
        name="database-url",
        engine=engine.name,
        endpoint=parts.hostname,
        port=port or engine.default_port,
        schema=schema[1] if schema else database,
        db_role=unquote(parts.username),
        auth=engine.auth_modes[-1],
        ca=query.get("sslrootcert", [""])[0],
        password=unquote(parts.password) if parts.password else "" if "password" in engine.auth_modes else None,
    )
