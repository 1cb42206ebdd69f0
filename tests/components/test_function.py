"""What a function of a container image asks AWS for."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from aurora_lambda import ImageFunction
from aurora_lambda.function_args import ImageFunctionArgs
from aurora_lambda.function_url import FunctionUrlCors
from tests.components.conftest import Stack
from tests.components.recording import json_logs, record
from tests.components.tokens import (
    ALIAS,
    FUNCTION,
    FUNCTION_URL,
    IMAGE,
    LOG_GROUP,
    PERMISSION,
    ROLE,
    ROLE_POLICY,
    SECURITY_GROUP,
    SUBNET,
)

TAGS = {"project": "aurora-lambda", "stack": "dev", "Name": "handler"}
BARE: ImageFunctionArgs = {"image_uri": "repo@sha256:0", "role": "arn:aws:iam::123456789012:role/r"}
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
# What a signed request sends.
SIGNED = ["authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"]


def test_the_handler_is_deployed_by_digest_with_the_promised_size(stack: Stack) -> None:
    """The function would run another image than the one built, or be slower or dearer than documented."""
    recording = stack()
    inputs = recording.inputs(FUNCTION, "handler")
    del inputs["environment"]
    assert inputs == {
        "packageType": "Image",
        "imageUri": recording.output(IMAGE, "handler", "repoDigest"),
        "role": recording.output(ROLE, "handler", "arn"),
        "architectures": ["arm64"],
        "memorySize": 256,
        "timeout": 15,
        "reservedConcurrentExecutions": -1,
        "publish": True,
        "tracingConfig": {"mode": "PassThrough"},
        "vpcConfig": {
            "subnetIds": [recording.id(SUBNET, f"network-isolated-{number}") for number in (1, 2, 3)],
            "securityGroupIds": [recording.id(SECURITY_GROUP, "network-functions")],
        },
        "loggingConfig": json_logs("/aws/lambda/aurora-lambda/dev/handler"),
        "tags": TAGS,
    }


def test_a_function_writes_to_its_own_log_group_and_attaches_to_the_vpc(stack: Stack) -> None:
    """Logs would be lost or kept for ever, or the function could not start in its subnets."""
    recording = stack()
    assert recording.inputs(LOG_GROUP, "handler") == {
        "name": "/aws/lambda/aurora-lambda/dev/handler",
        "retentionInDays": 30,
        "tags": TAGS,
    }
    assert json.loads(recording.inputs(ROLE, "handler")["assumeRolePolicy"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"],
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
            }
        ],
    }
    document = json.loads(recording.inputs(ROLE_POLICY, "handler")["policy"])
    assert document["Version"] == "2012-10-17"
    assert document["Statement"][:2] == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/aurora-lambda/dev/handler:*"],
        },
        {
            "Effect": "Allow",
            "Action": [
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
            "Resource": ["*"],
        },
    ]


def test_the_permissions_exist_before_the_function(stack: Stack) -> None:
    """The first invocations after a deployment would be denied."""
    recording = stack()
    assert recording.resource(ROLE_POLICY, "handler").urn in recording.resource(FUNCTION, "handler").dependencies


def test_the_function_url_takes_signed_requests_unless_configured_otherwise(stack: Stack) -> None:
    """A stack would be open to everybody without anybody having said so."""
    recording = stack()
    assert recording.inputs(FUNCTION_URL, "handler") == {
        "functionName": recording.output(FUNCTION, "handler", "name"),
        "qualifier": "live",
        "authorizationType": "AWS_IAM",
    }
    assert recording.of_type(PERMISSION) == []


@pytest.mark.parametrize(
    ("publish", "snap_start"), [("false", "false"), ("false", "true"), ("true", "false"), ("true", "true")]
)
def test_a_public_url_has_both_permissions_of_its_own(stack: Stack, publish: str, snap_start: str) -> None:
    """A URL that becomes public on a live stack would answer everybody with 403."""
    recording = stack(functionUrlAuth="NONE", publishVersions=publish, snapStart=snap_start)
    assert recording.inputs(FUNCTION_URL, "handler")["authorizationType"] == "NONE"
    everybody = {"function": recording.output(FUNCTION, "handler", "name"), "principal": "*"}
    if "true" in (publish, snap_start):
        everybody["qualifier"] = "live"
    assert recording.of_type(PERMISSION) == ["handler-url", "handler-url-invoke"]
    assert recording.inputs(PERMISSION, "handler-url") == {
        **everybody,
        "action": "lambda:InvokeFunctionUrl",
        "functionUrlAuthType": "NONE",
    }
    assert recording.inputs(PERMISSION, "handler-url-invoke") == {
        **everybody,
        "action": "lambda:InvokeFunction",
        "invokedViaFunctionUrl": True,
    }


def test_only_the_configured_web_pages_may_call_the_url(stack: Stack) -> None:
    """Any page that a user visits could call the function in the user's name, or the own page could not."""
    origins = '["https://example.com", "http://localhost:5173"]'
    recording = stack(functionUrlCors=origins)
    assert recording.inputs(FUNCTION_URL, "handler")["cors"] == {
        "allowOrigins": ["https://example.com", "http://localhost:5173"],
        "allowMethods": ["*"],
        "allowHeaders": ["authorization", "content-type", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"],
    }
    assert "cors" not in stack().inputs(FUNCTION_URL, "handler")


@pytest.mark.parametrize(
    "methods",
    [
        lambda: ["GET", "OPTIONS"],
        lambda: ["GET", pulumi.Output.from_input("OPTIONS")],
        lambda: pulumi.Output.from_input(["GET", "OPTIONS"]),
    ],
    ids=["plain", "one is an output", "all are an output"],
)
def test_a_method_that_lambda_takes_for_no_cors_is_refused_first(methods: Callable[[], Any]) -> None:
    """The deployment would stop at the URL, once all else is made: Lambda refuses OPTIONS."""

    def program() -> None:
        cors: FunctionUrlCors = {"allow_origins": ["*"], "allow_methods": methods()}
        ImageFunction("f", {**BARE, "url_auth_type": "AWS_IAM", "cors": cors})

    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared below
        record(program)
    allowed = "GET, PUT, HEAD, POST, PATCH, DELETE or *"
    assert str(error.value) == f"ImageFunction 'f': a method of cors.allow_methods is 'OPTIONS'; must be {allowed}"


def test_every_property_of_cors_reaches_the_url() -> None:
    """A browser would be refused what the program allows."""
    cors: FunctionUrlCors = {
        "allow_origins": ["*"],
        "allow_methods": ["GET"],
        "allow_headers": ["x-one"],
        "expose_headers": ["x-two"],
        "allow_credentials": True,
        "max_age": 600,
    }
    recording = record(lambda: ImageFunction("f", {**BARE, "url_auth_type": "AWS_IAM", "cors": cors}))
    assert recording.inputs(FUNCTION_URL, "f")["cors"] == {
        "allowOrigins": ["*"],
        "allowMethods": ["GET"],
        "allowHeaders": ["x-one", *SIGNED],
        "exposeHeaders": ["x-two"],
        "allowCredentials": True,
        "maxAge": 600,
    }


@pytest.mark.parametrize(
    ("auth", "given", "allowed"),
    [
        ("AWS_IAM", None, SIGNED),
        ("AWS_IAM", ["X-Amz-Date", "x-one"], ["x-amz-date", "x-one", *SIGNED[:2], SIGNED[3]]),
        ("AWS_IAM", ["*"], ["*"]),
        ("NONE", ["x-one"], ["x-one"]),
        ("NONE", None, None),
    ],
)
def test_a_web_page_may_sign_its_requests_where_they_have_to_be_signed(
    auth: str, given: list[str] | None, allowed: list[str] | None
) -> None:
    """A page that a program lets in would be refused by every browser: it may not send its signature."""
    cors: FunctionUrlCors = (
        {"allow_origins": ["*"]} if given is None else {"allow_origins": ["*"], "allow_headers": given}
    )
    recording = record(lambda: ImageFunction("f", {**BARE, "url_auth_type": auth, "cors": cors}))
    assert recording.inputs(FUNCTION_URL, "f")["cors"].get("allowHeaders") == allowed


@pytest.mark.parametrize(("auth", "signed"), [("NONE", []), ("AWS_IAM", SIGNED)])
def test_headers_are_in_small_letters_as_lambda_keeps_them(auth: str, signed: list[str]) -> None:
    """Each `pulumi up` would change the URL: Lambda answers so, whatever it was given."""
    headers = ["Content-Type", "X-One", "x-one"]
    cors: FunctionUrlCors = {"allow_origins": ["*"], "allow_headers": headers, "expose_headers": headers}
    recording = record(lambda: ImageFunction("f", {**BARE, "url_auth_type": auth, "cors": cors}))
    assert recording.inputs(FUNCTION_URL, "f")["cors"] == {
        "allowOrigins": ["*"],
        "allowHeaders": ["content-type", "x-one", *signed],
        "exposeHeaders": ["content-type", "x-one"],
    }


def test_headers_that_are_none_are_not_given() -> None:
    """`"allow_headers": config.get_object("headers")`, without the key, would end in a traceback."""
    cors: Any = {"allow_origins": ["*"], "allow_headers": None}
    recording = record(lambda: ImageFunction("f", {**BARE, "url_auth_type": "AWS_IAM", "cors": cors}))
    assert recording.inputs(FUNCTION_URL, "f")["cors"] == {"allowOrigins": ["*"], "allowHeaders": [*SIGNED]}


def test_the_functions_own_code_cannot_touch_the_network(stack: Stack) -> None:
    """A hole in the application could delete network interfaces of the whole account."""
    recording = stack()
    policy = recording.inputs(ROLE_POLICY, "handler-code")
    assert policy["role"] == recording.output(ROLE, "handler", "name")
    attach = json.loads(recording.inputs(ROLE_POLICY, "handler")["policy"])["Statement"][1]
    assert json.loads(policy["policy"])["Statement"] == [
        {
            "Effect": "Deny",
            "Action": attach["Action"],
            "Resource": ["*"],
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [recording.output(FUNCTION, "handler", "arn")]}},
        }
    ]


