"""What a function is told about its database: the variables, and the values they parse to."""

import pytest

from aurora_lambda_runtime.database.contract import (
    ContractError,
    DatabaseSettings,
    RuntimeRole,
    database_settings,
    runtime_role,
)

ENDPOINT = "abcdefghijklmnopqrstuvwxyz.dsql.eu-west-1.on.aws"
ARN = "arn:aws:dsql:eu-west-1:123456789012:cluster/abcdefghijklmnopqrstuvwxyz"
DSQL = DatabaseSettings(
    name="main-db",
    engine="dsql",
    endpoint=ENDPOINT,
    schema="myapp",
    db_role="lambda_myapp",
    identifier="abcdefghijklmnopqrstuvwxyz",
    arn=ARN,
)
VARIABLES = {
    "SQL_MAIN_DB_ENGINE": "dsql",
    "SQL_MAIN_DB_ENDPOINT": ENDPOINT,
    "SQL_MAIN_DB_SCHEMA": "myapp",
    "SQL_MAIN_DB_DB_ROLE": "lambda_myapp",
    "SQL_MAIN_DB_AUTH": "iam",
    "SQL_MAIN_DB_IDENTIFIER": "abcdefghijklmnopqrstuvwxyz",
    "SQL_MAIN_DB_ARN": ARN,
}


def test_a_dsql_cluster_is_described_by_the_names_that_people_know() -> None:
    """Code that was written against these variables reads them from this stack too."""
    assert DSQL.to_environment() == VARIABLES
    assert database_settings(VARIABLES) == DSQL


def test_a_server_elsewhere_has_a_port_and_a_ca_file() -> None:
    """The one on this machine listens on a free port, and no public authority vouches for it."""
    elsewhere = VARIABLES | {"SQL_MAIN_DB_PORT": "54321", "SQL_MAIN_DB_CA": "/data/ca.pem"}
    settings = database_settings(elsewhere)
    assert (settings.port, settings.ca) == (54321, "/data/ca.pem")
    assert settings.to_environment() == elsewhere


def test_the_migration_runner_is_told_which_iam_roles_to_let_in() -> None:
    """DSQL knows no other link between a function and a role of the database."""
    arns = "arn:aws:iam::123456789012:role/handler", "arn:aws:iam::123456789012:role/copy-items"
    role = RuntimeRole("lambda_myapp", "iam", iam_role_arns=arns)
    variables = role.to_environment("main-db")
    assert variables == {
        "SQL_MAIN_DB_RUNTIME_DB_ROLE": "lambda_myapp",
        "SQL_MAIN_DB_RUNTIME_AUTH": "iam",
        "SQL_MAIN_DB_RUNTIME_ROLE_ARN": " ".join(arns),
    }
    assert runtime_role(variables, "main-db") == role


def test_a_password_on_dsql_is_a_mistake() -> None:
    """It takes tokens only: the function would be refused at its first connection."""
    with pytest.raises(ContractError, match="^SQL_MAIN_DB_AUTH is 'password'; must be iam$"):
        database_settings(VARIABLES | {"SQL_MAIN_DB_AUTH": "password"})


def test_a_url_says_where_a_dsql_server_stands_and_how_to_verify_it() -> None:
    """`DATABASE_URL` wins over the separate variables on every engine."""
    settings = database_settings({"DATABASE_URL": "dsql://admin@localhost:54321/my%20app?sslrootcert=/data/ca.pem"})
    assert settings == DatabaseSettings(
        name="database-url",
        engine="dsql",
        endpoint="localhost",
        port=54321,
        schema="my app",
        db_role="admin",
        ca="/data/ca.pem",
    )


@pytest.mark.parametrize(
    ("url", "engine", "schema"),
    [
        ("postgresql://me:secret@localhost/app", "postgres", "app"),
        ("postgres://me:secret@localhost/app", "postgres", "app"),
        ("postgresql+psycopg://me:secret@localhost/app", "postgres", "app"),
        ("mysql+pymysql://me:secret@localhost/app", "mysql", "app"),
        ("mariadb://me:secret@localhost/app", "mysql", "app"),
        ("dsql://admin@localhost/postgres?options=-csearch_path%3Dapp&sslmode=verify-full", "dsql", "app"),
        ("postgresql://me:secret@localhost/app?options=-csearch_path%3Dother", "postgres", "app"),
    ],
)
def test_a_url_is_taken_as_sqlalchemy_or_libpq_write_it(url: str, engine: str, schema: str) -> None:
    """A person would have to rewrite the URL that another tool has given."""
    settings = database_settings({"DATABASE_URL": url})
    assert (settings.engine, settings.schema) == (engine, schema)
