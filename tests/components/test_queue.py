"""What a queue with its function asks AWS for."""

import json
from typing import Any

import pulumi
import pytest

from aurora_lambda import Queue, QueueArgs
from tests.components.recording import Recording, record
from tests.components.tokens import ALARM, MAPPING, QUEUE, ROLE_POLICY

ROLE = "arn:aws:iam::123456789012:role/mail"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
DAY = 86_400


def queue(**args: Any) -> Recording:
    """Record a `Queue` of the function `mail`, and export what senders need."""
    required: QueueArgs = {"function_name": "mail", "function_timeout": 30, "role": ROLE, "tags": {"project": "demo"}}
    return record(lambda: pulumi.export("sender", Queue("mail-out", {**required, **args}).sender))


def test_messages_wait_encrypted_and_go_to_the_dead_letters_after_five_tries() -> None:
    """A message that cannot be processed would be tried for days, or be lost."""
    recording = queue()
    letters = recording.output(QUEUE, "mail-out-dead-letters", "arn")
    assert recording.inputs(QUEUE, "mail-out") == {
        "visibilityTimeoutSeconds": 180,
        "messageRetentionSeconds": 4 * DAY,
        "redrivePolicy": f'{{"deadLetterTargetArn": "{letters}", "maxReceiveCount": 5}}',
        "sqsManagedSseEnabled": True,
        "tags": {"project": "demo", "Name": "mail-out"},
    }
    assert recording.inputs(QUEUE, "mail-out-dead-letters") == {
        "messageRetentionSeconds": 14 * DAY,
        "sqsManagedSseEnabled": True,
        "tags": {"project": "demo", "Name": "mail-out-dead-letters"},
    }


def test_dead_letters_ring_until_they_are_gone() -> None:
    """Nobody would know that messages wait for someone, or that they no longer do."""
    topic = "arn:aws:sns:eu-west-1:123456789012:ops"
    recording = queue(alarm_topic_arn=topic)
    assert recording.inputs(ALARM, "mail-out-dead-letters") == {
        "alarmDescription": "mail-out-dead-letters: messages are given up and kept",
        "namespace": "AWS/SQS",
        "metricName": "ApproximateNumberOfMessagesVisible",
        "dimensions": {"QueueName": recording.output(QUEUE, "mail-out-dead-letters", "name")},
        "statistic": "Maximum",
        "period": 60,
        "evaluationPeriods": 1,
        "datapointsToAlarm": 1,
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 0,
        "treatMissingData": "notBreaching",
        "alarmActions": [topic],
        "okActions": [topic],
        "tags": {"project": "demo", "Name": "mail-out-dead-letters"},
    }


def test_a_message_that_waits_for_its_batch_stays_out_of_sight() -> None:
    """It would come a second time while the first is being processed, or before."""
    recording = queue(batch_size=100, maximum_batching_window_in_seconds=300)
    assert recording.inputs(QUEUE, "mail-out")["visibilityTimeoutSeconds"] == 480


def test_the_function_gets_batches_of_which_each_message_counts_alone() -> None:
    """One message that fails would bring back the nine that are done."""
    recording = queue(batch_size=100, maximum_batching_window_in_seconds=5, maximum_concurrency=2)
    arn = recording.output(QUEUE, "mail-out", "arn")
    assert recording.inputs(MAPPING, "mail-out") == {
        "eventSourceArn": arn,
        "functionName": "mail",
        "batchSize": 100,
        "maximumBatchingWindowInSeconds": 5,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "scalingConfig": {"maximumConcurrency": 2},
        "tags": {"project": "demo", "Name": "mail-out"},
    }
    actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    policy = recording.resource(ROLE_POLICY, "mail-out-queue")
    assert json.loads(policy.inputs["policy"])["Statement"] == [
        {"Effect": "Allow", "Action": actions, "Resource": [arn]}
    ]
    assert policy.inputs["role"] == "mail"
    assert policy.urn in recording.resource(MAPPING, "mail-out").dependencies


@pytest.mark.parametrize("force_destroy", [True, False])
def test_messages_go_only_when_the_program_says_so(force_destroy: bool) -> None:
    """A queue that leaves the program would take with it what nobody has processed."""
    recording = queue(force_destroy=force_destroy)
    for name in ("mail-out", "mail-out-dead-letters"):
        assert recording.resource(QUEUE, name).retain_on_delete is not force_destroy


def test_a_sender_gets_the_url_and_the_right_to_send() -> None:
    """A handler would have to be told a name that Pulumi makes up, and a policy of its own."""
    recording = queue(kms_key_arn=KEY)
    arn = recording.output(QUEUE, "mail-out", "arn")
    via = {"StringEquals": {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}}
    assert recording.outputs["sender"] == {
        "environment": {"QUEUE_MAIL_OUT_URL": recording.output(QUEUE, "mail-out", "url")},
        "policy_statements": [
            {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [arn]},
            {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": [KEY],
                "Condition": via,
            },
        ],
        "subnet_ids": [],
        "security_group_ids": [],
    }
    assert recording.inputs(QUEUE, "mail-out")["kmsMasterKeyId"] == KEY
    assert "sqsManagedSseEnabled" not in recording.inputs(QUEUE, "mail-out-dead-letters")


def test_a_large_batch_needs_a_window() -> None:
    """Lambda would refuse the mapping, half way through a deployment."""
    message = (
        "^Queue 'mail-out': batch_size 11 needs maximum_batching_window_in_seconds: without it a batch has at most 10"
        " messages$"
    )
    with pytest.raises(ValueError, match=message):
        queue(batch_size=11)
