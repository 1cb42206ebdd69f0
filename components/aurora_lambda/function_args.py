"""Arguments of `ImageFunction`."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

from aurora_lambda.access import AccessList, PolicyStatements, Variables
from aurora_lambda.arguments import ARCHITECTURE, KMS_KEY, Argument, choice, flag, log_retention, whole_number
from aurora_lambda.function_role import Role
from aurora_lambda.function_url import FunctionUrlCors
from aurora_lambda.naming import Tags
from aurora_lambda.transform import Transform


class ImageFunctionArgs(TypedDict):
    """What the function runs, who it is and what it may reach."""

    image_uri: pulumi.Input[str]
    """The image, by digest."""
    role: Role
    """The function's role, a `FunctionRole` or another one, or the role's ARN. This component gives it the permissions
    of the function."""
    access: NotRequired[AccessList]
    """What the function uses, as a database's `runtime` or a network's `access` says it: environment, permissions,
    subnets and security groups of all are merged. Default: nothing, and no VPC."""
    environment: NotRequired[Variables]
    """Further environment variables, which win over those of `access`. Never put a secret here: anyone who may read
    the function reads it."""
    policy_statements: NotRequired[PolicyStatements]
    """Further IAM policy statements: what the function may do."""
    command: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The entry point, where it is not the image's own."""
    architecture: NotRequired[pulumi.Input[str]]
    """The image's processor architecture."""
    memory_size: NotRequired[pulumi.Input[int]]
    """Memory in MB."""
    timeout: NotRequired[pulumi.Input[int]]
    """How long an invocation may take, in seconds."""
    reserved_concurrency: NotRequired[pulumi.Input[int]]
    """Execution environments at most; -1: no limit but the account's."""
    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days that logs are kept."""
    url_auth_type: NotRequired[str]
    """Give the function a URL, for signed requests (`AWS_IAM`) or for everybody (`NONE`). Default: no URL. Plain, since
    it decides which resources there are."""
    cors: NotRequired[FunctionUrlCors]
    """Which web pages of other origins may call the URL. Default: none."""
    snap_start: NotRequired[bool]
    """Whether Lambda keeps a snapshot of the initialised function and starts from it; it publishes too. AWS charges for
    each published version's snapshot by its memory, until nobody has called it for 14 days, and for each start from it.
    Plain, since it decides which resources there are."""
    publish: NotRequired[bool]
    """Whether each change of code or configuration is published as a version that stays, and `arn` and the URL are
    those of the alias `live`, which leads to the newest one and can be led back. Turned on or off, it changes the URL.
    Plain, since it decides which resources there are."""
    keep_failed_events: NotRequired[bool]
    """Whether events that nobody waits for, as those of a schedule, go to a queue once the function has failed on them
    for good, and stay there for 14 days, with the error. Plain, since it decides which resources there are."""
    maximum_retry_attempts: NotRequired[pulumi.Input[int]]
    """How often such an event is tried again, with `keep_failed_events`."""
    maximum_event_age_in_seconds: NotRequired[pulumi.Input[int]]
    """How old such an event may become before it counts as failed, with `keep_failed_events`."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts environment, logs and failed events, whose policy lets CloudWatch Logs use it.
    Default: keys of AWS's own."""
    tracing: NotRequired[pulumi.Input[bool]]
    """Whether Lambda samples invocations as traces for X-Ray, at a price for each trace."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "architecture": ARCHITECTURE,
    "memory_size": whole_number(128, 10_240, "MB", 256),
    "timeout": whole_number(1, 900, "seconds", 15),
    # AWS raises an account's 1000 to tens of thousands. Source: AWS Lambda developer guide, "Lambda quotas".
    "reserved_concurrency": whole_number(-1, 100_000, "execution environments", -1),
    "log_retention_days": log_retention(30),
    "url_auth_type": choice("AWS_IAM", "NONE"),
    "snap_start": flag(default=False),
    "publish": flag(default=False),
    "keep_failed_events": flag(default=False),
    # Source: Lambda API reference, PutFunctionEventInvokeConfig.
    "maximum_retry_attempts": whole_number(0, 2, "attempts", 2),
    "maximum_event_age_in_seconds": whole_number(60, 21_600, "seconds", 21_600),
    "kms_key_arn": KMS_KEY,
    "tracing": flag(default=False),
}
