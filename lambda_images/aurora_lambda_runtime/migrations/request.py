"""Requests to the runner: a command, and for two of them a revision."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.revisions import RevisionFile
from aurora_lambda_runtime.payload import CommandError, parse_payload, shorten


@dataclass(frozen=True)
class CommandRules:
    """How a command is treated.

    Attributes:
        locks: no other runner may be at work at the same time.
        takes_revision: the payload has to name a revision.
        creates_database: a missing database is made rather than reported.
        reports_incomplete: revisions still to be applied make the outcome `incomplete`.
    """

    locks: bool = False
    takes_revision: bool = False
    creates_database: bool = False
    reports_incomplete: bool = False


COMMANDS: Mapping[str, CommandRules] = {
    "deploy": CommandRules(locks=True, creates_database=True, reports_incomplete=True),
    "reset": CommandRules(locks=True, creates_database=True, reports_incomplete=True),
    "current": CommandRules(),
    "history": CommandRules(),
    "check": CommandRules(),
    "stamp": CommandRules(locks=True, takes_revision=True),
    "downgrade": CommandRules(locks=True, takes_revision=True),
    "sql": CommandRules(),
    "status": CommandRules(reports_incomplete=True),
}
_REVISION = re.compile(r"head|base|[0-9A-Za-z]{1,32}|-[0-9]{1,4}")


@dataclass(frozen=True)
class Request:
    """A command that is known, with the revision it needs.

    Attributes:
        complete: a deployment that ran out of time is a failure, so that what waits for it does not go on.
        files: the revisions that whoever asks has, to compare with; None for those of this image.
        tables: the answer has the columns that this image's code names.
    """

    command: str
    revision: str = ""
    complete: bool = False
    files: Mapping[str, RevisionFile] | None = None
    tables: bool = False

    @property
    def rules(self) -> CommandRules:
        """How the command is treated."""
        return COMMANDS[self.command]


def is_destroy(event: object) -> bool:
    """Return whether the stack is being destroyed: the provider says so beside the payload of its last invocation.

    Source: https://www.pulumi.com/registry/packages/aws/api-docs/lambda/invocation/, "CRUD Lifecycle Management"
    """
    lifecycle = event.get("tf") if isinstance(event, dict) else None
    return isinstance(lifecycle, dict) and lifecycle.get("action") == "delete"


def parse_request(event: object) -> Request:
    """Read the payload; no payload and no command mean `deploy`.

    Raises:
        MigrationError: the command is unknown, or its revision is missing or malformed.
    """
    try:
        command, payload = parse_payload(event, list(COMMANDS))
    except CommandError as error:
        raise MigrationError(str(error)) from None
    rules = COMMANDS[command]
    revision = payload.get("revision")
    if not rules.takes_revision:
        if revision is not None:
            those = " and ".join(name for name, other in COMMANDS.items() if other.takes_revision)
            raise MigrationError(f"{command} takes no revision; {those} do")
        complete, tables = (payload.get(key) is True for key in ("complete", "tables"))
        return Request(command, complete=complete, files=_files(payload.get("files")), tables=tables)
    if revision is None:
        raise MigrationError(f'{command} needs a revision: {{"command": "{command}", "revision": "0001"}}')
    if not isinstance(revision, str) or not _REVISION.fullmatch(revision):
        raise MigrationError(
            f"{shorten(revision)} is no revision: give an id such as 0001, head, base, or -1 for one back"
        )
    if command == "stamp" and revision.startswith("-"):
        raise MigrationError("stamp takes a revision's id, head or base")
    return Request(command, revision)


def _files(value: object) -> Mapping[str, RevisionFile] | None:
    """Return the revisions that a payload holds; None where it holds none."""
    if not isinstance(value, dict):
        return None
    try:
        return {revision: RevisionFile(**file) for revision, file in value.items()}
    except TypeError:
        raise MigrationError('files are {"0001": {"message": "create users", "checksum": "..."}, ...}') from None
