"""A deployed stack, on this machine or on AWS: its outputs and functions."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from aurora_lambda.project import Project
from aurora_lambda_local.commands import status
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.platform.shell import use_local_environment
from aurora_lambda_local.program.configuration import load_stack_file
from aurora_lambda_local.supervisor.messages import StackStatus

# An invocation may take Lambda's 15 minutes. A retry would run a migration twice.
INVOKE_CONFIG = Config(read_timeout=910, connect_timeout=10, retries={"total_max_attempts": 1}, tcp_keepalive=True)
PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024
# What runs here takes any; real ones are not sent to it.
LOCAL_CREDENTIALS: Mapping[str, str] = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
# What Pulumi appends to a resource's name.
GENERATED_SUFFIX = re.compile(r"-[0-9a-f]{7}$")
LAMBDA_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:(?P<name>[\w-]+)(:[\w$-]+)?")


class StackRequestError(Exception):
    """A function failed, or a request to the stack did."""


@dataclass(frozen=True)
class Invocation:
    """What became of an invocation: what the function answered, whether as an error, and after how many seconds."""

    request_id: str
    answer: str
    failed: bool
    seconds: float


@dataclass(frozen=True)
class DeployedStack:
    """A stack with its outputs; here also its region, and where Lambda (`endpoint`) and other services answer.

    `profile` is that of the AWS configuration by which Pulumi deploys it; None for the shell's.
    """

    name: str
    outputs: Mapping[str, object]
    endpoint: str = ""
    aws_endpoint: str = ""
    region: str | None = None
    profile: str | None = None

    @classmethod
    def running(cls, report: StackStatus) -> "DeployedStack":
        """Return the stack that is up here, of which this is the status."""
        endpoints = report["lambdaEndpoint"], report["awsEndpoint"]
        return cls(report["stack"], report["outputs"], *endpoints, report["region"])

    def functions(self) -> dict[str, str]:
        """Return the ARNs of the stack's functions by short name: `handler`, `migration-runner`."""
        suffix = "LambdaArn"
        return {_kebab(key.removesuffix(suffix)): str(arn) for key, arn in self.outputs.items() if key.endswith(suffix)}

    def deployed_functions(self) -> dict[str, str]:
        """Return the stack's functions as `functions` does.

        Raises:
            UsageError: there are none.
        """
        if functions := self.functions():
            return functions
        raise UsageError(f"stack {self.name!r} has no functions: its deployment has not succeeded yet; deploy it again")

    def arn(self, name: str) -> str:
        """Return the ARN of a function, given its short name, its name in the program, its full name or its ARN.

        Raises:
            UsageError: the stack has no such function.
        """
        functions = self.deployed_functions()
        for short, arn in functions.items():
            if name in (short, arn, full_name(arn), program_name(arn)):
                return arn
        why = " on engine none" if self.outputs.get("engine") == "none" else ""
        raise UsageError(f"stack {self.name!r} has no function {name!r}{why}; it has {', '.join(sorted(functions))}")

    def invoke(self, name: str, payload: bytes) -> str:
        """Invoke a function once, wait for the end, and return its answer.

        Raises:
            StackRequestError: the function failed, or could not be invoked.
        """
        invocation = self.invocation(self.arn(name), payload)
        if invocation.failed:
            raise StackRequestError(f"{name} failed: {error_message(invocation.answer)}")
        return invocation.answer

    def invocation(self, arn: str, payload: bytes) -> Invocation:
        """Invoke the function with this ARN once, wait for the end, and return what became of it.

        Raises:
            StackRequestError: it could not be invoked.
        """
        started = time.monotonic()
        try:
            response = self.client("lambda", arn, once=True).invoke(FunctionName=arn, Payload=payload)
            answer = response["Payload"].read().decode()
        except (BotoCoreError, ClientError) as error:
            raise StackRequestError(f"{program_name(arn)} could not be invoked: {error}") from None
        request_id = response["ResponseMetadata"].get("RequestId", "")
        return Invocation(request_id, answer, "FunctionError" in response, time.monotonic() - started)

    def client(self, service: str, arn: str = "", *, once: bool = False) -> BaseClient:
        """Return a client of one AWS service, in the region of what has this ARN, or here of the stack.

        `once` is for invocations: it tries nothing twice, and waits as long as one may take.
        """
        region = arn.split(":")[3] if arn.startswith("arn:") else self.region
        config = INVOKE_CONFIG if once else None
        if not self.endpoint:
            return self._session.client(service, region_name=region, config=config)
        endpoint = self.endpoint if service == "lambda" else self.aws_endpoint
        return boto3.client(service, region_name=region, endpoint_url=endpoint, config=config, **LOCAL_CREDENTIALS)

    @cached_property
    def _session(self) -> boto3.Session:
        """The session of all clients, which asks for credentials, and a person for a code, once."""
        return boto3.Session(profile_name=self.profile)


