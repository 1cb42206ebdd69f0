"""What a program may say of the functions and queues that it adds to its service."""

from typing import TypedDict

import pulumi

from aurora_lambda.access import AccessList, PolicyStatements, Variables
from aurora_lambda.function_url import FunctionUrlCors
from aurora_lambda.image import LambdaImage
from aurora_lambda.transform import Transform


class FunctionOptions(TypedDict, total=False):
    """What a program may say of a function that it adds: arguments of `ImageFunction`."""

    environment: Variables
    """Further environment variables. Never put a secret here."""
    policy_statements: PolicyStatements
    """Further IAM policy statements: what the function may do."""
    access: AccessList
    """What the function uses besides the database."""
    image_uri: pulumi.Input[str] | LambdaImage
    """The image, where it is not the service's; it may be of any language. One that the program builds can be given
    itself: then it is checked that it is built for the functions' processor."""
    memory_size: pulumi.Input[int]
    """Memory in MB."""
    timeout: pulumi.Input[int]
    """How long an invocation may take, in seconds; 60 by default."""
    reserved_concurrency: pulumi.Input[int]
    """Most instances at once, each with one connection to the database; -1: no limit but the account's."""
    url_auth_type: str
    """Give the function a URL, for signed requests (`AWS_IAM`) or for everybody (`NONE`), as output `<name>Url`."""
    cors: FunctionUrlCors
    """Which web pages of other origins may call the URL."""
    keep_failed_events: bool
    """Whether events that nobody waits for go to a queue once the function has failed on them for good."""
    maximum_retry_attempts: pulumi.Input[int]
    """How often such an event is tried again: twice by default."""
    maximum_event_age_in_seconds: pulumi.Input[int]
    """How old such an event may become before it counts as failed: six hours by default."""
    transform: Transform
    """What to set of the function's resources, by resource and property."""


class QueueOptions(FunctionOptions, total=False):
    """What a program may say of a queue that it adds and of its function: arguments of `Queue` too."""

    batch_size: pulumi.Input[int]
    """Messages that the function gets at once, at most: 10 by default."""
    maximum_batching_window_in_seconds: pulumi.Input[int]
    """How long to wait for a batch to fill; not at all by default."""
    maximum_concurrency: pulumi.Input[int]
    """How many batches are processed at the same time, at most, each with one connection to the database."""
    max_receive_count: pulumi.Input[int]
    """How often a message is tried before it goes to the dead letters: 5 times by default."""


ARGUMENTS_OF_QUEUES = QueueOptions.__annotations__.keys() - FunctionOptions.__annotations__.keys()
