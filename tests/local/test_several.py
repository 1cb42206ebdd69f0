"""A service whose program has a second database and a second function URL of its own."""

from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda.image import LambdaImage
from aurora_lambda_local import commands
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.progress import Progress

pytestmark = pytest.mark.slow


def cluster(name: str, *before: pulumi.Resource) -> aws.rds.Cluster:
    """Register a cluster, to be made after `before`."""
    return aws.rds.Cluster(
        name,
        engine="aurora-postgresql",
        master_username="dbadmin",
        manage_master_user_password=True,
        opts=pulumi.ResourceOptions(depends_on=before),
    )


def function(name: str, image: LambdaImage, database: aws.rds.Cluster, variable: str) -> pulumi.Output[str]:
    """Register a function that uses a database, and return its URL."""
    made = aws.lambda_.Function(
        name,
        package_type="Image",
        image_uri=image.image_uri,
        role=f"arn:aws:iam::123456789012:role/{name}",
        environment={
            "variables": {
                f"SQL_{variable}_ENGINE": "postgres",
                f"SQL_{variable}_ENDPOINT": database.endpoint,
                f"SQL_{variable}_SCHEMA": variable.lower(),
                f"SQL_{variable}_DB_ROLE": "app",
            }
        },
    )
    return aws.lambda_.FunctionUrl(name, function_name=made.name, authorization_type="NONE").function_url


def program() -> None:
    """Register a database and a function beside the service's, and before them."""
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    audit = cluster("audit")
    service = cluster("main-db", audit)
    admin = function("admin", image, audit, "AUDIT")
    pulumi.export("port", service.port)
    pulumi.export("serviceUrl", admin.apply(lambda _: function("handler", image, service, "MAIN_DB")))


def test_the_status_tells_the_services_own_url_and_database(checkout: Path) -> None:
    """Requests, statements and revisions meant for the service would go to the program's other function or database."""
    up("local", checkout=checkout, program=program, progress=Progress([].append))
    report = commands.status(checkout)
    assert report["functionUrl"] == report["outputs"]["serviceUrl"]
    assert report["databaseUrl"].endswith(f"@127.0.0.1:{report['outputs']['port']}/main_db")
