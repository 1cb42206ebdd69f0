"""Functions that a program adds to its service, from the edit to what they have done."""

import json
from pathlib import Path

import pytest

from aurora_lambda_local.platform.paths import LocalPaths
from tests.e2e.checkout import Checkout
from tests.services import eventually

pytestmark = pytest.mark.slow

PROGRAM = """
from aurora_lambda.service import Service

service = Service()
service.function("writer", command="{command}")
service.schedule("list", "rate(1 day)")
login = service.secret("login", "s3cret")
mail = service.queue("mail", timeout=30, access=[login.reader])
service.extend_handler(access=[mail.sender])
"""
HANDLER = """
from datetime import UTC, datetime
from uuid import uuid4

from application.tables import notes
from aurora_lambda_runtime.handler.queues import Message, queue_handler
from aurora_lambda_runtime.handler.streams.sql import database
from aurora_lambda_runtime.secrets import get_secret


@queue_handler
def process(message: Message) -> None:
    text = f"{message.json['text']} by {get_secret('login')}"
    database().insert(notes, {"id": uuid4(), "text": text, "created_at": datetime.now(UTC)})
"""


def test_functions_of_the_program_run_on_the_services_database(tmp_path: Path) -> None:
    """Somebody with a job, a schedule or work to put off would find that one of them runs on AWS alone."""
    checkout = Checkout.with_sample_application(tmp_path / "checkout")
    program = checkout.folder / "stacks" / "__main__.py"
    queues = checkout.folder / "lambda_images" / "application" / "queues"
    queues.mkdir()
    (queues / "__init__.py").write_text("")
    (queues / "mail.py").write_text(HANDLER)
    try:
        # The handler would wait for SQS on AWS.
        program.write_text(PROGRAM.format(command="wirte"))
        refused = checkout.run("up", code=2).err
        assert refused == (
            "error: function 'handler' sends to a queue, and its subnets have no way there. "
            "Type: aurora-lambda config set --path 'endpoints[0]' sqs (7 to 8 USD a month)\n"
        )
        checkout.run("config", "set", "--path", "endpoints[0]", "sqs")
        assert "has no 'wirte', which this function runs; it has: add, list" in checkout.run("up", code=1).err
        program.write_text(PROGRAM.format(command="add"))
        checkout.run("up")
        written = json.loads(checkout.run("invoke", "writer", "{}").out)
        sqs, url = checkout.client("sqs", "awsEndpoint"), checkout.status()["outputs"]["mailQueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody='{"text": "hello"}')

        def texts() -> list[str]:
            return sorted(note["text"] for note in json.loads(checkout.run("invoke", "list", "{}").out))

        assert eventually(lambda: texts() == sorted([written["text"], "hello by s3cret"]), interval=0.5)
        status = checkout.status()
        assert status["schedules"]["list"]["expression"] == "rate(1 day)"
        assert status["queues"]["mail"]["deadLetters"] == 0
        assert "REPORT" in checkout.run("logs", "mail").out
        state = LocalPaths.for_checkout(checkout.folder).state.read_text()
        assert "s3cret" not in checkout.run("logs").out + checkout.run("env").out + state
    finally:
        checkout.run("down")
