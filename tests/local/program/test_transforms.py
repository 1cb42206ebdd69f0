"""What a program changes of its resources by transforms of its own, when it is run here."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda import ImageFunction, StreamTable
from aurora_lambda_local.platform.errors import LocalError
from tests.local.program.receiving import Received, run
from tests.services import PROCESSES

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
QUEUE = "aws:sqs/queue:Queue"
TABLE = "aws:dynamodb/table:Table"
Run = Callable[..., Received]


@pytest.fixture(scope="module")
def run_apart() -> Iterator[Run]:
    """Return what does as `run` with a function of this module, in a process of its own, as `aurora-lambda up` is one.

    Transforms need a server of gRPC's, which has aborted a process in which the tests of other rooms had run.
    """
    with ProcessPoolExecutor(1, PROCESSES) as pool:
        yield lambda main, folder, **options: pool.submit(run, main, folder, **options).result()


def setting(type_: str, **properties: Any) -> pulumi.ResourceTransform:
    """Return a transform that sets properties of the resources of one type."""

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        return pulumi.ResourceTransformResult({**args.props, **properties}, args.opts) if args.type_ == type_ else None

    return transform


def two_functions() -> None:
    opts = pulumi.ResourceOptions(transforms=[setting(LOG_GROUP, retentionInDays=1)])
    ImageFunction("f", {"image_uri": "repo@sha256:0", "role": "arn:aws:iam::123456789012:role/r"}, opts)
    ImageFunction("g", {"image_uri": "repo@sha256:0", "role": "arn:aws:iam::123456789012:role/r"})


@pytest.mark.parametrize("preview", [False, True])
def test_a_components_transforms_reach_its_resources(run_apart: Run, tmp_path: Path, preview: bool) -> None:
    """A function would keep its logs here for a time that the program has changed, as on AWS it does not."""
    inputs = run_apart(two_functions, tmp_path, preview=preview)
    assert inputs[LOG_GROUP, "f"] == {**inputs[LOG_GROUP, "g"], **inputs[LOG_GROUP, "f"], "retentionInDays": 1}
    assert inputs[LOG_GROUP, "g"]["retentionInDays"] == 30


def own_and_the_stacks() -> None:
    pulumi.runtime.register_resource_transform(setting(QUEUE, fifoQueue=True, name="stack"))
    aws.sqs.Queue("q", opts=pulumi.ResourceOptions(transforms=[setting(QUEUE, name="own", delaySeconds=5)]))
    StreamTable("t", {"table_name": "items"})


def test_transforms_run_from_the_resource_up_to_the_stack(run_apart: Run, tmp_path: Path) -> None:
    """Of two that set one property, another one would win here than on AWS."""
    inputs = run_apart(own_and_the_stacks, tmp_path)
    assert inputs[QUEUE, "q"] == {"name": "stack", "delaySeconds": 5, "fifoQueue": True}
    assert inputs[TABLE, "t"]["name"] == "shop-local-items"


def asynchronous() -> None:
    other = aws.sqs.Queue("other", name="letters")

    async def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.name != "q":
            return None
        return pulumi.ResourceTransformResult({**args.props, "name": other.name.apply("{}-copy".format)}, args.opts)

    aws.sqs.Queue("q", opts=pulumi.ResourceOptions(transforms=[transform]))


def test_a_transform_may_be_asynchronous_and_use_outputs(run_apart: Run, tmp_path: Path) -> None:
    """A transform that looks a key up would stop the program here."""
    assert run_apart(asynchronous, tmp_path)[QUEUE, "q"] == {"name": "letters-copy"}


def failing() -> None:
    def fail(args: pulumi.ResourceTransformArgs) -> None:
        raise KeyError(args.name)

    aws.sqs.Queue("q", opts=pulumi.ResourceOptions(transforms=[fail]))


def test_a_transform_that_fails_is_named(run_apart: Run, tmp_path: Path) -> None:
    """A person would be told that a queue failed, and not that the own transform did."""
    with pytest.raises(LocalError, match="^aws:sqs/queue:Queue q: its transform failed: KeyError: 'q'$"):
        run_apart(failing, tmp_path)


def with_a_components_own() -> None:
    StreamTable("t", {"table_name": "items", "transform": {"table": {"tableClass": "STANDARD_INFREQUENT_ACCESS"}}})


def test_the_transform_of_a_component_works_here_too(run_apart: Run, tmp_path: Path) -> None:
    """A stack would be another one here than on AWS."""
    assert run_apart(with_a_components_own, tmp_path)[TABLE, "t"]["tableClass"] == "STANDARD_INFREQUENT_ACCESS"
