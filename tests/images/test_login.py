"""How a function logs in, against real servers."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from aurora_lambda_local.databases.registry import DatabaseServer
from aurora_lambda_runtime.database import aws as aws_module
from aurora_lambda_runtime.database import drivers
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import DatabaseSettings, database_settings
from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.database.errors import DatabaseError, LoginRefusedError, SecretUnavailableError
from tests.conftest import AWS_ENVIRONMENT, Database
from tests.images.runs import role_environment, rows, run, secret_value


@pytest.fixture(params=("postgres", "mysql"))
def database(request: pytest.FixtureRequest) -> Database:
    """Return a database name nobody has used, on each engine whose roles may have passwords."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def role(database: Database, empty_secret: str) -> DatabaseSettings:
    """Return a handler's settings, by password; the runner has made the role."""
    name = f"{database.name}_app"
    run({}, role_environment(database, name, empty_secret))
    return _settings(database, name, "password", empty_secret)


def _settings(database: Database, role: str, auth: str, secret: str = "") -> DatabaseSettings:
    environment = {
        "SQL_MAIN_DB_ENGINE": database.engine,
        "SQL_MAIN_DB_ENDPOINT": "127.0.0.1",
        "SQL_MAIN_DB_PORT": str(database.port),
        "SQL_MAIN_DB_SCHEMA": database.name,
        "SQL_MAIN_DB_DB_ROLE": role,
        "SQL_MAIN_DB_AUTH": auth,
        "SQL_MAIN_DB_SECRET_ARN": secret,
    }
    return database_settings({name: value for name, value in environment.items() if value})


def one(connection: Any) -> Any:
    """Return what the server says to SELECT 1."""
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


