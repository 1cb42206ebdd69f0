"""The revisions: which are applied, which are pending, and the SQL of each."""

import json
from dataclasses import dataclass
from typing import Literal

from flask import Blueprint, render_template

from aurora_lambda.project import Project
from aurora_lambda_local.console.state import console
from aurora_lambda_local.deployed.migrations import applied_revisions, ask_runner
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.migrations.history.checksums import read_revisions
from aurora_lambda_runtime.migrations.history.revisions import RevisionFile
from aurora_lambda_runtime.migrations.outcome import MigrationResult

pages = Blueprint("migrations", __name__)


@dataclass(frozen=True)
class RevisionRow:
    """A revision as the files and the database have it."""

    revision: str
    message: str
    state: Literal["applied", "pending", "edited since", "no file"]


@pages.get("/migrations")
def show() -> str:
    """Show all revisions, the newest first, and how files, runner and database differ."""
    # Imported here because Alembic takes as long as all else.
    from aurora_lambda_runtime.migrations.history.offline import pending_sql

    report = console().status()
    if not report["databaseUrl"]:
        raise LocalError("this stack has no database: its engine is none")
    answer: MigrationResult = json.loads(ask_runner(console().stack(), "status"))
    application = ApplicationPackage.in_folder(Project.find().application)
    titled = pending_sql(report["engine"], None, application.versions, application.metadata)
    sql = {title.partition(" ")[0]: text for title, text in titled}
    rows = reversed(revisions())
    return render_template("migrations.html", engine=report["engine"], rows=rows, answer=answer, sql=sql)


def revisions() -> list[RevisionRow]:
    """Return the revisions of the files and of the database, in order.

    Raises:
        MigrationError, DatabaseError: the files or the database cannot be read.
    """
    files, applied = read_revisions(Project.find().versions), applied_revisions()
    return [_row(revision, files.get(revision), applied.get(revision)) for revision in sorted({*files, *applied})]


def _row(revision: str, file: RevisionFile | None, applied: RevisionFile | None) -> RevisionRow:
    if applied is None or file is None:
        return RevisionRow(
            revision, (file or applied or RevisionFile("", "")).message, "no file" if applied else "pending"
        )
    return RevisionRow(revision, file.message, "applied" if file.checksum == applied.checksum else "edited since")
