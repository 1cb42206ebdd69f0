"""The answers of the migration runner."""

from typing import Literal, NotRequired, TypedDict


class RevisionName(TypedDict):
    """A revision that is still to be applied."""

    revision: str
    message: str


class AppliedRevision(RevisionName):
    """A revision that was applied, or undone."""

    duration_ms: int


class Outcome(TypedDict):
    """What was done; `before` and `after` are revisions of the database."""

    status: Literal["ok", "incomplete"]
    before: str | None
    after: str | None
    applied: list[AppliedRevision]
    pending: list[RevisionName]
    output: str


class MigrationResult(Outcome):
    """The runner's answer."""

    command: str
    engine: str
    duration_ms: int
    # The columns that the runner's code names, by table, and whether each may be NULL; for who asks.
    tables: NotRequired[dict[str, dict[str, bool]]]


class DestroyResult(TypedDict):
    """The runner's answer when its stack is destroyed."""

    command: str
    engine: str
    status: Literal["ok"]
    output: NotRequired[str]
