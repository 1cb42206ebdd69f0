"""The answer of a migration command."""

from typing import Literal, TypedDict


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
