"""Going back to the version before, which published versions of a function go, and that those in use stay."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse

from aurora_lambda_local.cli.function_versions import prune_versions, roll_back, superfluous_versions
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
    """Return a zip file with a module of this text, the same bytes whenever it is made."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
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


PREFIX = "arn:aws:lambda:eu-west-1:123456789012:function:"


class Lambda:
    """Two functions of one image: `handler`, and `copy`, which the second deployment configured anew once more."""

    def __init__(self) -> None:
        trust = '{"Version": "2012-10-17", "Statement": []}'
        role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.client = boto3.client("lambda", region_name="eu-west-1")
        for name in ("handler", "copy"):
            self.client.create_function(
                FunctionName=name, Runtime="python3.13", Role=role, Handler="app.handler", Code={"ZipFile": code("1")}
            )
        self.deploy("1", "0001", "handler", "copy")
        for name in ("handler", "copy"):
            self.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    def deploy(self, text: str, revision: str, *names: str, role: str = "r", **login: str) -> None:
        """Publish a version, as Pulumi does."""
        arn = boto3.client("iam").get_role(RoleName=role)["Role"]["Arn"]
        for name in names:
            self.client.update_function_code(FunctionName=name, ZipFile=code(text))
            variables = {"SQL_MAIN_DB_REVISION": revision, "SIZE": str(len(self.versions(name))), **login}
            self.client.update_function_configuration(FunctionName=name, Role=arn, Environment={"Variables": variables})
            self.client.publish_version(FunctionName=name)

    def lead(self, **versions: str) -> None:
        for name, version in versions.items():
            self.client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def versions(self, name: str) -> list[str]:
        found = self.client.list_versions_by_function(FunctionName=name)["Versions"]
        return [each["Version"] for each in found if each["Version"] != "$LATEST"]

    def live(self) -> list[str]:
        return [
            self.client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] for name in ("handler", "copy")
        ]

    def stack(self, revision: str) -> DeployedStack:
        """Return the stack, whose outputs lead to the aliases."""
        arns = {f"{name}LambdaArn": f"{PREFIX}{name}:live" for name in ("handler", "copy")}
        return DeployedStack("prod", {**arns, "migration": revision})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Lambda()


def test_a_rollback_leads_all_functions_to_the_code_before(aws: Lambda) -> None:
    """Half of a service would go on with the code that fails, or with an older one than the other half."""
    aws.deploy("2", "0002", "handler", "copy")
    aws.deploy("2", "0002", "copy")
    aws.lead(handler="2", copy="3")
    lines = list(roll_back(aws.stack("0002")))
    assert aws.live() == ["1", "1"]
    assert [line.partition(", of ")[0] for line in lines] == [
        "copy: version 3 -> 1",
        "handler: version 2 -> 1",
        "The database stays at revision 0002; this code was deployed at 0001.",
    ]


