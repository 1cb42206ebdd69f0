"""A stack of streams alone, from the first command to the first event."""

from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout
from tests.services import eventually

pytestmark = pytest.mark.slow


def test_a_stack_without_a_database_delivers_events_and_says_what_it_has_not(tmp_path: Path) -> None:
    """Somebody who needs no SQL would have to run a database for the streams, or be told riddles."""
    checkout = Checkout.with_sample_application(tmp_path / "checkout")
    (checkout.folder / "tests" / "application").mkdir(parents=True)
    (checkout.folder / "stacks" / "Pulumi.queue.yaml").write_text("config:\n  aws:region: eu-west-1\n  engine: none\n")
    try:
        checkout.run("new-stream", "print-keys", "items", "-s", "queue")
        assert "migration" not in checkout.run("up", "-s", "queue").out
        status = checkout.status()
        assert (list(status["functions"]), status["migrations"]) == (["print-keys"], [])
        assert checkout.run("put-item", "items", '{"id": "1"}').out == "put into aurora-lambda-queue-items\n"
        assert eventually(lambda: "INSERT {'id': '1'}" in checkout.run("logs", "print-keys").out, interval=0.5)
        assert checkout.run("invoke", "handler", code=2).err == (
            "error: stack 'queue' has no function 'handler' on engine none; it has print-keys\n"
        )
    finally:
        checkout.run("down")
