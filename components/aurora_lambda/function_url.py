"""CORS settings of a function URL, and the permissions that make it public."""

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda.arguments import check_value, choice, map_input, strings, without_none

ORIGINS = strings(
    r"\*|https?://[\w.-]+(:\d+)?",
    "a list of origins, or *. Type: pulumi config set --path 'functionUrlCors[0]' https://example.com",
)
# Lambda itself answers a browser's OPTIONS. Source: CloudFormation template reference, AWS::Lambda::Url Cors.
METHOD = choice("GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*")
# What a browser that signs a request sends with it.
SIGNED_HEADERS = ("authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token")


class FunctionUrlCors(TypedDict):
    """Which web pages of other origins may call a function URL, and how."""

    allow_origins: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Origins that may call, such as `https://example.com`, or `*` for every one."""
    allow_methods: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """HTTP methods they may use, or `*` for every one; OPTIONS is not among them, since Lambda answers it."""
    allow_headers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Headers they may send; those of a signed request are added where requests have to be signed."""
    expose_headers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Headers of an answer that they may read."""
    allow_credentials: NotRequired[pulumi.Input[bool]]
    """Whether they may send cookies."""
    max_age: NotRequired[pulumi.Input[int]]
    """Seconds that a browser may remember the answer, at most 86400."""


def cors_settings(name: str, cors: FunctionUrlCors, auth_type: str) -> aws.lambda_.FunctionUrlCorsArgs:
    """Return the settings of a function's URL, by which web pages may also sign requests that have to be signed.

    Raises:
        ValueError: a method that Lambda refuses; of an output, once it is known.
    """
    cors, path = without_none(cors), f"ImageFunction {name!r}: a method of cors.allow_methods"
    args = aws.lambda_.FunctionUrlCorsArgs(**cors)
    if "allow_methods" in cors:
        args.allow_methods = map_input(
            cors["allow_methods"], lambda methods: [check_value(path, each, METHOD) for each in methods]
        )
    if auth_type == "AWS_IAM":
        args.allow_headers = pulumi.Output.from_input(cors.get("allow_headers", [])).apply(_with_signed_headers)
    elif "allow_headers" in cors:
        args.allow_headers = pulumi.Output.from_input(cors.get("allow_headers", [])).apply(_lower_case)
    if "expose_headers" in cors:
        args.expose_headers = pulumi.Output.from_input(cors.get("expose_headers", [])).apply(_lower_case)
    return args


def _lower_case(headers: Sequence[str]) -> list[str]:
    """Return headers as Lambda keeps them: others would change the URL in each deployment."""
    return list(dict.fromkeys(header.lower() for header in headers))


def _with_signed_headers(headers: Sequence[str]) -> list[str]:
    given = _lower_case(headers)
    return [*given, *(each for each in SIGNED_HEADERS if not {*given} & {each, "*"})]


def public_permissions(
    name: str,
    function_name: pulumi.Input[str],
    qualifier: pulumi.Input[str] | None,
    child: Callable[[str], pulumi.ResourceOptions],
) -> list[pulumi.Output[str]]:
    """Let everybody call the function by its URL, and return the permissions' ids; `child` gives their options.

    Both actions are needed. The provider adds such permissions itself, but only when it creates a URL, not when one
    becomes public. Source: AWS Lambda developer guide, "Control access to Lambda function URLs".
    """
    url = aws.lambda_.Permission(
        f"{name}-url",
        function=function_name,
        qualifier=qualifier,
        principal="*",
        action="lambda:InvokeFunctionUrl",
        function_url_auth_type="NONE",
        opts=child("urlPermission"),
    )
    invoke = aws.lambda_.Permission(
        f"{name}-url-invoke",
        function=function_name,
        qualifier=qualifier,
        principal="*",
        action="lambda:InvokeFunction",
        invoked_via_function_url=True,
        opts=child("invokePermission"),
    )
    return [url.id, invoke.id]