def test_a_rollback_asks_for_credentials_once(aws: Lambda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who logs in with a code of six digits would type a new one for each function of the stack."""
    asked = tmp_path / "asked"
    answer = '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b"}'
    program = tmp_path / "credentials"
    program.write_text(f"#!/bin/sh\necho once >> {asked}\necho '{answer}'\n")
    program.chmod(0o755)
    (tmp_path / "config").write_text(f"[profile deployer]\ncredential_process = {program}\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    aws.deploy("2", "0001", "handler", "copy")
    aws.lead(handler="2", copy="2")
    list(roll_back(replace(aws.stack("0001"), profile="deployer")))
    assert (aws.live(), asked.read_text()) == (["1", "1"], "once\n")


def test_a_rollback_that_stopped_half_way_is_finished_by_another_one(aws: Lambda) -> None:
    """The function that was led back already would go back once more, to yet older code."""
    aws.deploy("2", "0001", "handler", "copy")
    aws.deploy("3", "0001", "handler", "copy")
    aws.lead(handler="3", copy="2")
    assert [line.partition(", of ")[0] for line in roll_back(aws.stack("0001"))] == [
        "copy: stays at version 2",
        "handler: version 3 -> 2",
    ]
    assert aws.live() == ["2", "2"]


@pytest.mark.parametrize(
    "now",
    [
        {"SQL_MAIN_DB_ENDPOINT": "new.cluster-1a2b.eu-west-1.rds.amazonaws.com"},
        {"SQL_MAIN_DB_SCHEMA": "shop"},
        {"SQL_MAIN_DB_DB_ROLE": "shop_app"},
        {"SQL_MAIN_DB_AUTH": "password"},
        {"SQL_MAIN_DB_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:login-a1b2c3"},
        {"role": "with-a-path"},
    ],
)
def test_code_of_a_database_or_a_role_that_is_gone_is_not_gone_back_to(aws: Lambda, now: dict[str, str]) -> None:
    """After a switch of the engine a rollback would lead each request to a cluster that is deleted."""
    boto3.client("iam").create_role(RoleName="with-a-path", AssumeRolePolicyDocument="{}")
    aws.deploy("2", "0001", "copy")
    aws.deploy("2", "0001", "handler", **now)
    aws.lead(handler="2", copy="2")
    with pytest.raises(StackRequestError, match=r"^stack 'prod' cannot go back to the code of \S+: it uses another "):
        list(roll_back(aws.stack("0001")))
    assert aws.live() == ["2", "2"]
    aws.deploy("3", "0001", "copy")
    aws.deploy("3", "0001", "handler", **now)
    aws.lead(handler="3", copy="3")
    list(roll_back(aws.stack("0001")))
    assert aws.live() == ["2", "2"]


def test_a_function_that_the_last_deployment_has_brought_stays(aws: Lambda) -> None:
    """The whole service could not go back, or one image only, since one of its functions had no version before."""
    aws.deploy("2", "0001", "handler")
    aws.deploy("3", "0001", "handler")
    aws.client.delete_alias(FunctionName="copy", Name="live")
    aws.client.delete_function(FunctionName="copy", Qualifier="1")
    aws.deploy("3", "0001", "copy")
    aws.client.create_alias(FunctionName="copy", Name="live", FunctionVersion=aws.versions("copy")[-1])
    aws.lead(handler="3")
    for before in ("2", "1"):
        lines = list(roll_back(aws.stack("0001")))
        assert [line.partition(" version")[0] for line in lines] == ["copy: stays at", "handler:"]
        assert aws.live()[0] == before
    with pytest.raises(StackRequestError, match="nothing to go back to"):
        list(roll_back(aws.stack("0001")))


def test_a_function_of_an_image_of_its_own_goes_back_by_that(aws: Lambda) -> None:
    """After a bad deployment of it alone a rollback did nothing, and said that all was done."""
    aws.deploy("other 1", "0001", "copy")
    aws.deploy("2", "0001", "handler")
    aws.deploy("3", "0001", "handler")
    aws.deploy("other 2", "0001", "copy")
    aws.lead(handler="3", copy="3")
    list(roll_back(aws.stack("0001")))
    assert aws.live() == ["3", "2"]


def test_where_there_is_nothing_to_go_back_to_it_says_so_and_changes_nothing(aws: Lambda) -> None:
    """Someone at night would believe that the old code runs."""
    with pytest.raises(StackRequestError) as refused:
        list(roll_back(aws.stack("0001")))
    assert str(refused.value) == "stack 'prod' has nothing to go back to: no other code was deployed before"
    for name in ("handler", "copy"):
        aws.client.delete_alias(FunctionName=name, Name="live")
    with pytest.raises(StackRequestError) as refused:
        list(roll_back(aws.stack("0001")))
    assert str(refused.value) == (
        "stack 'prod' publishes no versions: set publishVersions to true, and deploy it twice"
    )


def test_a_rollback_goes_on_where_aws_is_asked_too_often(aws: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    """One function would go back and the next not, at the moment that the account's other tools ask Lambda a lot."""
    aws.deploy("2", "0001", "handler", "copy")
    aws.lead(handler="2", copy="2")
    refusal, refused = AWSResponse("", 429, {"x-amzn-errortype": "TooManyRequestsException"}, MockRawResponse("{}")), []

    def refuse_once(**_: Any) -> AWSResponse | None:
        refused.append(not refused)
        return refusal if refused[-1] else None

    made = DeployedStack.client

    def client(self: DeployedStack, service: str, arn: str = "") -> Any:
        client = made(self, service, arn)
        client.meta.events.register("before-send.lambda.UpdateAlias", refuse_once)
        return client

    monkeypatch.setattr(DeployedStack, "client", client)
    assert [line.partition(", of ")[0] for line in roll_back(aws.stack("0001"))] == [
        "copy: version 2 -> 1",
        "handler: version 2 -> 1",
    ]
    assert refused == [True, False, False]


def test_versions_of_a_function_behind_an_alias_are_pruned_too(aws: Lambda) -> None:
    """Its ARN in the outputs is the alias's, and no version has that name."""
    aws.deploy("2", "0001", "handler", "copy")
    aws.lead(handler="2", copy="2")
    assert list(prune_versions(aws.stack("0001"), keep=0)) == [f"{PREFIX}copy:1", f"{PREFIX}handler:1"]
    assert aws.versions("copy") == ["2"]