def test_the_password_is_read_once_and_again_when_it_was_rotated(
    database: Database, role: DatabaseSettings, empty_secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rotation every handler finds the new password by itself; before, none asks twice."""
    reads = []
    get_secret = aws_module.get_secret

    def counted(arn: str, retry_seconds: float = 0.0) -> str | None:
        reads.append(arn)
        return get_secret(arn, retry_seconds=retry_seconds)

    monkeypatch.setattr(aws_module, "get_secret", counted)
    connector = Connector(role)
    assert [one(connector.open()), one(connector.open()), len(reads)] == [1, 1, 1]
    rotate(database, role.db_role, empty_secret)
    assert [one(connector.open()), len(reads)] == [1, 2]
    assert [one(connector.open()), len(reads)] == [1, 2]


def rotate(database: Database, role: str, secret: str) -> None:
    """Change a role's password, and its secret, behind everybody's back."""
    name = f"'{role}'@'%'" if database.engine == "mysql" else role
    verb = "USER {} IDENTIFIED BY 'rotated'" if database.engine == "mysql" else "ROLE {} PASSWORD 'rotated'"
    rows(database, f"ALTER {verb.format(name)}")
    client = boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"])
    client.put_secret_value(SecretId=secret, SecretString=json.dumps({"username": role, "password": "rotated"}))


def test_a_password_that_stays_wrong_is_refused_without_being_shown(
    database: Database, role: DatabaseSettings, empty_secret: str
) -> None:
    """The error says who was refused where; the log must not say with what."""
    password = secret_value(empty_secret)["password"]
    change = "USER '{}'@'%' IDENTIFIED BY 'other'" if database.engine == "mysql" else "ROLE {} PASSWORD 'other'"
    rows(database, f"ALTER {change.format(role.db_role)}")
    with pytest.raises(LoginRefusedError) as refusal:
        Connector(role).open()
    described = f"the database '{database.name}' at 127.0.0.1:{database.port} as role '{role.db_role}' (password): "
    assert str(refusal.value).startswith(described)
    assert password not in str(refusal.value)


def test_a_host_that_pg_hba_rejects_is_refused_and_not_waited_for() -> None:
    """`It may be resuming: try again` would have people wait for what only an administrator can change."""
    error = psycopg.OperationalError(
        'connection failed: FATAL:  pg_hba.conf rejects connection for host "10.0.0.1", user "app", database "app",'
        " no encryption"
    )
    assert drivers.driver(ENGINES["postgres"]).classify_error(error) is LoginRefusedError


def test_the_runner_tries_a_token_when_its_password_is_refused(
    database: Database, empty_secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL counts the master user among `rds_iam` once it has made a role in it: RDS may ask it for a token."""
    # No server here can check a token: it stands for a password that the secret does not hold.
    token = "a token"
    monkeypatch.setattr(Connector, "_token", lambda _self: token)
    settings = _settings(database, f"{database.name}_boss", "password", empty_secret)
    run({}, role_environment(database, settings.db_role, empty_secret))
    connector = Connector(settings)
    name = f"'{settings.db_role}'@'%'" if database.engine == "mysql" else settings.db_role
    verb = "USER {} IDENTIFIED BY '{}'" if database.engine == "mysql" else "ROLE {} PASSWORD '{}'"
    rows(database, f"ALTER {verb.format(name, token)}")
    with pytest.raises(LoginRefusedError):
        one(connector.open())
    connector.tries_token = True
    assert one(connector.open()) == 1


def test_an_empty_secret_names_the_remedy(database: Database, empty_secret: str) -> None:
    """A handler that was invoked before the first migration says what is missing."""
    with pytest.raises(SecretUnavailableError) as failure:
        Connector(_settings(database, "app_runtime", "password", empty_secret)).open()
    assert str(failure.value) == (
        f"the secret {empty_secret} holds no password for role 'app_runtime':"
        " run `aurora-lambda migrate`, which puts one there"
    )


def test_every_connection_has_a_token_of_its_own(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token lives 15 minutes: one that was kept would lock a long-lived handler out at its next connection."""
    for name, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    role = f"{postgres.name}_app"
    iam = {"SQL_DATABASE_URL_RUNTIME_DB_ROLE": role, "SQL_DATABASE_URL_RUNTIME_AUTH": "iam"}
    run({}, postgres.environment(**iam))
    connector = Connector(_settings(postgres, role, "iam"))
    passwords = []
    connect = connector._driver.connect

    def watched(settings: DatabaseSettings, password: str, timeout: float, database: str) -> Any:
        passwords.append(password)
        return connect(settings, password, timeout, database)

    monkeypatch.setattr(connector._driver, "connect", watched)
    moments = iter([1_795_255_200.0, 1_795_259_200.0])
    monkeypatch.setattr("aurora_lambda_runtime.database.signing.time.time", lambda: next(moments))
    assert [one(connector.open()), one(connector.open())] == [1, 1]
    host = f"127.0.0.1:{postgres.port}/?Action=connect&DBUser={role}&X-Amz-Algorithm=AWS4-HMAC-SHA256&"
    assert [password.startswith(host) for password in passwords] == [True, True]
    dates = [password.partition("X-Amz-Date=")[2][:16] for password in passwords]
    assert dates == ["20261121T100000Z", "20261121T110640Z"]


def test_tls_is_demanded_of_every_server_but_loopback(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server, or somebody between, that offers no TLS or a certificate of its own must not get the token."""
    settings = database_settings(database.environment())
    monkeypatch.setattr("aurora_lambda_runtime.database.drivers.is_loopback", lambda _host: False)
    refused = "does not support SSL|doesn't support it|CERTIFICATE_VERIFY_FAILED"
    with pytest.raises(DatabaseError, match=refused) as refusal:
        Connector(settings).open("postgres" if database.engine == "postgres" else "")
    assert type(refusal.value) is DatabaseError


def test_a_password_is_taken_by_mysql_where_cryptography_is_missing(
    mysql: Database, servers: Mapping[str, DatabaseServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`up` on a machine with MySQL would wait for its database for a quarter of an hour, without a word."""
    monkeypatch.setattr("pymysql._auth._have_cryptography", False)
    servers["mysql"].set_master("unseen", "its password")
    settings = database_settings(mysql.environment("unseen", "its password"))
    with closing(Connector(settings).open("")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user()")
        assert cursor.fetchone() == ("unseen@%",)


def test_mysql_verifies_the_servers_name_and_chain() -> None:
    """Encrypted to whom, is the question."""
    ca_file = drivers.ca_file(database_settings({"DATABASE_URL": "mysql://user:secret@database.example.org/app"}))
    context = drivers.driver(ENGINES["mysql"])._tls(ca_file)  # ty: ignore[missing-attribute]
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    names = {dict(pair[0] for pair in root["subject"])["commonName"] for root in context.get_ca_certs()}
    for region in ("us-east-1", "eu-central-1", "ap-southeast-2"):
        assert f"Amazon RDS {region} Root CA RSA2048 G1" in names


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("stack.cluster-abc.eu-central-1.rds.amazonaws.com", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    """The one exception to TLS must not grow."""
    assert drivers.is_loopback(host) is loopback


@pytest.fixture
def image(database: Database) -> dict[str, str]:
    """Return a function's environment."""
    run({}, database.environment())
    own = {"PATH": "/usr/bin", "PYTHONPATH": str(Path(__file__).parents[2]), "AURORA_LAMBDA_DATABASE_ROUTES": "true"}
    return {**own, **database.environment()}


def _started(program: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


def test_the_image_starts_and_answers(image: dict[str, str]) -> None:
    """The entry point itself: connected while importing, its collector on again, no AWS library loaded."""
    program = """
import gc, sys
from types import SimpleNamespace
from aurora_lambda_runtime.handler.app import dispatcher, lambda_handler
context = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: 15000)
event = {"rawPath": "/info", "requestContext": {"http": {"method": "GET"}}}
print(lambda_handler(event, context)["statusCode"], gc.isenabled(), gc.get_freeze_count() > 10000)
print([name for name in ("boto3", "botocore", "alembic", "http.client") if name in sys.modules])
dispatcher.connector.close()
"""
    done = _started(program, image)
    assert (done.stdout, done.stderr) == ("200 True True\n[]\n", "")


def test_a_function_without_a_database_says_which_variables_it_lacks() -> None:
    """A wrong environment shows in the first line of the log."""
    done = _started("import aurora_lambda_runtime.handler.app", {"PYTHONPATH": str(Path(__file__).parents[2])})
    assert done.stderr.splitlines()[-1] == (
        "aurora_lambda_runtime.database.contract.ContractError: no database is configured: set DATABASE_URL,"
        " or SQL_<NAME>_ENDPOINT and its siblings"
    )
