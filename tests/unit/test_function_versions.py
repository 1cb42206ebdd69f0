"""Which published versions of a function go, and that those in use stay."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from aurora_lambda_local.cli.function_versions import prune_versions, superfluous_versions
from aurora_lambda_local.deployed.stack import DeployedStack, StackRequestError


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`(client, arn)` of a function with five published versions, the alias `live` leading to the fourth."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        trust = '{"Version": "2012-10-17", "Statement": []}'
        role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        client = boto3.client("lambda", region_name="eu-west-1")
        client.create_function(
            FunctionName="handler", Runtime="python3.13", Role=role, Handler="app.handler", Code={"ZipFile": code("0")}
        )
        for number in range(5):
            client.update_function_code(FunctionName="handler", ZipFile=code(str(number + 1)), Publish=True)
        arn = client.get_function(FunctionName="handler")["Configuration"]["FunctionArn"]
        client.create_alias(FunctionName="handler", Name="live", FunctionVersion="4")
        yield client, arn


def code(text: str) -> bytes:
    """Return a zip file with a module of this text."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("app.py", text)
    return file.getvalue()


def published(client: Any) -> list[str]:
    versions = client.list_versions_by_function(FunctionName="handler")["Versions"]
    return sorted(each["Version"] for each in versions if each["Version"] != "$LATEST")


def test_versions_that_nothing_leads_to_are_deleted_but_the_newest(function: Any) -> None:
    """Each deployment would leave another snapshot to pay for, or the live version would be gone."""
    client, arn = function
    stack = DeployedStack("dev", {"handlerLambdaArn": arn, "engine": "mysql"})
    assert published(client) == ["1", "2", "3", "4", "5"]
    assert list(prune_versions(stack, keep=1)) == [f"{arn}:1", f"{arn}:2", f"{arn}:3"]
    assert published(client) == ["4", "5"]
    assert list(prune_versions(stack, keep=1)) == []
    assert client.get_alias(FunctionName="handler", Name="live")["FunctionVersion"] == "4"


def test_a_version_with_a_share_of_the_traffic_stays() -> None:
    """A gradual deployment would fail in the middle."""
    assert superfluous_versions(["1", "2", "3"], {"1", "2"}, keep=0) == ["3"]
    assert superfluous_versions(["1", "2", "3"], set(), keep=3) == []


def test_a_refusal_is_told_without_a_traceback(function: Any) -> None:
    """One would have to read Python to know which permission is missing."""
    _, arn = function
    with pytest.raises(StackRequestError, match="^the versions could not be deleted: "):
        list(prune_versions(DeployedStack("dev", {"handlerLambdaArn": f"{arn}-gone"}), keep=1))
