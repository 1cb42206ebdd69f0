"""What a failed migration says: the revision, the database's own words, the state left behind, and what to do."""

from collections.abc import Iterable

from sqlalchemy.exc import DBAPIError

from lambda_images.database.errors import own_words
from lambda_images.migrations.alembic_runs import Run

LONGEST = 2000


def explained(
    command: str, why: str, run: Run, *, before: str | None, after: str | None, transactional: bool, kept: bool
) -> str:
    """The message of a command that failed, and why, and left the database at `after`, its work `kept` or not."""
    what = f"{command} failed"
    if run.at_work:
        what = f"revision {run.at_work.revision} ({run.at_work.message}) failed during {command}"
    return f"{what}: {why}. {_state(run, before, after, transactional, kept)}"


def reason(error: BaseException, secrets: Iterable[str]) -> str:
    """What went wrong, in the database's own words where it was the database, without any of `secrets`."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    text = own_words(origin) if isinstance(error, DBAPIError) else f"{type(error).__name__}: {own_words(error)}"
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _state(run: Run, before: str | None, after: str | None, transactional: bool, kept: bool) -> str:
    if not kept or (after == before and not run.at_work):
        return f"Nothing was changed: the database is at {_at(after)}"
    done = ", ".join(step.revision for step in run.done) or "none"
    if not run.at_work:
        return f"The database is at {_at(after)}; revisions done in this run: {done}"
    if transactional:
        return (
            f"The database is at {_at(after)}; a revision ended the transaction (COMMIT, autocommit_block), and what"
            " was done by then has stayed. Undo that, or make the revisions still to run ready for it, then run the"
            " command again"
        )
    failed = run.at_work.revision
    return (
        f"The database is at {_at(after)}; revisions done in this run: {done}; what revision {failed} did before its"
        f" error has stayed, because this engine commits each statement of DDL. Mend {failed} or the table it met,"
        f" then run the command again: it starts again with {failed}"
    )


def _at(version: str | None) -> str:
    return f"revision {version}" if version else "no revision"