def select_stack(name: str | None) -> DeployedStack:
    """Return the stack called `name`: the one running here if that is its name, else the one on AWS.

    Without a name, return the one running here, for which this process leaves the shell's settings for AWS aside.

    Raises:
        UsageError: there is no such stack, or Pulumi's command line is missing or refuses.
    """
    report = status()
    if report["running"] and (name is None or name.rpartition("/")[2] == report["stack"]):
        use_local_environment()
        return DeployedStack.running(report)
    if report["running"] and name == "local":
        raise UsageError(f"stack {report['stack']} is running here, not local; change to it with: aurora-lambda up")
    if name in (None, "local"):
        raise UsageError("no stack is running here; start one with: aurora-lambda up")
    return DeployedStack(name, _pulumi_outputs(name), profile=_aws_profile(name))


def full_name(function: str) -> str:
    """Return a function's name on AWS, given it, its ARN or that of its alias."""
    match = LAMBDA_ARN.fullmatch(function)
    return match["name"] if match else function


def program_name(function: str) -> str:
    """Return a function's name in the program, given its full name, its ARN or that of its alias.

    >>> program_name("arn:aws:lambda:eu-west-1:123456789012:function:handler-1a2b3c4:live")
    'handler'
    """
    return GENERATED_SUFFIX.sub("", full_name(function))


def error_message(answer: str) -> str:
    """Return the message in a function error's payload, or the payload where it has none."""
    try:
        error = json.loads(answer)
    except ValueError:
        return answer
    return str(error["errorMessage"]) if isinstance(error, dict) and "errorMessage" in error else answer


def parse_payload(text: str) -> bytes:
    """Return a payload, checked before anything is invoked.

    Raises:
        UsageError: it is not JSON, or larger than Lambda takes.
    """
    try:
        json.loads(text)
        payload = text.encode()
    except (ValueError, RecursionError) as error:
        raise UsageError(f'the payload is not JSON ({error}); for example: \'{{"command": "get"}}\'') from None
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise UsageError(f"the payload has {len(payload)} bytes; Lambda takes {PAYLOAD_LIMIT_BYTES} at most")
    return payload


def pretty_json(text: str) -> str:
    """Return JSON indented, and any other text as it is."""
    with suppress(ValueError):
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text


def _pulumi_outputs(name: str) -> dict[str, object]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise UsageError(
            f"stack {name!r} is not running here, and Pulumi's command line, which knows the stacks on AWS, is not "
            "installed; start the stack here with: aurora-lambda up -s " + name
        )
    command = [pulumi, "stack", "output", "--json", "--stack", name, "--cwd", str(Project.find().root)]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise UsageError(f"pulumi knows no outputs of stack {name!r}: {completed.stderr.strip()}")
    return json.loads(completed.stdout)


def _aws_profile(name: str) -> str | None:
    """Return the `aws:profile` of a stack's file; none where Pulumi keeps the configuration elsewhere."""
    file = Project.find().stack_file(name.rpartition("/")[2])
    config = load_stack_file(file.read_text(encoding="utf-8")).get("config") or {} if file.is_file() else {}
    profile = config.get("aws:profile", config.get("aws:config:profile"))
    return profile if isinstance(profile, str) else None


def _kebab(name: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"-{match[0].lower()}", name)
