"""`aurora-lambda migrate`, `new-migration` and `adopt`: run revisions, write them, take a history over."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from aurora_lambda.project import Project
from aurora_lambda_local.cli.formatting import migration_summary
from aurora_lambda_local.cli.terminal import confirmed, print_line, working
from aurora_lambda_local.commands import database_url, status
from aurora_lambda_local.deployed.migrations import (
    MIGRATION_RUNNER,
    applied_revisions,
    ask_runner,
    breaking_revisions,
    migration_status,
)
from aurora_lambda_local.deployed.stack import pretty_json, select_stack
from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.contract import DATABASE_URL
from aurora_lambda_runtime.migrations.autogenerate.changes import Decisions
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.generate import create_revision
from aurora_lambda_runtime.migrations.history.adopt import adopt
from aurora_lambda_runtime.migrations.history.renumber import own_revisions, renumber
from aurora_lambda_runtime.migrations.request import COMMANDS


def migrate(options: argparse.Namespace) -> None:
    """Run the migration runner and print its result."""
    command, revision = options.migration_command, options.revision or options.revision_option
    if COMMANDS[command].takes_revision != bool(revision):
        those = " and ".join(name for name, rules in COMMANDS.items() if rules.takes_revision)
        raise UsageError(f"{those} take a revision, and nothing else does; type: aurora-lambda migrate downgrade 0003")
    with working(f"{MIGRATION_RUNNER}: {command}"):
        answer = ask_runner(select_stack(options.stack), command, revision or "")
    print(pretty_json(answer) if options.json else migration_summary(json.loads(answer)))
    if command == "status" and not options.json:
        for line in breaking_revisions(json.loads(answer), Project.find().versions):
            print_line(("warning:", "yellow"), f" {line}")


def new_migration(options: argparse.Namespace) -> None:
    """Write a revision from the difference between the tables' code and the database that runs here."""
    if options.renumber is not None:
        _renumber(options.renumber)
        return
    url = database_url()
    state = migration_status()
    if state["status"] == "incomplete":
        raise LocalError(f"nothing is written while the revisions differ:\n{state['output']}")
    try:
        application = ApplicationPackage.in_folder(Project.find().application)
        paths = create_revision({DATABASE_URL: url}, application, options.message, _decisions(options.yes))
    except MigrationError as error:
        raise LocalError(str(error)) from None
    for path in paths:
        print(path)
    print("Read it, then apply it here with: aurora-lambda up. Where dev runs, it is applied as soon as it is written.")


def adopt_history(options: argparse.Namespace) -> None:
    """Write an Alembic history into the application's revisions."""
    path = Path(options.path)
    try:
        adopted = adopt(path / "versions" if (path / "versions").is_dir() else path, Project.find().versions)
    except MigrationError as error:
        raise LocalError(str(error)) from None
    for old, file in adopted.items():
        print(f"{old} is {file}")
    last = list(adopted)[-1]
    number = adopted[last].name.partition("_")[0]
    print("Put the tables into tables.py, `metadata = Base.metadata` where they are the ORM's, then aurora-lambda up.")
    print(f"A database that Alembic has brought to {last} goes on after: aurora-lambda migrate stamp {number}")


def _renumber(names: Sequence[str]) -> None:
    """Move the revisions of these names, by default those that the database here lacks and the person calls theirs."""
    versions = Project.find().versions
    try:
        applied = applied_revisions() if status()["databaseUrl"] or not names else {}
        own = [Path(name).name for name in names] or own_revisions(versions, applied)
        if not names:
            _require_own(own)
        for path in renumber(versions, own, applied):
            print(path)
    except MigrationError as error:
        raise LocalError(str(error)) from None


def _require_own(names: Sequence[str]) -> None:
    """Have a person say whose the revisions are: the database here may as well have one's own as another branch's."""
    listed = " ".join(names)
    if not (sys.stdin.isatty() and confirmed(f"The database here lacks {listed}: is that your own, to be moved?")):
        raise LocalError(
            f"nothing is renumbered. Name your own: aurora-lambda new-migration --renumber {listed}, where the database"
            " here has the other branch's applied; otherwise those that it has"
        )


def _decisions(yes: bool) -> Decisions:
    """Return who decides about renames and lost data: the person at the terminal, or `--yes`."""
    if yes or not sys.stdin.isatty():
        return Decisions(may_drop=lambda _lost: yes)
    return Decisions(
        is_rename=lambda old, new: confirmed(f"Is {new} the new name of {old}?"),
        may_drop=lambda lost: confirmed(f"Drop {lost} with all that it holds?"),
    )
