"""Published versions of a function, and the alias that leads to one of them, as boto3 sees them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from aurora_lambda_local.lambda_service.deployed_function import KEPT_VERSIONS, DeployedFunction
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.lambda_service.invoke_api import InvokeApi

Deploy = Callable[..., Function]


@pytest.fixture
def hello(deploy: Deploy) -> DeployedFunction:
    """A function with two versions, the alias leading to the second."""
    deployed = DeployedFunction(deploy(version="1", variables={"GREETING": "old"}))
    deployed.lead("live", "1")
    deployed.deploy(deploy(version="2", variables={"GREETING": "new"}))
    deployed.lead("live", "2")
    return deployed


@pytest.fixture
def client(hello: DeployedFunction) -> Iterator[Any]:
    api = InvokeApi({"hello": hello}, 0)
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    yield boto3.client("lambda", endpoint_url=api.endpoint, region_name="eu-west-1", **keys)
    api.stop()


def greeting(client: Any, name: str) -> tuple[str, str]:
    response = client.invoke(FunctionName=name, Payload=b"{}")
    return response["ExecutedVersion"], json.loads(response["Payload"].read())["greeting"]


def test_an_alias_leads_to_a_version_and_back(client: Any) -> None:
    """`aurora-lambda rollback` could not be tried before it is needed."""
    prefix = "arn:aws:lambda:eu-west-1:123456789012:function:hello"
    assert greeting(client, f"{prefix}:live") == ("2", "new")
    assert [each["Version"] for each in client.list_versions_by_function(FunctionName="hello")["Versions"]] == [
        "$LATEST",
        "1",
        "2",
    ]
    client.update_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    assert client.list_aliases(FunctionName="hello")["Aliases"] == [{"Name": "live", "FunctionVersion": "1"}]
    assert greeting(client, f"{prefix}:live") == ("1", "old")
    assert greeting(client, "hello") == ("2", "new")
    assert greeting(client, "hello:1") == ("1", "old")


def test_an_alias_leads_to_no_version_that_there_is_not(client: Any) -> None:
    """The function would be gone for whoever calls it."""
    with pytest.raises(ClientError) as refused:
        client.update_alias(FunctionName="hello", Name="live", FunctionVersion="7")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert greeting(client, "hello:live") == ("2", "new")


def test_the_version_that_an_alias_leads_to_goes_on_until_it_leads_elsewhere(
    hello: DeployedFunction, deploy: Deploy, tmp_path: Path
) -> None:
    """Requests between two steps of a deployment would meet a function that ends after each."""
    second = hello.find("live")
    assert second
    second.invoke(b"{}")
    hello.deploy(deploy(version="3"))
    assert (hello.find("live"), second.environments()) == (second, 1)
    hello.lead("live", "3")
    assert second.environments() == 0


def test_old_versions_go_but_never_the_one_that_runs(hello: DeployedFunction, deploy: Deploy) -> None:
    """A day of deployments would fill the memory, or a stack that went back lose what it runs."""
    hello.lead("live", "1")
    for number in range(3, KEPT_VERSIONS + 3):
        hello.deploy(deploy(version=str(number)))
    assert list(hello.versions) == ["1", *(str(number) for number in range(4, KEPT_VERSIONS + 3))]
