"""The AWS services that moto emulates here on one endpoint: Secrets Manager, DynamoDB and its streams, S3, SQS."""

import json
import threading
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug import Request, Response
from werkzeug.serving import make_server

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.http_server import IDLE_SECONDS
from aurora_lambda_local.platform.web_pages import web_page_error
from aurora_lambda_local.resources.resource_schemas import ACCOUNT_ID
from aurora_lambda_local.streams.dynamodb import DurableDynamoDb
from aurora_lambda_local.streams.store import StreamStore

# Routes of moto's own that list and reset all its data.
CONTROL_ROUTES = "/moto-api"


class ClosedApplication:
    """A WSGI application that answers programs of this machine only, and adds no CORS headers."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request: Request) -> Response:
        if refusal := web_page_error(request.headers):
            return _error(HTTPStatus.FORBIDDEN, "AccessDeniedException", refusal)
        if request.path.startswith(CONTROL_ROUTES):
            return _error(HTTPStatus.NOT_FOUND, "UnknownOperationException", f"{CONTROL_ROUTES} is closed here")
        response = Response.from_app(self._application, request.environ)
        for name in [name for name, _ in response.headers if name.lower().startswith("access-control-")]:
            response.headers.remove(name)
        return response


def _error(status: HTTPStatus, error_type: str, message: str) -> Response:
    body = json.dumps({"__type": error_type, "Message": message})
    return Response(body, status, content_type="application/x-amz-json-1.1")


class _Connection(MotoRequestHandler):
    timeout = IDLE_SECONDS
    # As in `platform.http_server`: a request line that cannot be read is answered with a status line.
    default_request_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing."""


class AwsServices:
    """moto in this process. All but DynamoDB's tables and streams is in memory, and gone when the process ends."""

    def __init__(self, port: int) -> None:
        self.dynamodb = DurableDynamoDb(DomainDispatcherApplication(create_backend_app))
        self._store: StreamStore | None = None
        application = ClosedApplication(self.dynamodb)
        self._server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Connection)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def store(self) -> StreamStore:
        """The store of the stack that is up.

        Raises:
            LocalError: none is up.
        """
        if self._store is None:
            raise LocalError("no stack is up: run aurora-lambda up")
        return self._store

    def open_store(self, path: Path) -> None:
        """Bring back a stack's tables and streams, and keep them from now on."""
        self._store = StreamStore(path)
        self.dynamodb.open(self._store)

    def close_store(self) -> None:
        """Forget the stack's tables and streams here; they stay in its store."""
        self.dynamodb.close()
        self.store.close()
        self._store = None

    def put_secret(self, region: str, arn: str, value: str | None) -> None:
        """Create or replace a secret; without a value it is a secret that has no version yet."""
        backend, name = _backend(region), _name(arn)
        backend.secrets.pop(name)
        backend.create_secret(
            name,
            secret_string=value,
            secret_binary=None,
            description=None,
            tags=None,
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        # moto ends the ARN in six random characters; the program has been told another ARN.
        backend.secrets[name].arn = arn

    def has_secret(self, region: str, arn: str) -> bool:
        """Return whether a secret exists and is not scheduled for deletion."""
        secrets, name = _backend(region).secrets, _name(arn)
        return name in secrets and not secrets[name].is_deleted()

    def secret_value(self, region: str, arn: str) -> str | None:
        """Return the current value of a secret; None when there is none."""
        backend, name = _backend(region), _name(arn)
        if not self.has_secret(region, arn) or not backend.secrets[name].versions:
            return None
        return backend.get_secret_value(name, version_id="", version_stage="AWSCURRENT").get("SecretString")

    def delete_secret(self, region: str, arn: str) -> None:
        """Delete a secret."""
        _backend(region).secrets.pop(_name(arn))


def _backend(region: str) -> SecretsManagerBackend:
    return secretsmanager_backends[ACCOUNT_ID][region]


def _name(arn: str) -> str:
    return arn.rpartition(":")[2].rpartition("-")[0]
