"""Messages of SQS queues, as Lambda hands them to a function; `invoke` of `testing.streams` takes them too."""

import json
from typing import Any


def raw_message(body: object, *, identifier: str = "1", queue: str = "mail") -> dict[str, Any]:
    """Return a message, which has come once before; a body that is no text is sent as JSON."""
    return {
        "messageId": identifier,
        "receiptHandle": "AQEB",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1764410000000"},
        "messageAttributes": {},
        "md5OfBody": "0",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-west-1:123456789012:{queue}",
        "awsRegion": "eu-west-1",
    }
