"""The message of a failed migration: the revision, the database's own words, the state left behind, and what to do."""

from collections.abc import Iterable

from sqlalchemy.exc import DBAPIError

from aurora_lambda_runtime.database.errors import format_driver_error
from aurora_lambda_runtime.migrations.alembic_runner import MigrationRun

LONGEST = 2000


def failure_message(
    command: str,
    why: str,
    run: MigrationRun,
    *,
    before: str | None,
    after: str | None,
    transactional: bool,
    committed: bool,
) -> str:
    """Return the message of a command that failed and left the database at `after`, its work `committed` or not."""
    what = f"{command} failed"
    if run.current_step:
        what = f"revision {run.current_step['revision']} ({run.current_step['message']}) failed during {command}"
    return f"{what}: {why}. {_state(run, before, after, transactional, committed)}"


def describe_error(error: BaseException, secrets: Iterable[str | None]) -> str:
    """Return what went wrong, in the database's own words where it was the database, without any of `secrets`."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    text = (
        format_driver_error(origin)
        if isinstance(error, DBAPIError)
        else f"{type(error).__name__}: {format_driver_error(error)}"
    )
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _state(run: MigrationRun, before: str | None, after: str | None, transactional: bool, committed: bool) -> str:
    if not committed or (after == before and not run.current_step):
        return f"Nothing was changed: the database is at {_at(after)}"
    done = ", ".join(step["revision"] for step in run.applied) or "none"
    if not run.current_step:
        return f"The database is at {_at(after)}; revisions done in this run: {done}"
    if transactional:
        return (
            f"The database is at {_at(after)}; a revision ended the transaction (COMMIT, autocommit_block), and what"
            " was done by then has stayed. Undo that, or make the revisions still to run ready for it, then run the"
            " command again"
        )
    failed = run.current_step["revision"]
    return (
        f"The database is at {_at(after)}; revisions done in this run: {done}; what revision {failed} did before its"
        f" error has stayed, because this engine commits each statement of DDL. Mend {failed} or the table it met,"
        " then run the command again: it goes on with the statement that failed. Or do by hand what is left, and"
        " `stamp` the revision that the database is then at"
    )


def _at(version: str | None) -> str:
    return f"revision {version}" if version else "no revision"
