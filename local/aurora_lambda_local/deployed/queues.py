"""The dead letters of a queue that runs here."""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.client import BaseClient

from aurora_lambda_local.deployed.stack import DeployedStack

MAX_MESSAGES = 10


def redrive(stack: DeployedStack, queue: str) -> int:
    """Put the dead letters of a queue back into it, as SQS's own redrive does, and return how many.

    A message is deleted from the dead letters once it is in the queue.
    """
    client = stack.client("sqs")
    url = client.get_queue_url(QueueName=queue)["QueueUrl"]
    policy = client.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    letters = client.get_queue_url(QueueName=json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2])["QueueUrl"]
    # All of them first: what fails again would come again.
    messages = list(_receive_all(client, letters))
    for message in messages:
        attributes = {"MessageAttributes": message.get("MessageAttributes", {}), **_order(queue, message)}
        client.send_message(QueueUrl=url, MessageBody=message["Body"], **attributes)
        client.delete_message(QueueUrl=letters, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def _order(queue: str, message: Mapping[str, Any]) -> dict[str, str]:
    """Return what a message is sent to a FIFO queue with; by its own deduplication id it might be taken for a copy."""
    if not queue.endswith(".fifo"):
        return {}
    return {"MessageGroupId": message["Attributes"]["MessageGroupId"], "MessageDeduplicationId": str(uuid.uuid4())}


def _receive_all(client: BaseClient, url: str) -> Iterator[dict[str, Any]]:
    options = {"MaxNumberOfMessages": MAX_MESSAGES, "MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
    while messages := client.receive_message(QueueUrl=url, **options).get("Messages"):
        yield from messages
