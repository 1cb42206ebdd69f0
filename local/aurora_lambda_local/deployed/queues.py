"""The dead letters of a queue that runs here."""

import json
from collections.abc import Iterator
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
        attributes = message.get("MessageAttributes", {})
        client.send_message(QueueUrl=url, MessageBody=message["Body"], MessageAttributes=attributes)
        client.delete_message(QueueUrl=letters, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def _receive_all(client: BaseClient, url: str) -> Iterator[dict[str, Any]]:
    options = {"MaxNumberOfMessages": MAX_MESSAGES, "MessageAttributeNames": ["All"]}
    while messages := client.receive_message(QueueUrl=url, **options).get("Messages"):
        yield from messages
