"""`aurora-lambda env` and `run`: one's own tools with a stack's outputs, database and AWS services."""

import argparse
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from aurora_lambda.service.outputs import outputs_for_people
from aurora_lambda_local.commands import status
from aurora_lambda_local.deployed.stack import select_stack
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.supervisor.messages import StackStatus
from aurora_lambda_runtime.database.contract import DATABASE_URL
from aurora_lambda_runtime.database.engines import engine_of_url_scheme

# Whatever an output is called, it must not take the place of a variable such as PATH.
OUTPUT_PREFIX = "STACK_"


def env(options: argparse.Namespace) -> None:
    """Print a stack's environment as a shell takes it."""
    for name, value in sorted(stack_environment(options.stack).items()):
        print(f"export {name}={shlex.quote(value)}")


def run(options: argparse.Namespace) -> None:
    """Run a command with a stack's environment; its exit status is this command's."""
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("run takes a command; for example: aurora-lambda run -- python script.py")
    run_command(command, stack_environment(options.stack))


def stack_environment(name: str | None) -> dict[str, str]:
    """Return the variables that lead to a stack: `STACK_FUNCTION_URL` is its output `functionUrl`.

    For the stack that runs here they lead to its database, as its owner, and to its AWS services too.

    Raises:
        UsageError: there is no such stack.
    """
    stack = select_stack(name)
    outputs = {_output_name(key): _text(value) for key, value in outputs_for_people(stack.outputs).items()}
    return {**outputs, **_local_variables(status())} if stack.endpoint else outputs


def _local_variables(report: StackStatus) -> dict[str, str]:
    variables = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "local")
    variables |= dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), report["region"])
    variables |= {"AWS_ENDPOINT_URL": report["awsEndpoint"], "AWS_ENDPOINT_URL_LAMBDA": report["lambdaEndpoint"]}
    if url := report["databaseUrl"]:
        # What clients take is what a function takes, unless there it means another engine.
        spec = engine_of_url_scheme(urlsplit(url).scheme)
        same = spec is not None and spec.name == report["engine"]
        variables[DATABASE_URL] = url if same else f"{report['engine']}://{url.partition('://')[2]}"
    return variables


def _output_name(key: str) -> str:
    """Return an output's variable.

    >>> _output_name("handlerLambdaArn")
    'STACK_HANDLER_LAMBDA_ARN'
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", key)
    return f"{OUTPUT_PREFIX}{words.upper()}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def run_command(command: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
    """Become `command`, with these variables besides the shell's; without an active one, in this virtual environment.

    Raises:
        UsageError: there is no such program.
    """
    environment = {**os.environ, **variables}
    if "VIRTUAL_ENV" not in environment:
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise UsageError(f"there is no program {command[0]!r}; for example: aurora-lambda run -- python script.py")
    os.execve(program, list(command), environment)
