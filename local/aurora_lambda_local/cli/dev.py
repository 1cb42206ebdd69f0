"""`aurora-lambda dev`: deploy whenever a source is saved, and print what the functions log meanwhile."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from watchfiles import DefaultFilter, watch

from aurora_lambda.project import Project
from aurora_lambda_local.cli.terminal import print_line
from aurora_lambda_local.commands import status
from aurora_lambda_local.deployed.log_lines import NAME_WIDTH, format_event
from aurora_lambda_local.deployed.logs import LocalLogs
from aurora_lambda_local.platform.paths import LocalPaths

PACKAGES = ("aurora_lambda", "aurora_lambda_runtime")
# What Vim and Emacs write beside a file that is being edited; watchfiles knows other editors' files, and caches.
EDITOR_FILES = (r"^4913$", r"^#.*#$")
SOURCES = DefaultFilter(ignore_entity_patterns=(*DefaultFilter.ignore_entity_patterns, *EDITOR_FILES))
LOG_MILLISECONDS = 100
NAMED_FILES = 3
WRONG_USE = 2


def develop(stack: str, options: Sequence[str]) -> None:
    """Deploy a stack here with the options of `up`, and again after each save, until Ctrl-C.

    A save that cannot be deployed changes nothing of what runs. Wrong options or configuration at the beginning end it.
    """
    logs = LocalLogs(LocalPaths.for_checkout().logs / stack)
    # Only what is logged from now on is printed.
    list(logs.read())
    project = Project.find()
    # The project's own sources, and the packages', of which those installed for editing may be saved too.
    packages = [Path(str(spec.origin)).parent for name in PACKAGES if (spec := find_spec(name))]
    folders = [project.program, project.stack_files, project.application, project.requirements, *packages]
    try:
        deploy_on_save(sorted({*folders}), partial(_deploy, project.root, options), partial(_print_logs, logs))
    except KeyboardInterrupt:
        remains = "The stack keeps running; to stop it: aurora-lambda down --keep-data"
        print_line(f"\n{remains if status()['running'] else 'Nothing runs here.'}")


def deploy_on_save(
    folders: Sequence[Path], deploy: Callable[[Sequence[Path]], None], meanwhile: Callable[[], None]
) -> None:
    """Call `deploy` at once, and again with the files that were saved; what is saved during a call makes one more.

    Args:
        folders: The folders to watch, with all below them.
        deploy: Deploys; gets the saved files, none at first.
        meanwhile: Called ten times a second while nothing is deployed.
    """
    deployed = False
    # It watches from before the first round on, so no save is missed.
    for changes in watch(*folders, watch_filter=SOURCES, rust_timeout=LOG_MILLISECONDS, yield_on_timeout=True):
        if changes or not deployed:
            deploy(sorted({Path(file) for _, file in changes}))
            deployed = True
        meanwhile()


def _deploy(root: Path, options: Sequence[str], saved: Sequence[Path]) -> None:
    if saved:
        print_line((f"\n{_describe(root, saved)}", "bold"))
    # In a process of its own, started as this one was, which imports the program as it is now.
    command = [sys.executable, *sys.orig_argv[1 : 1 - len(sys.argv)], "up", *options]
    process = subprocess.Popen([*command, "--quiet"] if saved else command)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # It got the signal too, and says where it stopped.
        process.wait()
        raise
    if code == WRONG_USE and not saved:
        sys.exit(code)
    if code:
        print_line(("Not deployed: what runs goes on as it was. Mend it and save.", "red"))
    else:
        print_line(("Watching for the next save; Ctrl-C ends it.", "dim"))


def _describe(root: Path, saved: Sequence[Path]) -> str:
    """Return a line on what was saved, without the files that were there for a moment only."""
    names = [os.path.relpath(file, root) for file in saved if file.exists()]
    more = f" and {len(names) - NAMED_FILES} more" if len(names) > NAMED_FILES else ""
    return f"Saved {', '.join(names[:NAMED_FILES])}{more}" if names else f"Deleted {os.path.relpath(saved[0], root)}"


def _print_logs(logs: LocalLogs) -> None:
    for event in logs.read():
        if parts := format_event(event, name_width=NAME_WIDTH):
            print_line(*parts)