@pytest.mark.parametrize("config", [{}, {"snapStart": "true", "publishVersions": "false"}])
def test_versions_are_published_and_the_url_leads_to_them(stack: Stack, config: dict[str, str]) -> None:
    """There would be nothing to go back to; or the URL would reach the function without its snapshot."""
    recording = stack(**config)
    function = recording.inputs(FUNCTION, "handler")
    assert (function["publish"], function.get("snapStart")) == (
        True,
        {"applyOn": "PublishedVersions"} if config else None,
    )
    assert recording.outputs["handlerLambdaArn"] == recording.output(ALIAS, "handler", "arn")
    assert recording.outputs["handlerLambdaName"] == recording.output(FUNCTION, "handler", "name")
    assert recording.inputs(ALIAS, "handler") == {
        "name": "live",
        "functionName": recording.output(FUNCTION, "handler", "name"),
        "functionVersion": recording.output(FUNCTION, "handler", "version"),
    }
    assert recording.inputs(FUNCTION_URL, "handler")["qualifier"] == "live"


def test_the_migration_runner_is_always_the_newest(stack: Stack) -> None:
    """A deployment after a rollback would run the old revisions."""
    recording = stack()
    assert recording.inputs(FUNCTION, "migrations")["publish"] is False
    assert recording.of_type(ALIAS) == ["handler"]


