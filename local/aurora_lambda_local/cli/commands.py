"""The commands on a stack that is up, and `up` itself: one function each, which takes the parsed command line."""

import argparse
import json
import os
import shutil
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from aurora_lambda.service.outputs import outputs_for_people
from aurora_lambda_local import commands as local_commands
from aurora_lambda_local.cli.formatting import status_lines, status_value
from aurora_lambda_local.cli.reporting import started_progress
from aurora_lambda_local.cli.terminal import confirmed, print_line, print_table, working
from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_local.platform.imports import uncollected
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.progress import Progress, UpResult
from aurora_lambda_local.program.repeat import repeat
from aurora_lambda_local.supervisor.client import SupervisorClient


def up(options: argparse.Namespace) -> None:
    """Bring a stack up on this machine."""
    stack = "local" if options.stack is None else options.stack
    given = overrides(options.config)
    if options.debug and options.containers:
        raise UsageError("--debug is for functions that run on this machine itself; leave out --containers")
    with started_progress(fold=not options.verbose) as progress:
        repeated = repeat(stack, given, progress, containers=options.containers)
        result = repeated or _run_program(stack, given, options, progress)
    outputs = result.outputs
    for line in [] if repeated or result.unchanged else _differences(outputs):
        print_line(("note:", "yellow"), f" {line}")
    if options.debug:
        from aurora_lambda_local.cli.debugging import wait_for_editor

        print_line(("\nDebugging: ", "bold"), wait_for_editor(options.debug))
    if options.quiet:
        return
    address = SupervisorClient(LocalPaths.for_checkout()).console_address()
    print_line(("\nConsole: ", "bold"), (address, "cyan"))
    print_line(("\nOutputs:", "bold"))
    for key, value in outputs_for_people(outputs).items():
        print_line(f"    {key}: ", (json.dumps(value), "cyan"))
    print_line(("\nTry:", "bold"))
    for command in _suggestions(outputs):
        print_line(f"    {command}")


def _run_program(stack: str, given: Mapping[str, str], options: argparse.Namespace, progress: Progress) -> UpResult:
    # Imported here because it takes a second, in which a terminal shows that something goes on.
    with uncollected():
        from aurora_lambda_local.program.deploy import up as bring_up

    asks = not options.yes and sys.stdin.isatty() and sys.stdout.isatty()
    may_delete = partial(_may_delete, progress) if asks else None
    return bring_up(stack, given, containers=options.containers, progress=progress, may_delete=may_delete)


def _may_delete(progress: Progress, lost: Sequence[str]) -> bool:
    with progress.paused():
        return confirmed(f"Delete {', '.join(lost)}?")


def preview(options: argparse.Namespace) -> None:
    """Print what `up` would do."""
    stack = "local" if options.stack is None else options.stack
    given = overrides(options.config)
    with started_progress(fold=not options.verbose, planned=True) as progress:
        with uncollected():
            from aurora_lambda_local.program.preview import preview as compare

        result = compare(stack, given, containers=options.containers, progress=progress)
    from aurora_lambda_local.cli.preview import print_pending

    print_pending(stack, result)


def _suggestions(outputs: Mapping[str, object]) -> list[str]:
    found = shutil.which("aurora-lambda")
    program = "aurora-lambda" if found and Path(found).samefile(sys.argv[0]) else os.path.relpath(sys.argv[0])
    if "functionUrl" not in outputs:
        return [f"{program} status", f"{program} logs -f"]
    return [f"{program} invoke handler", f"{program} migrate status", f"curl {outputs['functionUrl']}info"]


def overrides(assignments: Sequence[str]) -> dict[str, str]:
    """Return the configuration that `-c` gives.

    Raises:
        UsageError: an assignment is none.
    """
    pairs = [assignment.partition("=") for assignment in assignments]
    if wrong := [key for key, equals, _ in pairs if not key or not equals]:
        raise UsageError(f"-c takes key=value, not {wrong[0]!r}; for example: -c engine=mysql")
    return {key: value for key, _, value in pairs}


def down(options: argparse.Namespace) -> None:
    """Stop everything here and delete its data."""
    asks = not (options.keep_data or options.yes) and sys.stdin.isatty() and local_commands.has_data()
    if asks and not confirmed("Delete the databases, the tables and the records given up, of every stack here?"):
        raise LocalError("nothing is changed; to stop the stack and keep its data: aurora-lambda down --keep-data")
    lost = _queued_messages() if options.keep_data else 0
    with working("stopping"):
        local_commands.down(keep_data=options.keep_data)
    print("Stopped; the databases and tables are kept." if options.keep_data else "Stopped; the data is deleted.")
    if lost:
        print(f"Queues keep nothing here; messages that were in them: {lost}")


def _queued_messages() -> int:
    """Return how many messages the queues of the stack here hold, in memory alone."""
    try:
        queues = local_commands.status()["queues"].values()
    except LocalError:
        # Where not even the status is known, there is something to stop nonetheless.
        return 0
    return sum(queue["waiting"] + queue["inWork"] + queue["deadLetters"] for queue in queues)


def status(options: argparse.Namespace) -> None:
    """Print what runs here."""
    local = local_commands.status()
    report: dict[str, object] = {**local}
    if options.key:
        print(status_value(report, options.key))
        return
    if local["running"]:
        report["migrations"] = _migration_lines(local["outputs"])
    if options.json:
        print(json.dumps(report, indent=2))
        return
    report["outputs"] = outputs_for_people(local["outputs"])
    for line in status_lines(report):
        print_line(line)


def _migration_lines(outputs: Mapping[str, object]) -> list[str]:
    """Return how files, runner and database differ; nothing for a stack without a database, or that is no service's."""
    if outputs and outputs.get("engine", "none") == "none":
        return []
    from aurora_lambda_local.deployed.migrations import migration_status
    from aurora_lambda_local.deployed.stack import StackRequestError

    try:
        return migration_status()["output"].splitlines()
    except (StackRequestError, LocalError) as error:
        return [str(error)]


def _differences(outputs: Mapping[str, object]) -> list[str]:
    """Return how files, runner, database and the tables' code differ after a deployment; often nothing."""
    if (lines := _migration_lines(outputs)) != ["up to date"]:
        return lines
    from aurora_lambda_local.deployed.migrations import unwritten_change

    return [change] if (change := unwritten_change()) else []


def sql(options: argparse.Namespace) -> None:
    """Run a statement on the database that runs here, or print how to open its shell."""
    from aurora_lambda_local.deployed.sql import run_query, running_database, shell_command

    database = running_database()
    if options.query is None:
        print(shell_command(database))
        return
    query = sys.stdin.read() if options.query == "-" else options.query
    result = run_query(database, query)
    if result.columns:
        print_table(result.columns, result.rows)
    rows = "1 row" if result.count == 1 else f"{result.count} rows"
    print(f"({rows})" if result.columns else f"done ({rows})")


def console(options: argparse.Namespace) -> None:
    """Open the console in a browser, or print its address."""
    paths = LocalPaths.for_checkout()
    address = SupervisorClient(paths).console_address()
    # A file that leads there: what a browser is started with, other users of this machine see.
    paths.console_link.touch(0o600)
    paths.console_link.write_text(f'<!doctype html><meta http-equiv="refresh" content="0; url={address}">')
    if options.prints or not webbrowser.open(paths.console_link.as_uri()):
        print(address)


def completion(options: argparse.Namespace) -> None:
    """Print a script by which a shell completes commands and options."""
    import shtab

    print(shtab.complete(options.all_commands, shell=options.shell))
