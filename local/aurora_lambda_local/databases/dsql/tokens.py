"""Checks an IAM authentication token as Aurora DSQL does.

A token is a presigned request without its scheme: `host/?Action=DbConnect&X-Amz-...`.
Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/SECTION_authentication-token.html
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aurora_lambda_local.databases.dsql.errors import access_denied

ADMIN = "admin"
STAMP = "%Y%m%dT%H%M%SZ"
LONGEST = timedelta(days=7)
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Identity:
    """Who signs with an access key: an IAM role or user, and which of the two actions its policies allow."""

    arn: str
    secret_access_key: str = field(repr=False)
    actions: frozenset[str] = frozenset({"DbConnect", "DbConnectAdmin"})


def verify_token(token: str, user: str, host: str, region: str, identities: Mapping[str, Identity]) -> Identity:
    """Return who signed `token`; `identities` are known by their access key ids.

    Raises:
        DsqlError: DSQL would refuse it; the hint says why.
    """
    token_host, _, query = token.partition("/?")
    values = dict(parse_qsl(query, keep_blank_values=True))
    signature = values.pop("X-Amz-Signature", "")
    key_id, *scope = values.get("X-Amz-Credential", "").split("/")
    identity = identities.get(key_id)
    if identity is None:
        raise access_denied("The security token included in the request is invalid.")
    if token_host != host:
        raise access_denied(f"The token is for {token_host}, the connection to {host}.")
    signed = _moment(values)
    if scope != [f"{signed:%Y%m%d}", region, "dsql", "aws4_request"]:
        raise access_denied(f"Credential should be scoped to region {region} and service dsql.")
    if not hmac.compare_digest(signature, _signature(host, values, key_id, identity, region)):
        raise access_denied("The request signature we calculated does not match the signature you provided.")
    _check_age(signed, values.get("X-Amz-Expires", ""))
    _check_action(values.get("Action", ""), user, identity)
    return identity


def _moment(values: Mapping[str, str]) -> datetime:
    try:
        return datetime.strptime(values.get("X-Amz-Date", ""), STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise access_denied("Date must be in ISO-8601 'basic format'.") from None


def _signature(host: str, values: Mapping[str, str], key_id: str, identity: Identity, region: str) -> str:
    signer = SigV4QueryAuth(Credentials(key_id, identity.secret_access_key), "dsql", region)
    request = AWSRequest("GET", f"https://{host}/", params=values)
    request.context["timestamp"] = values["X-Amz-Date"]
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


def _check_age(signed: datetime, expires: str) -> None:
    if not expires.isdecimal() or not 0 < int(expires) <= LONGEST.total_seconds():
        raise access_denied("X-Amz-Expires must be between 1 second and 7 days.")
    life = timedelta(seconds=int(expires))
    now = datetime.now(UTC)
    if now > signed + life:
        raise access_denied(f"Signature expired: {signed + life:{STAMP}} is now earlier than {now:{STAMP}}")
    if signed > now + CLOCK_SKEW:
        raise access_denied(f"Signature not yet current: {signed:{STAMP}} is still later than {now:{STAMP}}")


def _check_action(action: str, user: str, identity: Identity) -> None:
    if action != ("DbConnectAdmin" if user == ADMIN else "DbConnect"):
        raise access_denied(f"Wrong user to action mapping. user: {user}, action: {action}")
    if action not in identity.actions:
        raise access_denied(f"User: {identity.arn} is not authorized to perform: dsql:{action}")
