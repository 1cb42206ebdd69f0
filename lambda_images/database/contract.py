"""What a function is told about its database: environment names, and the values they parse to.

The one module that both the components (which write these names) and the image (which reads them) import,
so it uses the standard library alone and does no I/O.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args
from urllib.parse import unquote, urlsplit

Engine = Literal["mysql", "postgres"]
Auth = Literal["iam", "password"]

ENGINES: tuple[Engine, ...] = get_args(Engine)
AUTHS: tuple[Auth, ...] = get_args(Auth)
DEFAULT_PORTS: Mapping[Engine, int] = {"mysql": 3306, "postgres": 5432}
URL_SCHEMES: Mapping[str, Engine] = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgres": "postgres",
    "postgresql": "postgres",
}

DATABASE_URL = "DATABASE_URL"
ALLOW_RESET = "ALLOW_RESET"


class ContractError(Exception):
    """The environment does not say which database to use."""


@dataclass(frozen=True)
class DatabaseSettings:
    """Where one database is and how to log in to it, as `SQL_<NAME>_*` variables say.

    `schema` is the database's name on Aurora. `revision` is the migration the deployment applied last; empty
    where nobody said. `secret_arn` names the secret that holds the password under `auth="password"`.
    `password` is set only when the settings come from `DATABASE_URL`.
    """

    name: str
    engine: Engine
    endpoint: str
    port: int
    schema: str
    db_role: str
    auth: Auth
    identifier: str = ""
    arn: str = ""
    secret_arn: str = ""
    revision: str = ""
    password: str | None = field(default=None, repr=False)

    def to_environment(self) -> dict[str, str]:
        """The variables that parse back to this value; empty fields are left out, and so is a password."""
        values = {suffix: str(getattr(self, suffix.lower())) for suffix in _SUFFIXES}
        return {environment_name(self.name, suffix): value for suffix, value in values.items() if value}


@dataclass(frozen=True)
class RuntimeRole:
    """The database role the application logs in with, which the migration runner creates.

    `secret_arn` names the secret that the runner fills with the role's password under `auth="password"`.
    """

    db_role: str
    auth: Auth
    secret_arn: str = ""

    def to_environment(self, name: str) -> dict[str, str]:
        """The migration runner's variables for this role of the database called `name`."""
        values = {"RUNTIME_DB_ROLE": self.db_role, "RUNTIME_AUTH": self.auth, "RUNTIME_SECRET_ARN": self.secret_arn}
        return {environment_name(name, suffix): value for suffix, value in values.items() if value}


_SUFFIXES = ("ENGINE", "ENDPOINT", "PORT", "SCHEMA", "DB_ROLE", "AUTH", "IDENTIFIER", "ARN", "SECRET_ARN", "REVISION")
_REQUIRED = ("ENGINE", "ENDPOINT", "SCHEMA", "DB_ROLE")


def environment_name(name: str, suffix: str) -> str:
    """`environment_name("main-db", "ENDPOINT")` is `SQL_MAIN_DB_ENDPOINT`."""
    return f"SQL_{name.upper().replace('-', '_')}_{suffix}"


def database_settings(environment: Mapping[str, str]) -> DatabaseSettings:
    """Read the one database that `environment` describes; `DATABASE_URL`, when set, wins.

    Raises:
        ContractError: no database is described, more than one is, or a variable is missing or malformed.
    """
    if url := environment.get(DATABASE_URL):
        return _from_url(url)
    name = _database_name(environment)
    values = {suffix: environment.get(environment_name(name, suffix), "") for suffix in _SUFFIXES}
    if missing := [environment_name(name, suffix) for suffix in _REQUIRED if not values[suffix]]:
        raise ContractError(f"the environment lacks {', '.join(missing)}")
    engine = _one_of(environment_name(name, "ENGINE"), values["ENGINE"], ENGINES)
    auth = _one_of(environment_name(name, "AUTH"), values["AUTH"] or "iam", AUTHS)
    port = values["PORT"] or str(DEFAULT_PORTS[cast(Engine, engine)])
    if not port.isdecimal():
        raise ContractError(f"{environment_name(name, 'PORT')} is {port!r}; a port is a whole number")
    return DatabaseSettings(
        name=name.lower().replace("_", "-"),
        engine=cast(Engine, engine),
        endpoint=values["ENDPOINT"],
        port=int(port),
        schema=values["SCHEMA"],
        db_role=values["DB_ROLE"],
        auth=cast(Auth, auth),
        identifier=values["IDENTIFIER"],
        arn=values["ARN"],
        secret_arn=values["SECRET_ARN"],
        revision=values["REVISION"],
    )


def runtime_role(environment: Mapping[str, str], name: str) -> RuntimeRole | None:
    """Read the role the migration runner has to provide; None where the environment names none."""
    db_role = environment.get(environment_name(name, "RUNTIME_DB_ROLE"), "")
    if not db_role:
        return None
    variable = environment_name(name, "RUNTIME_AUTH")
    auth = _one_of(variable, environment.get(variable, "") or "iam", AUTHS)
    return RuntimeRole(db_role, cast(Auth, auth), environment.get(environment_name(name, "RUNTIME_SECRET_ARN"), ""))


def parse_master_secret(text: str) -> tuple[str, str]:
    """The user name and password in a secret of the form RDS manages: `{"username": ..., "password": ...}`.

    Raises:
        ContractError: the text has another form. The message never repeats the secret.
    """
    try:
        secret = json.loads(text)
        return str(secret["username"]), str(secret["password"])
    except (ValueError, KeyError, TypeError):
        raise ContractError('the database secret is not of the form {"username": ..., "password": ...}') from None


def _database_name(environment: Mapping[str, str]) -> str:
    found = sorted(match[1] for name in environment if (match := re.fullmatch(r"SQL_(\w+)_ENDPOINT", name)))
    if len(found) == 1:
        return found[0]
    if not found:
        raise ContractError("no database is configured: set DATABASE_URL, or SQL_<NAME>_ENDPOINT and its siblings")
    raise ContractError(f"more than one database is configured ({', '.join(found)}): set DATABASE_URL to choose")


def _one_of(variable: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ContractError(f"{variable} is {value!r}; it takes {' or '.join(allowed)}")
    return value


def _from_url(url: str) -> DatabaseSettings:
    """Parse `engine://user:password@host:port/database`; messages never repeat the URL, which holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ContractError("DATABASE_URL is not a URL: write engine://user:password@host:port/database") from None
    engine = URL_SCHEMES.get(parts.scheme.partition("+")[0])
    if engine is None:
        raise ContractError(f"DATABASE_URL starts with {parts.scheme!r}; it takes mysql:// or postgres://")
    if not parts.hostname or not parts.username or not parts.path.strip("/"):
        raise ContractError("DATABASE_URL lacks its host, user or database: engine://user:password@host:port/database")
    return DatabaseSettings(
        name="database-url",
        engine=engine,
        endpoint=parts.hostname,
        port=port or DEFAULT_PORTS[engine],
        schema=unquote(parts.path.strip("/")),
        db_role=unquote(parts.username),
        auth="password",
        password=unquote(parts.password or ""),
    )
