"""The providers of tables, event source mappings, schedules, buckets and queues, inside moto and this process."""

from collections.abc import Callable, Mapping
from typing import Any

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.resources.context import Provider, ProviderResult, Resource, RunningResource, StackContext
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.resources.running import MadeResource
from aurora_lambda_local.resources.table_definition import has_other_keys, table_requests
from aurora_lambda_local.resources.type_tokens import TABLE
from aurora_lambda_local.streams import destinations
from aurora_lambda_local.streams.mapping import parse_mapping
from aurora_lambda_local.streams.poller import Poller
from aurora_lambda_local.streams.queue_poller import QueuePoller, parse_queue_mapping
from aurora_lambda_local.streams.schedule import RunningSchedule, parse_schedule

SCHEDULE = "aws:scheduler/schedule:Schedule"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
QUEUE = "aws:sqs/queue:Queue"
# Attributes of a queue, by Pulumi's names.
QUEUE_ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "delaySeconds": "DelaySeconds",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
}


# What is inside moto stays there at a resource's end: it is removed with the store of its stack, or by its remover.


def _table(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    dynamodb, name = context.aws_services.dynamodb, str(resource.outputs["name"])
    if lost := replaced_data(context, TABLE, name, resource.inputs):
        context.notices.append(f"deleted with what it held: {lost}")
    for action, parameters in table_requests(resource.inputs, dynamodb.describe(context.region, name)):
        dynamodb.request(context.region, action, TableName=name, **parameters)
    if label := resource.outputs.get("streamLabel"):
        dynamodb.set_stream_label(context.region, name, str(label))
    return MadeResource(lambda: dynamodb.describe(context.region, name) is not None), {}


def _mapping(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    if previous:
        previous.close()
    if ":sqs:" in str(resource.inputs.get("eventSourceArn")):
        return _queue_mapping(context, resource)
    mapping = parse_mapping(str(resource.outputs["uuid"]), resource.name, resource.inputs)
    _require_stream(context, mapping.stream_arn)
    poller = Poller(
        mapping,
        context.aws_services.dynamodb,
        context.aws_services.store,
        lambda payload: context.find_function(mapping.function_arn).invoke(payload),
    )
    poller.start()
    return poller, {"state": "Enabled" if mapping.enabled else "Disabled"}


def _queue_mapping(context: StackContext, resource: Resource) -> ProviderResult:
    mapping = parse_queue_mapping(resource.inputs)
    if mapping.queue_arn.rpartition(":")[2] not in destinations.queues(context.region).queues:
        raise LocalError(f"there is no queue {mapping.queue_arn} here")
    poller = QueuePoller(mapping, lambda payload: context.find_function(mapping.function_arn).invoke(payload))
    poller.start()
    return poller, {"state": "Enabled" if mapping.enabled else "Disabled"}


def _require_stream(context: StackContext, arn: str) -> None:
    table = arn.partition(":table/")[2].partition("/stream/")[0]
    description = context.aws_services.dynamodb.describe(context.region, table) if "/stream/" in arn else None
    if description is None or description.get("LatestStreamArn") != arn:
        raise LocalError(f"there is no stream {arn} here; streams of DynamoDB tables and SQS queues can be mapped")


def _schedule(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    definition = parse_schedule(resource.id, resource.inputs)
    if previous:
        previous.close()
    schedule = RunningSchedule(
        definition,
        context.aws_services.store,
        lambda payload: context.find_function(definition.function_arn).invoke_event(payload),
    )
    schedule.start()
    return schedule, {}


def _bucket(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    destinations.ensure_bucket(resource.id, context.region)
    return MadeResource(lambda: resource.id in destinations.buckets().buckets), {}


def _queue(context: StackContext, resource: Resource, _: RunningResource | None) -> ProviderResult:
    name, inputs, queues = str(resource.outputs["name"]), resource.inputs, destinations.queues(context.region)
    destinations.ensure_queue(name, context.region)
    given = {theirs: inputs[ours] for ours, theirs in QUEUE_ATTRIBUTES.items() if inputs.get(ours)}
    attributes = {key: "true" if value is True else str(int(value)) for key, value in given.items()}
    if redrive := inputs.get("redrivePolicy"):
        attributes["RedrivePolicy"] = str(redrive)
    queues.set_queue_attributes(name, attributes)
    return MadeResource(lambda: name in queues.queues), {}


STREAM_PROVIDERS: Mapping[str, Provider] = {
    TABLE: _table,
    MAPPING: _mapping,
    QUEUE: _queue,
    SCHEDULE: _schedule,
    **dict.fromkeys(BUCKETS, _bucket),
}


def _delete_table(context: StackContext, identifier: str) -> None:
    if context.aws_services.dynamodb.describe(context.region, identifier):
        context.aws_services.dynamodb.request(context.region, "DeleteTable", TableName=identifier)


# How to remove what is left of a resource that the program no longer has, by its id.
REMOVERS: Mapping[str, Callable[[StackContext, str], object]] = {
    TABLE: _delete_table,
    MAPPING: lambda context, identifier: context.aws_services.store.delete_checkpoints(identifier),
    SCHEDULE: lambda context, identifier: context.aws_services.store.delete_schedule(identifier),
    QUEUE: lambda context, url: destinations.queues(context.region).queues.pop(url.rpartition("/")[2], None),
    **dict.fromkeys(BUCKETS, lambda _, identifier: destinations.remove_bucket(identifier)),
}


def stored_data(context: StackContext, type_token: str, identifier: str) -> str:
    """Return what is lost when a table, bucket or queue is removed, in words; empty where it holds nothing."""
    name, count, unit = identifier, 0, ""
    if type_token == TABLE:
        table = context.aws_services.dynamodb.describe(context.region, name)
        count, unit = table["ItemCount"] if table else 0, "item"
    elif type_token in BUCKETS:
        bucket = destinations.buckets().buckets.get(name)
        count, unit = len(bucket.keys) if bucket else 0, "object"
    elif type_token == QUEUE:
        name = identifier.rpartition("/")[2]
        count, unit = len(destinations.messages(destinations.queues(context.region).queues.get(name))), "message"
    kind = type_token.rpartition(":")[2].removesuffix("V2").lower()
    return f"{kind} {name} with {count} {unit}{'s' * (count != 1)}" if count else ""


def replaced_data(context: StackContext, type_token: str, identifier: str, inputs: Inputs) -> str:
    """Return what is lost when a resource becomes what its inputs say, as a table of other keys does."""
    table = context.aws_services.dynamodb.describe(context.region, identifier) if type_token == TABLE else None
    return stored_data(context, TABLE, identifier) if table and has_other_keys(inputs, table) else ""


def lookup_table(context: StackContext, arguments: Inputs) -> Outputs:
    """Return what `aws.dynamodb.get_table` answers for a table that exists in the emulated DynamoDB.

    Raises:
        LocalError: there is no such table.
    """
    name = str(arguments["name"])
    table = context.aws_services.dynamodb.describe(context.region, name)
    if table is None:
        raise LocalError(
            f"there is no DynamoDB table {name!r} here; make it with: aws dynamodb create-table --table-name {name} ..."
        )
    keys = {each["KeyType"]: each["AttributeName"] for each in table["KeySchema"]}
    return {**arguments, "id": name, "arn": table["TableArn"], **_stream_outputs(table)} | {
        "hashKey": keys["HASH"],
        "rangeKey": keys.get("RANGE", ""),
        "attributes": [
            {"name": each["AttributeName"], "type": each["AttributeType"]} for each in table["AttributeDefinitions"]
        ],
        "billingMode": table["BillingModeSummary"]["BillingMode"] or "PROVISIONED",
        "tags": {},
    }


# The `aws.get_...` calls whose answer depends on the running stack.
LOOKUPS: Mapping[str, Callable[[StackContext, Inputs], Outputs]] = {"aws:dynamodb/getTable:getTable": lookup_table}


def _stream_outputs(table: Mapping[str, Any]) -> Outputs:
    """Return a lookup's outputs about a stream; without one, `streamEnabled` is false and the others are empty."""
    stream = table.get("StreamSpecification") or {}
    enabled = bool(stream.get("StreamEnabled"))
    return {
        "streamEnabled": enabled,
        "streamArn": table.get("LatestStreamArn", "") if enabled else "",
        "streamLabel": table.get("LatestStreamLabel", "") if enabled else "",
        "streamViewType": stream.get("StreamViewType", ""),
    }
