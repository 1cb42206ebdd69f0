"""A function's credentials, and Secrets Manager, without boto3."""

import importlib
import json
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aurora_lambda_runtime.database.errors import SecretUnavailableError
from aurora_lambda_runtime.database.signing import AwsCredentials, post_headers

if TYPE_CHECKING:
    from http.client import HTTPConnection

AMAZON_ROOTS = Path(__file__).parent.parent / "certificates" / "amazon.pem"
TRIES = 3
TIMEOUT = 5.0
REFUSED_PAUSE = 1.0
OK = 200
FIRST_SERVER_ERROR = 500


def region(environment: Mapping[str, str] = os.environ) -> str:
    """Return the region this function runs in, as Lambda tells it."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"


def credentials(environment: Mapping[str, str] = os.environ) -> AwsCredentials:
    """Return the execution role's credentials: from the environment, or under SnapStart from a local endpoint.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html
    """
    url = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if url and "AWS_ACCESS_KEY_ID" not in environment:
        headers = {"Authorization": environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")}
        answer = json.loads(_exchange("GET", url, headers, b"")[1])
        return AwsCredentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"])
    return AwsCredentials(
        environment.get("AWS_ACCESS_KEY_ID", ""),
        environment.get("AWS_SECRET_ACCESS_KEY", ""),
        environment.get("AWS_SESSION_TOKEN", ""),
    )


def get_secret(arn: str, environment: Mapping[str, str] = os.environ, retry_seconds: float = 0.0) -> str | None:
    """Return the current value of a secret; None while it holds none.

    For `retry_seconds` it tries again when access is denied: a new IAM policy takes a while to take effect.

    Raises:
        SecretUnavailableError: Secrets Manager refuses or does not answer.
    """
    until = time.monotonic() + retry_seconds
    status, answer = _secrets_manager("GetSecretValue", {"SecretId": arn}, environment)
    while "AccessDenied" in answer.get("__type", "") and time.monotonic() < until:
        time.sleep(REFUSED_PAUSE)
        status, answer = _secrets_manager("GetSecretValue", {"SecretId": arn}, environment)
    if status == OK and "SecretString" not in answer:
        raise SecretUnavailableError(f"the secret {arn} cannot be read: it holds bytes, and must hold text")
    if status == OK:
        return answer["SecretString"]
    if "ResourceNotFound" in answer.get("__type", "") and "staging label" in _message(answer):
        return None
    raise SecretUnavailableError(f"the secret {arn} cannot be read: {_message(answer)}")


def put_secret(arn: str, value: str, environment: Mapping[str, str] = os.environ) -> None:
    """Make `value` the current value of a secret.

    Raises:
        SecretUnavailableError: Secrets Manager refuses or does not answer.
    """
    request = {"SecretId": arn, "SecretString": value, "ClientRequestToken": str(uuid.uuid4())}
    status, answer = _secrets_manager("PutSecretValue", request, environment)
    if status != OK:
        raise SecretUnavailableError(f"the secret {arn} cannot be written: {_message(answer)}")


def load() -> None:
    """Import what a request needs, before threads start: two that import at the same time can deadlock."""
    for name in ("ssl", "http.client"):
        importlib.import_module(name)


def _secrets_manager(
    action: str, request: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[int, dict[str, str]]:
    own = environment.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or environment.get("AWS_ENDPOINT_URL")
    url = own or f"https://secretsmanager.{region(environment)}.amazonaws.com"
    body = json.dumps(request).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"secretsmanager.{action}"}
    host = urlsplit(url).netloc
    signed = post_headers(
        "secretsmanager", host, headers, body, region=region(environment), credentials=credentials(environment)
    )
    status, text = _exchange("POST", url, signed, body)
    try:
        return status, json.loads(text)
    except ValueError:
        return status, {"message": f"HTTP status {status}"}


def _exchange(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """Return the status and body of a response; try again after a network error or a server's own error."""
    from http.client import HTTPException  # noqa: PLC0415 - 10 ms that a function with no secret to read can do without

    problem = ""
    for _ in range(TRIES):
        try:
            status, text = _exchange_once(method, url, headers, body)
        except (OSError, HTTPException) as error:
            problem = f"{type(error).__name__}: {error}"
            continue
        if status < FIRST_SERVER_ERROR:
            return status, text
        problem = f"HTTP status {status}"
    raise SecretUnavailableError(f"{urlsplit(url).netloc} does not answer ({problem})")


def _exchange_once(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.netloc)
    try:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request(method, path, body or None, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _connection(scheme: str, netloc: str) -> "HTTPConnection":
    import ssl  # noqa: PLC0415 - as above
    from http.client import HTTPConnection, HTTPSConnection  # noqa: PLC0415

    if scheme == "http":
        return HTTPConnection(netloc, timeout=TIMEOUT)
    roots = str(AMAZON_ROOTS) if netloc.endswith(".amazonaws.com") else None
    return HTTPSConnection(netloc, timeout=TIMEOUT, context=ssl.create_default_context(cafile=roots))


def _message(answer: Mapping[str, str]) -> str:
    return str(answer.get("message") or answer.get("Message") or answer.get("__type") or "no reason given")
