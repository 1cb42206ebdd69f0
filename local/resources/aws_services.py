"""The AWS services that moto emulates here on one endpoint: Secrets Manager, DynamoDB and its streams, S3, SQS."""

import threading

from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local.platform.http_server import IDLE_SECONDS
from local.resources.moto_application import ClosedApplication
from local.resources.resource_schemas import ACCOUNT_ID


class _Connection(MotoRequestHandler):
    timeout = IDLE_SECONDS

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing."""


class AwsServices:
    """moto in this process. Its data is in memory, and gone when the process ends."""

    def __init__(self, port: int) -> None:
        application = ClosedApplication(DomainDispatcherApplication(create_backend_app))
        self._server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Connection)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

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

    def secret_value(self, region: str, arn: str) -> str | None:
        """Return the current value of a secret; None when there is none."""
        backend, name = _backend(region), _name(arn)
        if name not in backend.secrets or not backend.secrets[name].versions:
            return None
        return backend.get_secret_value(name, version_id="", version_stage="AWSCURRENT").get("SecretString")

    def delete_secret(self, region: str, arn: str) -> None:
        """Delete a secret."""
        _backend(region).secrets.pop(_name(arn))


def _backend(region: str) -> SecretsManagerBackend:
    return secretsmanager_backends[ACCOUNT_ID][region]


def _name(arn: str) -> str:
    return arn.rpartition(":")[2].rpartition("-")[0]
