"""Secrets and credentials, asked of moto and of a small server of the tests' own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import pytest

from aurora_lambda_runtime.database import aws as aws_module
from aurora_lambda_runtime.database.aws import credentials, get_secret, put_secret, region
from aurora_lambda_runtime.database.errors import SecretUnavailableError
from aurora_lambda_runtime.database.signing import AwsCredentials


class Server(HTTPServer):
    """Answers what it was given, one answer a request, and keeps the requests' headers."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.seen: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Takes the next answer."""

    def do_GET(self) -> None:
        server = cast(Server, self.server)
        server.seen.append(dict(self.headers))
        status, body = server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET  # noqa: N815 - as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server gives it
        del format, args


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Servers to be closed afterwards."""
    made: list[Server] = []
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


def test_a_secret_is_empty_then_holds_what_was_put(empty_secret: str) -> None:
    """The path of a role's password, from the migration runner to the handler."""
    assert get_secret(empty_secret) is None
    put_secret(empty_secret, '{"password": "ä"}')
    assert get_secret(empty_secret) == '{"password": "ä"}'


def test_a_secret_that_is_not_there_is_an_error_that_names_it(empty_secret: str) -> None:
    """A stack whose secret was deleted says so, rather than making a password nobody can read."""
    missing = f"{empty_secret}-gone"
    with pytest.raises(SecretUnavailableError, match=f"^the secret {missing} cannot be read: .*can't find"):
        get_secret(missing)
    with pytest.raises(SecretUnavailableError, match=f"^the secret {missing} cannot be written: "):
        put_secret(missing, "value")


def test_a_refusal_is_asked_again_by_who_has_patience(servers: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that has just been allowed to read a secret must not fail because IAM has not heard of it yet."""
    monkeypatch.setattr(aws_module, "REFUSED_PAUSE", 0.01)
    refused = (400, '{"__type": "AccessDeniedException", "Message": "not authorized"}')
    servers.append(Server(refused, refused, (200, '{"SecretString": "s"}'), refused))
    environment = {"AWS_ENDPOINT_URL": servers[0].url}
    assert get_secret("arn", environment, retry_seconds=30) == "s"
    with pytest.raises(SecretUnavailableError, match="^the secret arn cannot be read: not authorized$"):
        get_secret("arn", environment)


def test_a_passing_fault_is_tried_again(servers: list[Server]) -> None:
    """One hiccup of Secrets Manager must not fail a deployment."""
    servers.append(Server((503, ""), (500, "no JSON"), (200, '{"SecretString": "s"}')))
    assert get_secret("arn", {"AWS_ENDPOINT_URL": servers[0].url}) == "s"


def test_a_lasting_fault_is_an_error(servers: list[Server]) -> None:
    """After three tries the message says who did not answer, and nothing of the request."""
    servers.append(Server(*[(503, "")] * 3))
    with pytest.raises(SecretUnavailableError) as failure:
        put_secret("arn", "the-password", {"AWS_ENDPOINT_URL": servers[0].url})
    assert str(failure.value) == f"127.0.0.1:{servers[0].server_port} does not answer (HTTP status 503)"


def test_nobody_listening_is_an_error() -> None:
    """A missing VPC endpoint shows as what it is."""
    with pytest.raises(SecretUnavailableError, match=r"^127\.0\.0\.1:1 does not answer \(ConnectionRefusedError: "):
        get_secret("arn", {"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1"})


def test_the_services_own_endpoint_is_reached_by_verified_tls() -> None:
    """A password read from whoever answers is no secret."""
    connection: Any = aws_module._connection("https", "secretsmanager.eu-central-1.amazonaws.com")
    context = connection._context
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    names = {dict(pair[0] for pair in root["subject"])["commonName"] for root in context.get_ca_certs()}
    assert names == {
        "Amazon Root CA 1",
        "Amazon Root CA 2",
        "Amazon Root CA 3",
        "Amazon Root CA 4",
        "Starfield Services Root Certificate Authority - G2",
    }


def test_credentials_come_from_the_environment() -> None:
    """Lambda's ordinary way."""
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}
    assert credentials(environment) == AwsCredentials("a", "b", "c")


def test_under_snapstart_credentials_come_from_the_local_endpoint(servers: list[Server]) -> None:
    """A restored snapshot has no keys in its environment: without this it could log in nowhere."""
    answer = {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": "2026-11-21T10:00:00Z"}
    servers.append(Server((200, json.dumps(answer))))
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{servers[0].url}/2021-04-23/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "letmein",
    }
    assert credentials(environment) == AwsCredentials("a", "b", "c")
    assert servers[0].seen[0]["Authorization"] == "letmein"


def test_the_region_is_lambdas() -> None:
    """A token for another region is refused."""
    assert region({"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "us-west-2"}) == "eu-west-3"
    assert region({"AWS_DEFAULT_REGION": "us-west-2"}) == "us-west-2"
