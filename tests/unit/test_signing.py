"""Signatures, compared with botocore's."""

from datetime import UTC, datetime

import boto3
import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aurora_lambda_runtime.database import signing
from aurora_lambda_runtime.database.signing import AwsCredentials, dsql_token, post_headers, rds_token

NOW = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
KEYS = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SESSION_KEYS = AwsCredentials("ASIAEXAMPLE", "secret/key+", "token//with+/odd=characters==")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same moment for both signers."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: NOW.replace(tzinfo=None))
    monkeypatch.setattr(signing.time, "time", NOW.timestamp)


@pytest.mark.parametrize("keys", [KEYS, SESSION_KEYS])
@pytest.mark.parametrize("user", ["app_runtime", "odd user+/=&~ä"])
def test_the_rds_token_is_botocores_to_the_byte(keys: AwsCredentials, user: str) -> None:
    """A token that differs anywhere is refused by RDS, and nobody can log in."""
    host = "stack.cluster-abc.eu-central-1.rds.amazonaws.com"
    client = boto3.client(
        "rds",
        region_name="eu-central-1",
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token or None,
    )
    ours = rds_token(host, 5432, user, region="eu-central-1", credentials=keys)
    assert ours == client.generate_db_auth_token(host, 5432, user)


@pytest.mark.parametrize("keys", [KEYS, SESSION_KEYS])
@pytest.mark.parametrize(
    ("user", "sign"),
    [("admin", "generate_db_connect_admin_auth_token"), ("lambda_my app", "generate_db_connect_auth_token")],
)
def test_the_dsql_token_is_botocores_to_the_byte(keys: AwsCredentials, user: str, sign: str) -> None:
    """DSQL refuses a token that differs anywhere, or that is for the other of the two actions."""
    host = "abcdefghijklmnopqrstuvwxyz.dsql.eu-central-1.on.aws"
    client = boto3.client(
        "dsql",
        region_name="eu-central-1",
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token or None,
    )
    ours = dsql_token(host, 5432, user, region="eu-central-1", credentials=keys)
    assert ours == getattr(client, sign)(host)


@pytest.mark.parametrize("keys", [KEYS, SESSION_KEYS])
def test_a_signed_post_is_botocores(keys: AwsCredentials) -> None:
    """Secrets Manager refuses any other signature: no password could be read."""
    body = b'{"SecretId": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a"}'
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
    host = "secretsmanager.eu-central-1.amazonaws.com"
    theirs = AWSRequest("POST", f"https://{host}/", headers={**headers, "Host": host}, data=body)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token or None)
    SigV4Auth(credentials, "secretsmanager", "eu-central-1").add_auth(theirs)
    ours = post_headers("secretsmanager", host, headers, body, region="eu-central-1", credentials=keys)
    assert ours == dict(theirs.headers)


def test_keys_are_not_in_their_own_description() -> None:
    """A log line or an error that shows the credentials object must not show the secret."""
    assert repr(SESSION_KEYS) == "AwsCredentials(access_key_id='ASIAEXAMPLE')"
