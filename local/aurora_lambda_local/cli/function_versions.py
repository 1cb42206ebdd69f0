"""The published versions of a stack's functions: each keeps a snapshot that AWS charges for, until it is deleted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from aurora_lambda_local.deployed.stack import DeployedStack, StackRequestError


def prune_versions(stack: DeployedStack, keep: int) -> Iterator[str]:
    """Delete the published versions that no alias leads to, but the newest `keep`; yield the ARN of each.

    Raises:
        StackRequestError: AWS refuses to list or to delete them.
    """
    try:
        for arn in stack.functions().values():
            client, name = stack.client("lambda", arn), arn.rpartition(":")[2]
            for version in superfluous_versions(_versions(client, name), _aliased(client, name), keep):
                client.delete_function(FunctionName=name, Qualifier=version)
                yield f"{arn}:{version}"
    except (BotoCoreError, ClientError) as error:
        raise StackRequestError(f"the versions could not be deleted: {error}") from None


def superfluous_versions(versions: Sequence[str], aliased: set[str], keep: int) -> list[str]:
    """Return the versions, the oldest first, that no alias leads to and that are not among the newest `keep` of those.

    >>> superfluous_versions(["$LATEST", "1", "9", "10", "11"], {"11"}, keep=1)
    ['1', '9']
    """
    free = sorted((version for version in versions if version.isdecimal() and version not in aliased), key=int)
    return free[: len(free) - keep] if keep < len(free) else []


def _versions(client: BaseClient, name: str) -> list[str]:
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    return [str(each["Version"]) for page in pages for each in page["Versions"]]


def _aliased(client: BaseClient, name: str) -> set[str]:
    pages = client.get_paginator("list_aliases").paginate(FunctionName=name)
    return {version for page in pages for alias in page["Aliases"] for version in _targets(alias)}


def _targets(alias: Mapping[str, Any]) -> set[str]:
    """Return the versions that an alias leads to, the one that gets a share of the traffic included."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return {alias["FunctionVersion"], *weights}
