"""A stack with an Aurora DSQL cluster, brought up for real."""

from contextlib import closing
from pathlib import Path

import psycopg
import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda.database_access import DsqlDetails, cluster_endpoint
from aurora_lambda.image import LambdaImage
from aurora_lambda_local import commands
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.progress import Progress
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.signing import AwsCredentials
from tests.local.running import invoke

pytestmark = pytest.mark.slow

# Of a second database, which a function in another language may use too.
AUDIT = {"SQL_AUDIT_ENDPOINT": "audit.example.com", "SQL_AUDIT_IDENTIFIER": "audit"}
ROLE = "arn:aws:iam::123456789012:role/hello"


def program() -> None:
    """Register a cluster, and a function that is its administrator."""
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    cluster = aws.dsql.Cluster("main-db")
    endpoint = cluster.arn.apply(cluster_endpoint)
    access = pulumi.Output.all(cluster.arn, endpoint, cluster.identifier).apply(
        lambda known: DsqlDetails(
            name="main-db",
            arn=known[0],
            endpoint=known[1],
            identifier=known[2],
            schema="app",
            runtime_role="",
            owner="",
            function_role_arns=[ROLE],
            subnet_ids=[],
            security_group_ids=[],
        ).admin()["environment"]
    )
    for name, more in (("hello", {}), ("both", AUDIT)):
        variables = access.apply(lambda own, more=more: {**own, **more})
        aws.lambda_.Function(
            name, package_type="Image", image_uri=image.image_uri, role=ROLE, environment={"variables": variables}
        )


def log_in(environment: dict[str, str]) -> psycopg.Connection:
    """Log in as the function does, with what it is told and nothing else."""
    settings = database_settings(environment)
    credentials = AwsCredentials(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
    )
    region, sign = environment["AWS_REGION"], settings.spec.sign_token
    return psycopg.connect(
        host=settings.endpoint,
        port=settings.port,
        user=settings.db_role,
        password=sign(settings.endpoint, settings.port, settings.db_role, region, credentials),
        dbname="postgres",
        sslmode="verify-full",
        sslrootcert=settings.ca,
        autocommit=True,
    )


def test_a_function_reaches_the_cluster_with_its_own_role(checkout: Path) -> None:
    """A function would be sent to AWS, or be taken for another: its credentials are all that tells who it is."""
    lines: list[str] = []
    up("local", checkout=checkout, program=program, progress=Progress(lines.append))
    environment = invoke(checkout, do="environment")
    both = invoke(checkout, function="both", do="environment")
    assert {key: both[key] for key in both if key.startswith("SQL_")} == AUDIT | {
        key: environment[key] for key in environment if key.startswith("SQL_")
    }
    with log_in(environment) as connection:
        connection.execute("CREATE ROLE lambda_app WITH LOGIN")
        connection.execute(f"AWS IAM GRANT lambda_app TO '{ROLE}'".encode())
    with log_in(environment | {"SQL_MAIN_DB_DB_ROLE": "lambda_app"}) as connection:
        assert connection.execute("SELECT current_user").fetchall() == [("lambda_app",)]

    # All is found again, by the same name and port.
    lines.clear()
    up("local", checkout=checkout, program=program, progress=Progress(lines.append))
    assert lines[-1].startswith("Nothing changed: ")
    with log_in(environment) as connection:
        assert connection.execute("SELECT pg_role_name FROM sys.iam_pg_role_mappings").fetchall() == [("lambda_app",)]

    # The status says where a person logs in as admin, and revisions are written against that.
    settings = database_settings({"DATABASE_URL": commands.database_url(checkout)})
    with closing(Connector(settings).open()) as admin, admin.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("admin",)
    with psycopg.connect(commands.status(checkout)["databaseUrl"]) as connection:
        assert connection.execute("SELECT current_user, current_setting('search_path')").fetchone() == ("admin", "app")
