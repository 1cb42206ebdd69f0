"""The dead letters of a queue that runs here."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.client import BaseClient

from aurora_lambda_local.deployed.stream_mapping import LOCAL_CREDENTIALS

MAX_MESSAGES = 10


def redrive(queue: str, region: str, endpoint: str) -> int:
    """Put the dead letters of a queue back into it, as SQS's own redrive does, and return how many.

    A message is deleted from the dead letters once it is in the queue.
    """
    client = boto3.client("sqs", region_name=region, endpoint_url=endpoint, **LOCAL_CREDENTIALS)
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
