"""What the migration runner accepts."""

from typing import Any

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.revisions import RevisionFile
from aurora_lambda_runtime.migrations.request import Request, parse_request

ALLOWED = "deploy, reset, current, history, check, stamp, downgrade, sql, status"


@pytest.mark.parametrize("event", [None, {}, {"command": "deploy"}, {"tf": {"action": "create"}}])
def test_a_bare_invocation_deploys(event: Any) -> None:
    """What the deployment and `aws lambda invoke` without a payload send."""
    assert parse_request(event) == Request("deploy")


@pytest.mark.parametrize("command", ["upgrade", "", "DEPLOY", "deploy; rm -rf /", None, 1, ["deploy"]])
def test_an_unknown_command_is_refused_naming_the_allowed(command: Any) -> None:
    """A word that is passed on unread is how commands are injected."""
    with pytest.raises(MigrationError) as refusal:
        parse_request({"command": command})
    assert str(refusal.value) == f"unknown command {command!r}: the allowed commands are {ALLOWED}"


@pytest.mark.parametrize("event", [[], "deploy", 1, True])
def test_a_payload_that_is_no_object_is_refused(event: Any) -> None:
    """The caller learns the form."""
    with pytest.raises(
        MigrationError, match='^the payload must be a JSON object such as {"command": "deploy"}, not a '
    ):
        parse_request(event)


@pytest.mark.parametrize("command", ["stamp", "downgrade"])
def test_stamp_and_downgrade_need_a_revision(command: str) -> None:
    """A default would be a guess at how far to go back."""
    with pytest.raises(MigrationError) as refusal:
        parse_request({"command": command})
    assert str(refusal.value) == f'{command} needs a revision: {{"command": "{command}", "revision": "0001"}}'
    assert parse_request({"command": command, "revision": "0001"}) == Request(command, "0001")
    assert parse_request({"command": command, "revision": "base"}) == Request(command, "base")


@pytest.mark.parametrize("revision", ["", "0001:head", "../x", "head'", "a b", "-", "--1", "+1", 1, ["0001"], "x" * 33])
def test_a_malformed_revision_is_refused(revision: Any) -> None:
    """Only what can be a revision reaches Alembic."""
    with pytest.raises(
        MigrationError, match="is no revision: give an id such as 0001, head, base, or -1 for one back$"
    ):
        parse_request({"command": "downgrade", "revision": revision})


def test_only_downgrade_takes_steps_back() -> None:
    """`stamp -1` has no meaning."""
    assert parse_request({"command": "downgrade", "revision": "-2"}) == Request("downgrade", "-2")
    with pytest.raises(MigrationError, match="^stamp takes a revision's id, head or base$"):
        parse_request({"command": "stamp", "revision": "-1"})


def test_a_revision_where_none_is_taken_is_refused() -> None:
    """Somebody who asks to deploy up to a revision must not get all of them."""
    with pytest.raises(MigrationError, match="^deploy takes no revision; stamp and downgrade do$"):
        parse_request({"command": "deploy", "revision": "0002"})


def test_the_files_of_whoever_asks_are_read() -> None:
    """The runner could compare the database with its own image only."""
    files = {"0001": {"message": "create users", "checksum": "ab"}}
    assert parse_request({"command": "status", "files": files}) == Request(
        "status", files={"0001": RevisionFile("create users", "ab")}
    )
    with pytest.raises(MigrationError) as refusal:
        parse_request({"command": "status", "files": {"0001": "ab"}})
    assert str(refusal.value) == 'files are {"0001": {"message": "create users", "checksum": "..."}, ...}'
