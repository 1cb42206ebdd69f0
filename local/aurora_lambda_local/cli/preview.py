"""The revisions that an `up` would apply."""

import json

from aurora_lambda.project import Project
from aurora_lambda_local.cli.terminal import print_line
from aurora_lambda_local.commands import status
from aurora_lambda_local.deployed.migrations import ask_runner, breaking_revisions
from aurora_lambda_local.deployed.stack import StackRequestError, select_stack
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.program.preview import PreviewResult
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.offline import pending_refusals, pending_sql
from aurora_lambda_runtime.migrations.outcome import MigrationResult


def print_pending(stack: str, result: PreviewResult) -> None:
    """Print the SQL of each revision that `up` would apply, where the stack has a database.

    Raises:
        LocalError: the database does not answer, or a revision's SQL cannot be told without one.
    """
    engine, before = str(result.outputs.get("engine")), str(result.before.get("engine") or "")
    if engine not in ENGINES:
        return
    if before != engine and {*result.changes} != {"created"}:
        print_line(
            ("note:", "yellow"), f" the SQL is for an empty {engine} database; one kept from before needs less of it"
        )
    try:
        answer = _current(stack) if before == engine else None
        last = str(result.before.get("migration") or "") or None
        version = answer["after"] if answer else last if before == engine else None
        application = ApplicationPackage.in_folder(Project.find().application)
        for title, sql in pending_sql(engine, version, application.versions, application.metadata):
            print_line((f"\n-- {title}", "bold"))
            print_line(sql.strip())
        for taker, revision, why in pending_refusals(version, application.versions, application.metadata):
            said = ("up refuses", "red") if taker == engine else ("note", "yellow")
            print_line((f"{said[0]}: revision {revision}:", said[1]), f" {why}")
        for line in breaking_revisions(answer, application.versions) if answer else ():
            print_line(("warning:", "yellow"), f" {line}")
    except (StackRequestError, MigrationError) as error:
        raise LocalError(f"the pending revisions are unknown: {error}") from None


def _current(stack: str) -> MigrationResult | None:
    """Return what the migration runner of a stack says of its database; None of one that is stopped."""
    report = status()
    if not report["running"] or report["stack"] != stack:
        return None
    return json.loads(ask_runner(select_stack(stack), "current"))
