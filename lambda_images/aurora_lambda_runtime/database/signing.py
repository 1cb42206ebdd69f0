"""AWS Signature Version 4 with the standard library: what boto3 would sign, without its 200 ms of import.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
TOKEN_SECONDS = 900


@dataclass(frozen=True)
class AwsCredentials:
    """What a request is signed with; `session_token` is empty for a user's long-lived key."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def rds_token(host: str, port: int, user: str, region: str, credentials: AwsCredentials, *, now: float = 0) -> str:
    """Return a password for RDS IAM authentication, good for opening connections during 15 minutes.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
    """
    stamp = _stamp(now or time.time())
    scope = f"{stamp[:8]}/{region}/rds-db/aws4_request"
    return _presigned(f"{host}:{port}", {"Action": "connect", "DBUser": user}, stamp, scope, credentials)


def dsql_token(host: str, port: int, user: str, region: str, credentials: AwsCredentials, *, now: float = 0) -> str:
    """Return a password for Aurora DSQL, good for opening connections during 15 minutes; `port` has no part in it.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/SECTION_authentication-token.html
    """
    stamp = _stamp(now or time.time())
    scope = f"{stamp[:8]}/{region}/dsql/aws4_request"
    action = "DbConnectAdmin" if user == "admin" else "DbConnect"
    return _presigned(host, {"Action": action}, stamp, scope, credentials)


def post_headers(
    service: str, host: str, headers: Mapping[str, str], body: bytes, *, region: str, credentials: AwsCredentials
) -> dict[str, str]:
    """Return `headers` and those that sign a POST of `body` to the root of `host`."""
    stamp = _stamp(time.time())
    signed = {**headers, "Host": host, "X-Amz-Date": stamp}
    if credentials.session_token:
        signed["X-Amz-Security-Token"] = credentials.session_token
    lower = {name.lower(): value for name, value in sorted(signed.items(), key=lambda item: item[0].lower())}
    canonical = "".join(f"{name}:{value}\n" for name, value in lower.items())
    names = ";".join(lower)
    request = f"POST\n/\n\n{canonical}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    signature = _signature(request, stamp, scope, credentials)
    credential = f"{credentials.access_key_id}/{scope}"
    signed["Authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return signed


def _presigned(host: str, query: Mapping[str, str], stamp: str, scope: str, credentials: AwsCredentials) -> str:
    """Return the URL, without its scheme, of a signed GET of the root of `host`."""
    values = {
        **query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(TOKEN_SECONDS),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token:
        values["X-Amz-Security-Token"] = credentials.session_token
    pairs = [f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in values.items()]
    empty = hashlib.sha256(b"").hexdigest()
    request = f"GET\n/\n{'&'.join(sorted(pairs))}\nhost:{host}\n\nhost\n{empty}"
    return f"{host}/?{'&'.join(pairs)}&X-Amz-Signature={_signature(request, stamp, scope, credentials)}"


def _signature(request: str, stamp: str, scope: str, credentials: AwsCredentials) -> str:
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _stamp(now: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
