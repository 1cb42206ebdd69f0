"""A copy of this checkout to run the documented commands in, as a newcomer's clone would be."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
from botocore.config import Config

from aurora_lambda_local.cli.formatting import status_value
from aurora_lambda_local.commands import status
from tests.sample_application import put_into

ROOT = Path(__file__).parents[2]
FOLDERS = ("lambda_images/application", "lambda_images/requirements", "stacks")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Checkout:
    """A checkout whose commands run in processes of their own."""

    folder: Path

    @classmethod
    def with_sample_application(cls, folder: Path, *, packages: Path | None = None) -> "Checkout":
        """Return a copy that holds the tests' application in place of the checkout's own."""
        checkout = cls.copied_to(folder, packages=packages)
        put_into(folder)
        return checkout

    @classmethod
    def copied_to(cls, folder: Path, *, packages: Path | None = None) -> "Checkout":
        """Return a copy of what the command needs, without anything that runs here.

        The images' packages are installed in `packages`, where copies that lie side by side share them.
        """
        packages = packages or folder.parents[1] / "packages"
        packages.mkdir(exist_ok=True)
        (folder / ".local").mkdir(parents=True)
        (folder / ".local" / "environments").symlink_to(packages)
        for each in FOLDERS:
            shutil.copytree(ROOT / each, folder / each, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("Pulumi.yaml", "pyproject.toml"):
            shutil.copy(ROOT / file, folder / file)
        return cls(folder)

    def run(self, *arguments: str, code: int = 0, shell: Mapping[str, str] = os.environ) -> Ended:
        """`aurora-lambda ARGUMENTS` in a shell with these variables, which has to end with `code`."""
        process = subprocess.run(
            [sys.executable, "-m", "aurora_lambda_local.cli.main", *arguments],
            cwd=self.folder,
            env=shell,
            capture_output=True,
            text=True,
            check=False,
        )
        ended = Ended(process.returncode, process.stdout, process.stderr)
        assert ended.code == code, ended
        return ended

    def status(self) -> dict[str, Any]:
        """`aurora-lambda status --json`."""
        return json.loads(self.run("status", "--json").out)

    def status_of(self, key: str) -> str:
        """Return what `aurora-lambda status KEY` prints, without a process for each time."""
        return status_value({**status(self.folder)}, key)

    def invoke(self, output: str, **arguments: Any) -> Any:
        """Invoke the function whose ARN is this output, as `aws lambda invoke --function-name <arn>` does."""
        arn = self.status_of(output)
        response = self.client("lambda").invoke(FunctionName=arn, **arguments)
        assert "FunctionError" not in response, response["Payload"].read()
        return json.loads(response["Payload"].read())

    def curl(self, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
        """Return what the function URL answers."""
        url = urlsplit(self.status_of("functionUrl"))
        with closing(HTTPConnection(url.hostname or "", url.port or 0, timeout=120)) as connection:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def client(self, service: str, endpoint: str = "lambdaEndpoint") -> Any:
        """boto3, as somebody who knows AWS would use it on this stack."""
        return boto3.client(
            service,
            endpoint_url=self.status_of(endpoint),
            region_name="eu-west-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=30),
        )

    def processes(self) -> dict[int, str]:
        """Return the command lines of what runs because of this checkout, by process id."""
        found = {}
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = process.info["cmdline"] or []
            if any(str(self.folder) in word for word in [*words, process.info["cwd"] or ""]):
                found[process.pid] = " ".join(words)
        return found
