"""A stack with a queue, brought up for real: its messages reach the function, or end among the dead letters."""

from functools import partial
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda import LambdaImage, Queue, QueueArgs
from aurora_lambda_local import commands
from aurora_lambda_local.cli.main import main
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.progress import Progress
from aurora_lambda_local.supervisor.client import SupervisorClient
from tests.local.running import Lines, log
from tests.local.stream_project import client
from tests.services import eventually

pytestmark = pytest.mark.slow

HANDLER = """
def lambda_handler(event, context):
    failed = []
    for record in event["Records"]:
        print("message", record["body"], record["attributes"]["ApproximateReceiveCount"])
        if record["body"] == "poison":
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""


def program(*, queue: bool = True) -> None:
    """Register a function and its queue, whose messages are tried once."""
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    role = "arn:aws:iam::123456789012:role/mail"
    function = aws.lambda_.Function("mail", package_type="Image", image_uri=image.image_uri, role=role, timeout=1)
    if queue:
        # Six times the timeout of a second is how long it takes until a message that fails comes again.
        args: QueueArgs = {"function_name": function.name, "function_timeout": 1, "role": role, "max_receive_count": 1}
        made = Queue("mail", {**args, "force_destroy": True})
        pulumi.export("url", made.queue_url)
        pulumi.export("letters", made.dead_letter_queue_url)


def bring_up(checkout: Path, *, queue: bool = True) -> Lines:
    (checkout / "code" / "application" / "app.py").write_text(HANDLER)
    lines = Lines()
    up("local", checkout=checkout, program=partial(program, queue=queue), progress=Progress(lines.append))
    return lines


def test_messages_are_delivered_and_those_that_fail_end_in_the_dead_letters(checkout: Path) -> None:
    """Work put off could be tried on AWS alone, and a message that nobody can process would be lost."""
    lines = bring_up(checkout)
    assert lines.changes()["aws:lambda:EventSourceMapping mail"] == "created"
    outputs, sqs = commands.status(checkout)["outputs"], client(checkout, "sqs")
    for body in ("a", "poison", "b"):
        sqs.send_message(QueueUrl=outputs["url"], MessageBody=body)
    assert eventually(lambda: commands.status(checkout)["queues"]["mail"]["deadLetters"] == 1)
    delivered = sorted(line for line in log(checkout).splitlines() if line.startswith("message"))
    assert delivered == ["message a 1", "message b 1", "message poison 1"]
    supervisor = SupervisorClient(LocalPaths.for_checkout(checkout))
    assert supervisor.given_up() == {"mappings": {}, "queues": {"mail": {"messages": [], "deadLetters": ["poison"]}}}
    assert supervisor.redrive("mail") == 1
    # It is tried once more, and dead again.
    assert eventually(lambda: log(checkout).splitlines().count("message poison 1") == 2)
    assert eventually(lambda: commands.status(checkout)["queues"]["mail"]["deadLetters"] == 1)
    (letter,) = sqs.receive_message(QueueUrl=outputs["letters"])["Messages"]
    assert letter["Body"] == "poison"
    status = commands.status(checkout)["queues"]["mail"]
    assert (status["state"], status["waiting"], status["inWork"]) == ("Enabled", 0, 0)
    assert set(bring_up(checkout).changes().values()) <= {"same"}


def fifo_program() -> None:
    """Register a FIFO queue of the program's own, whose messages are tried once."""
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    role = "arn:aws:iam::123456789012:role/mail"
    function = aws.lambda_.Function("mail", package_type="Image", image_uri=image.image_uri, role=role, timeout=1)
    letters = aws.sqs.Queue("letters", fifo_queue=True)
    queue = aws.sqs.Queue(
        "orders",
        fifo_queue=True,
        content_based_deduplication=True,
        visibility_timeout_seconds=1,
        redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": letters.arn, "maxReceiveCount": 1}),
    )
    aws.lambda_.EventSourceMapping(
        "orders",
        event_source_arn=queue.arn,
        function_name=function.arn,
        function_response_types=["ReportBatchItemFailures"],
    )
    pulumi.export("url", queue.url)


def test_a_fifo_queue_is_one_and_so_are_its_dead_letters(checkout: Path) -> None:
    """Messages would overtake each other here and not on AWS, and dead letters never leave their queue."""
    (checkout / "code" / "application" / "app.py").write_text(HANDLER)
    up("local", checkout=checkout, program=fifo_program, progress=Progress([].append))
    url, sqs = commands.status(checkout)["outputs"]["url"], client(checkout, "sqs")
    assert url.endswith(".fifo")
    for body in ("poison", "poison", "a"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    assert eventually(lambda: commands.status(checkout)["queues"]["orders"]["deadLetters"] == 1)
    assert eventually(lambda: "message a 1" in log(checkout).splitlines())
    assert SupervisorClient(LocalPaths.for_checkout(checkout)).redrive("orders") == 1
    assert eventually(lambda: commands.status(checkout)["queues"]["orders"]["deadLetters"] == 1)
    delivered = [line for line in log(checkout).splitlines() if line.startswith("message")]
    assert delivered == ["message poison 1", "message a 1", "message poison 1"]


def test_a_stop_says_how_many_messages_go(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever keeps the data would look for them in the next stack."""
    bring_up(checkout)
    url = commands.status(checkout)["outputs"]["url"]
    client(checkout, "sqs").send_message(QueueUrl=url, MessageBody="late", DelaySeconds=900)
    monkeypatch.chdir(checkout)
    assert main(["down", "--keep-data"]) == 0
    assert capsys.readouterr().out == (
        "Stopped; the databases and tables are kept.\nQueues keep nothing here; messages that were in them: 1\n"
    )


def test_a_queue_comes_back_with_its_stack_and_goes_with_the_program(checkout: Path) -> None:
    """After a night the queue would be there and nothing take its messages, or a queue taken out would go on."""
    bring_up(checkout)
    commands.down(checkout, keep_data=True)
    bring_up(checkout)
    url = commands.status(checkout)["outputs"]["url"]
    client(checkout, "sqs").send_message(QueueUrl=url, MessageBody="again")
    assert eventually(lambda: "message again 1" in log(checkout).splitlines())
    assert bring_up(checkout, queue=False).changes()["aws:lambda:EventSourceMapping mail"] == "deleted"
    assert commands.status(checkout)["queues"] == {}
