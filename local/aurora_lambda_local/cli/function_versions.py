"""The published versions of a stack's functions: going back to one before, and deleting old ones."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from aurora_lambda_local.deployed.stack import DeployedStack, StackRequestError, full_name, program_name, select_stack
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_runtime.database.contract import values_of_databases

LIVE_ALIAS = "live"
# What a function logs in to and by: what it had before, a later deployment may have deleted.
LOGIN = ("ENDPOINT", "SCHEMA", "DB_ROLE", "AUTH", "SECRET_ARN")


def rollback(options: argparse.Namespace) -> None:
    """Lead the functions back to the code before, and print what was done and what the next deployment does."""
    stack = select_stack(options.stack)
    for line in roll_back(stack):
        print(line)
    deploy = "aurora-lambda up" if stack.endpoint else "pulumi up"
    print(
        f"A function stays there until {deploy} changes it. Mend the code, or take the commit back, before you type it."
    )


def prune(options: argparse.Namespace) -> None:
    """Delete published versions that nothing leads to, and print each."""
    if options.keep < 0:
        raise UsageError(f"--keep takes a number of versions, not {options.keep}")
    stack = select_stack(options.stack)
    if stack.endpoint:
        raise UsageError(
            "versions cost nothing on this machine, and go by themselves; name a stack on AWS with --stack"
        )
    for arn in prune_versions(stack, options.keep):
        print(f"deleted {arn}")


@dataclass(frozen=True)
class Version:
    """One published version: its image, when it was published, the database's revision then, and what it `needs`."""

    number: int
    image: str
    published_at: str
    revision: str
    needs: Sequence[object]

    def age(self) -> tuple[str, int]:
        """Return what sorts it among versions of all functions, the oldest first."""
        return self.published_at, self.number

    @classmethod
    def from_configuration(cls, found: Mapping[str, Any]) -> "Version":
        """Return what Lambda says of a version."""
        variables = (found.get("Environment") or {}).get("Variables") or {}
        revision = next(iter(values_of_databases(variables, "REVISION").values()), "")
        needs = [found.get("Role"), *(values_of_databases(variables, suffix) for suffix in LOGIN)]
        return cls(int(found["Version"]), found["CodeSha256"], found["LastModified"], revision, needs)


@dataclass(frozen=True)
class PublishedFunction:
    """A function with an alias `live`, the version that runs, and those published before it."""

    client: BaseClient
    name: str
    live: Version
    earlier: Sequence[Version]

    def newest(self, image: str) -> Version | None:
        """Return the newest earlier version of an image."""
        return max((each for each in self.earlier if each.image == image), key=lambda each: each.number, default=None)


def roll_back(stack: DeployedStack) -> Iterator[str]:
    """Lead each function of a stack back to the newest version of the image before, and yield what was done.

    All functions share an image: by it, not by counting, they stay together, though some were configured anew since.

    Raises:
        StackRequestError: there is nothing to go back to, or AWS refuses.
    """
    try:
        published = [each for _, arn in sorted(stack.deployed_functions().items()) if (each := _published(stack, arn))]
        yield from _lead_back(stack, published)
    except (BotoCoreError, ClientError) as error:
        raise StackRequestError(f"the stack could not go back: {error}") from None


def _lead_back(stack: DeployedStack, published: Sequence[PublishedFunction]) -> Iterator[str]:
    if not published:
        raise StackRequestError(
            f"stack {stack.name!r} publishes no versions: set publishVersions to true, and deploy it twice"
        )
    # A function that the last deployment has brought, or that has an image of its own, holds no other one back.
    before = [(each.live, old) for each in published for old in each.earlier if old.image != each.live.image]
    if not before:
        raise StackRequestError(f"stack {stack.name!r} has nothing to go back to: no other code was deployed before")
    image = max((live for live, _ in before), key=Version.age).image
    target = max((old for live, old in before if live.image == image), key=Version.age)
    goals = [each.newest(target.image) if each.live.image == image else None for each in published]
    if any(goal and goal.needs != each.live.needs for each, goal in zip(published, goals, strict=True)):
        raise StackRequestError(
            f"stack {stack.name!r} cannot go back to the code of {target.published_at[:16]}: it uses another database,"
            " login or role than the stack has now. Mend the code, and deploy it"
        )
    for function, version in zip(published, goals, strict=True):
        name = program_name(function.name)
        if version:
            function.client.update_alias(
                FunctionName=function.name, Name=LIVE_ALIAS, FunctionVersion=str(version.number)
            )
            yield f"{name}: version {function.live.number} -> {version.number}, of {version.published_at[:16]}"
        else:
            yield f"{name}: stays at version {function.live.number}, of {function.live.published_at[:16]}"
    revision = str(stack.outputs.get("migration") or "")
    if target.revision and revision not in ("", target.revision):
        yield f"The database stays at revision {revision}; this code was deployed at {target.revision}."


def _published(stack: DeployedStack, arn: str) -> PublishedFunction | None:
    """Return a function's versions; None where it has no alias."""
    client, name = stack.client("lambda", arn), full_name(arn)
    aliases = {each["Name"]: each["FunctionVersion"] for each in _aliases(client, name)}
    if LIVE_ALIAS not in aliases:
        return None
    found = [Version.from_configuration(each) for each in _versions(client, name) if each["Version"].isdecimal()]
    live = next(each for each in found if each.number == int(aliases[LIVE_ALIAS]))
    return PublishedFunction(client, name, live, [each for each in found if each.number < live.number])


def prune_versions(stack: DeployedStack, keep: int) -> Iterator[str]:
    """Delete the published versions that no alias leads to, but the newest `keep`; yield the ARN of each.

    Raises:
        StackRequestError: AWS refuses to list or to delete them.
    """
    try:
        for _, arn in sorted(stack.functions().items()):
            client, name = stack.client("lambda", arn), full_name(arn)
            aliased = {version for alias in _aliases(client, name) for version in _targets(alias)}
            for version in superfluous_versions([each["Version"] for each in _versions(client, name)], aliased, keep):
                client.delete_function(FunctionName=name, Qualifier=version)
                yield f"{arn.removesuffix(f':{LIVE_ALIAS}')}:{version}"
    except (BotoCoreError, ClientError) as error:
        raise StackRequestError(f"the versions could not be deleted: {error}") from None


def superfluous_versions(versions: Sequence[str], aliased: set[str], keep: int) -> list[str]:
    """Return the versions, the oldest first, that no alias leads to and that are not among the newest `keep` of those.

    >>> superfluous_versions(["$LATEST", "1", "9", "10", "11"], {"11"}, keep=1)
    ['1', '9']
    """
    free = sorted((version for version in versions if version.isdecimal() and version not in aliased), key=int)
    return free[: len(free) - keep] if keep < len(free) else []


def _versions(client: BaseClient, name: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    return [each for page in pages for each in page["Versions"]]


def _aliases(client: BaseClient, name: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("list_aliases").paginate(FunctionName=name)
    return [alias for page in pages for alias in page["Aliases"]]


def _targets(alias: Mapping[str, Any]) -> set[str]:
    """Return the versions that an alias leads to, the one that gets a share of the traffic included."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return {alias["FunctionVersion"], *weights}
