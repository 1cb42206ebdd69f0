"""The revisions that an `up` would apply."""

import json

from aurora_lambda.project import Project
from aurora_lambda_local.cli.terminal import print_line
from aurora_lambda_local.commands import status
from aurora_lambda_local.deployed.stack import StackRequestError, select_stack
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.program.preview import PreviewResult
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.offline import pending_refusals, pending_sql


def print_pending(stack: str, result: PreviewResult) -> None:
    """Print the SQL of each revision that `up` would apply, where the stack has a database.

    Raises:
        LocalError: the database does not answer, or a revision's SQL cannot be told without one.
    """
    engine, before = str(result.outputs["engine"]), str(result.before.get("engine") or "")
    if engine not in ENGINES:
        return
    if before not in ("", engine):
        print_line(
            ("note:", "yellow"), f" the SQL is for an empty {engine} database; one kept from before needs less of it"
        )
    try:
        version = _version(stack, result) if before == engine else None
        application = ApplicationPackage.in_folder(Project.find().application)
        for title, sql in pending_sql(engine, version, application.versions):
            print_line((f"\n-- {title}", "bold"))
            print_line(sql.strip())
        for taker, revision, why in pending_refusals(version, application.versions):
            said = ("up refuses", "red") if taker == engine else ("note", "yellow")
            print_line((f"{said[0]}: revision {revision}:", said[1]), f" {why}")
    except (StackRequestError, MigrationError) as error:
        raise LocalError(f"the pending revisions are unknown: {error}") from None


def _version(stack: str, result: PreviewResult) -> str | None:
    """Return the revision of the database, which its migration runner says; of a stopped one, the last `up` knew."""
    report = status()
    if not report["running"] or report["stack"] != stack:
        return str(result.before.get("migration") or "") or None
    answer = select_stack(stack).invoke("migration-runner", json.dumps({"command": "current"}).encode())
    return json.loads(answer)["after"]
