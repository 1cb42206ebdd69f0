"""What the tests do with a running stack."""

import json
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, LiteralString, cast

import boto3
import psutil
import psycopg
import pytest

from aurora_lambda_local import commands
from aurora_lambda_local.deployed.log_reader import LogReader
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.preview import preview
from aurora_lambda_local.program.progress import Progress, UpResult
from tests.local import project

IMAGE, FUNCTION = "docker:index:Image hello", "aws:lambda:Function hello"
CLUSTER, URL, INVOCATION = "aws:rds:Cluster db", "aws:lambda:FunctionUrl hello", "aws:lambda:Invocation greet"
QUEUE, ALIAS = "aws:sqs:Queue letters", "aws:lambda:Alias hello"


class Lines(list[str]):
    """What an `up` printed."""

    def changes(self) -> dict[str, str]:
        """Return the change of each resource."""
        words = [line.split() for line in self if line.startswith(" ")]
        return {f"{word[1]} {word[2]}": word[3] for word in words}

    def notes(self) -> list[str]:
        return [line for line in self if line.startswith("note: ")]


def bring_up(checkout: Path, stack: str = "local", **options: Any) -> tuple[UpResult, Lines]:
    """Run `up`; return its result and what it printed."""
    lines = Lines()
    program, progress = partial(project.program, **options), Progress(lines.append)
    return up(stack, checkout=checkout, program=program, progress=progress), lines


def preview_up(checkout: Path, **options: Any) -> dict[str, str]:
    """Run a preview; return the change of each resource, and assert that nothing has been changed."""
    lines, before = Lines(), snapshot(checkout)
    preview("local", checkout=checkout, program=partial(project.program, **options), progress=Progress(lines.append))
    assert snapshot(checkout) == before
    return lines.changes()


def snapshot(checkout: Path) -> dict[Path, bytes]:
    """Return what a stack of this checkout has, but for what its processes write by themselves."""
    paths = LocalPaths.for_checkout(checkout)
    files = [paths.state, paths.supervisor, *paths.images.glob("*")]
    return {file: file.read_bytes() if file.is_file() else b"" for file in files if file.exists()}


def fail_up(checkout: Path, **options: Any) -> str:
    """Run an `up` that has to fail and return its message."""
    with pytest.raises(LocalError) as failed:
        bring_up(checkout, **options)
    return str(failed.value)


def supervisor(checkout: Path) -> psutil.Process:
    return psutil.Process(json.loads(LocalPaths.for_checkout(checkout).supervisor.read_text())["pid"])


def database_servers(checkout: Path) -> list[psutil.Process]:
    """Return the running database servers of a checkout."""
    found = []
    for each in supervisor(checkout).children():
        with suppress(psutil.NoSuchProcess):
            if each.name() == "postgres" and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def processes(checkout: Path) -> list[str]:
    """Return the command lines of a checkout's processes."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if any(str(checkout) in word for word in words):
            found.append(" ".join(words))
    return found


def lambda_client(checkout: Path) -> Any:
    """Return boto3's client of the checkout's functions."""
    endpoint = commands.status(checkout)["lambdaEndpoint"]
    return boto3.client(
        "lambda", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


def invoke(checkout: Path, qualifier: str = "$LATEST", *, function: str = "hello", **event: Any) -> Any:
    """Invoke a function with boto3."""
    name = commands.status(checkout)["functions"][function]["arn"]
    with closing(lambda_client(checkout)) as client:
        response = client.invoke(FunctionName=name, Qualifier=qualifier, Payload=json.dumps(event))
        return json.loads(response["Payload"].read())


def log(checkout: Path, stack: str = "local") -> str:
    """Return what the functions of a stack have logged."""
    events = LogReader(LocalPaths.for_checkout(checkout).logs / stack).read()
    return "\n".join(event.text for event in events)


def sql(checkout: Path, *statements: str) -> Sequence[Any] | None:
    """Run statements as a person would, with the URL of `status`; the last one's first row."""
    with psycopg.connect(commands.status(checkout)["databaseUrl"], autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(cast(LiteralString, statement))
        return cursor.fetchone() if cursor.description else None
