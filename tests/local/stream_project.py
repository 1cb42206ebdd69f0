"""The small project's function behind a stream, with no database."""

from typing import Any

import boto3
import pulumi
import pulumi_aws as aws

from aurora_lambda.image import LambdaImage
from aurora_lambda_local import commands

REGION = "eu-west-1"


def program(
    *,
    poison: str = "",
    adopted: str = "",
    table: bool = True,
    tags: str = "",
    label: str = "items",
    name: str = "shop-local-table",
    key: str = "id",
    bucket: str = "failures",
    queue: bool = False,
) -> None:
    """Register a table, a function that refuses the item `poison`, and a mapping that keeps failures in a bucket.

    With `adopted`, the table of that name is looked up instead; without `table`, there is none and no mapping. `label`
    is what the program calls the table, `name` its name and `key` its key; `bucket` is the bucket's name, and `queue`
    says whether there is a queue too.
    """
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    function = aws.lambda_.Function(
        "copy",
        package_type="Image",
        image_uri=image.image_uri,
        role="arn:aws:iam::123456789012:role/copy",
        environment={"variables": {"POISON": poison}},
    )
    failures = aws.s3.Bucket("failures", bucket=bucket, tags={"tag": tags})
    if queue:
        aws.sqs.Queue("letters", name="letters")
    pulumi.export("engine", "none")
    if not table:
        return
    mapping = aws.lambda_.EventSourceMapping(
        "items",
        event_source_arn=_stream(adopted, label, name, key),
        function_name=function.arn,
        starting_position="TRIM_HORIZON",
        maximum_retry_attempts=1,
        bisect_batch_on_function_error=True,
        function_response_types=["ReportBatchItemFailures"],
        destination_config={"on_failure": {"destination_arn": failures.arn}},
    )
    pulumi.export("streamMappings", {"items": mapping.uuid})


def _stream(adopted: str, label: str, name: str, key: str) -> pulumi.Input[str]:
    if adopted:
        found = aws.dynamodb.get_table(name=adopted)
        if not found.stream_enabled:
            raise ValueError(f"the stream of {adopted} is off")
        return found.stream_arn
    table = aws.dynamodb.Table(
        label,
        name=name,
        billing_mode="PAY_PER_REQUEST",
        hash_key=key,
        attributes=[{"name": key, "type": "S"}],
        stream_enabled=True,
        stream_view_type="NEW_AND_OLD_IMAGES",
    )
    return table.stream_arn


def client(checkout: Any, service: str) -> Any:
    """A boto3 client of what is up."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=commands.status(checkout)["awsEndpoint"],
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
