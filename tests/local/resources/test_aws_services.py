"""The emulated AWS services, and what they keep from web pages."""

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests

from aurora_lambda_local.resources.aws_services import AwsServices
from tests.services import PATIENCE_SECONDS

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:main-abcdef"
PAGE = {"Origin": "https://evil.example.com"}


@pytest.fixture(scope="module")
def services() -> AwsServices:
    """Start the services with one secret."""
    services = AwsServices(0)
    services.put_secret("eu-west-1", ARN, "hush")
    return services


@pytest.fixture
def client(services: AwsServices) -> Iterator[Any]:
    """Give boto3's client for the secrets."""
    client = boto3.client(
        "secretsmanager",
        endpoint_url=services.endpoint,
        region_name="eu-west-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    yield client
    client.close()


def test_a_program_reads_the_secret(client: Any) -> None:
    """Functions could not log in to the database."""
    assert client.get_secret_value(SecretId=ARN)["SecretString"] == "hush"


def get_secret(endpoint: str, headers: dict[str, str]) -> requests.Response:
    """Ask for the secret as a page does that needs no signature."""
    asked = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": "application/x-amz-json-1.1"}
    scope = "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/secretsmanager/aws4_request"
    return requests.post(
        endpoint, json={"SecretId": ARN}, headers={"Authorization": scope, **asked, **headers}, timeout=PATIENCE_SECONDS
    )


def test_a_web_page_does_not(services: AwsServices) -> None:
    """Any page that the developer visits could read the database's master password."""
    for headers in (PAGE, {"Host": "evil.example.com"}, {"Sec-Fetch-Site": "same-site"}):
        response = get_secret(services.endpoint, headers)
        assert (response.status_code, "hush" in response.text) == (403, False)
        assert response.json()["__type"] == "AccessDeniedException"


def test_no_answer_lets_web_pages_in(services: AwsServices) -> None:
    """Moto allows every origin by itself: a browser would hand the answer to the page."""
    response = get_secret(services.endpoint, {})
    assert response.json()["SecretString"] == "hush"
    assert [name for name in response.headers if name.lower().startswith("access-control-")] == []


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/data.json", "/moto-api/"])
def test_motos_own_routes_are_closed(services: AwsServices, client: Any, path: str) -> None:
    """Whoever knows moto could list or drop every secret, and all tables."""
    assert requests.post(services.endpoint + path, timeout=PATIENCE_SECONDS).status_code == 404
    assert requests.get(services.endpoint + path, timeout=PATIENCE_SECONDS).status_code == 404
    assert client.get_secret_value(SecretId=ARN)["SecretString"] == "hush"


def test_a_request_that_cannot_be_read_is_answered_with_a_status_line(services: AwsServices) -> None:
    """A client would take the answer's body for the whole answer, of no status at all."""
    address = urlsplit(services.endpoint)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 505 ")


def test_objects_and_queues_work(services: AwsServices) -> None:
    """S3 and SQS would break behind the check."""
    options = {"region_name": "eu-west-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
    s3 = boto3.client("s3", endpoint_url=services.endpoint, **options)
    s3.create_bucket(Bucket="box", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="box", Key="a/b", Body=b"x" * 100_000)
    assert s3.get_object(Bucket="box", Key="a/b")["Body"].read() == b"x" * 100_000
    assert s3.head_object(Bucket="box", Key="a/b")["ContentLength"] == 100_000
    sqs = boto3.client("sqs", endpoint_url=services.endpoint, **options)
    queue = sqs.create_queue(QueueName="letters")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    for client in (s3, sqs):
        client.close()