def test_without_versions_the_url_is_the_functions_own(stack: Stack) -> None:
    """A live stack could not keep the URL that it has."""
    recording = stack(publishVersions="false")
    assert recording.inputs(FUNCTION, "handler")["publish"] is False
    assert recording.of_type(ALIAS) == []
    assert "qualifier" not in recording.inputs(FUNCTION_URL, "handler")
    assert recording.outputs["handlerLambdaArn"] == recording.output(FUNCTION, "handler", "arn")


@pytest.mark.parametrize("variables", [{}, {"A": "b"}])
def test_neither_variables_nor_their_key_are_sent_where_there_are_none(variables: dict[str, str]) -> None:
    """Lambda would keep neither: each deployment would publish a version, and undo a rollback."""
    args: ImageFunctionArgs = {**BARE, "environment": variables, "kms_key_arn": KEY}
    inputs = record(lambda: ImageFunction("plain", args)).inputs(FUNCTION, "plain")
    expected = {"environment": {"variables": variables}, "kmsKeyArn": KEY} if variables else {}
    assert {key: inputs[key] for key in ("environment", "kmsKeyArn") if key in inputs} == expected


def test_a_function_without_a_database_has_no_vpc_and_no_url() -> None:
    """A function that needs neither would be slowed down, or reachable by everybody."""
    recording = record(lambda: ImageFunction("plain", BARE))
    inputs = recording.inputs(FUNCTION, "plain")
    assert "vpcConfig" not in inputs
    actions = [
        statement["Action"] for statement in json.loads(recording.inputs(ROLE_POLICY, "plain")["policy"])["Statement"]
    ]
    assert actions == [["logs:CreateLogStream", "logs:PutLogEvents"]]
    assert recording.of_type(FUNCTION_URL) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "mips"}, "^ImageFunction 'f': architecture is 'mips'; must be arm64 or x86_64$"),
        ({"url_auth_type": "none"}, "^ImageFunction 'f': url_auth_type is 'none'; must be AWS_IAM or NONE$"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(change: dict[str, str], message: str) -> None:
    """AWS would refuse it later, without naming the component."""
    with pytest.raises(ValueError, match=message):
        record(lambda: ImageFunction("f", {**BARE, **change}))
