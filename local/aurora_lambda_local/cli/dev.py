"""`aurora-lambda dev`: deploy whenever a source is saved, and print what the functions log meanwhile."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from watchfiles import DefaultFilter, watch

from aurora_lambda.project import Project, ProjectError
from aurora_lambda_local.cli.commands import overrides
from aurora_lambda_local.cli.reporting import print_error, started_progress
from aurora_lambda_local.cli.terminal import print_line, working
from aurora_lambda_local.commands import status
from aurora_lambda_local.deployed.log_lines import NAME_WIDTH, format_event
from aurora_lambda_local.deployed.log_reader import LogReader
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.own_modules import package_folders
from aurora_lambda_local.program.program_state import packages_digest
from aurora_lambda_local.program.repeat import repeat
from aurora_lambda_local.supervisor.client import waited_for_other

WATCHED_PACKAGES = ("aurora_lambda", "aurora_lambda_runtime")
# What Vim and Emacs write beside a file that is being edited; watchfiles knows other editors' files, and caches.
EDITOR_FILES = (r"^4913$", r"^#.*#$")
# What deployments write, where the program lies in the project's own folder.
WRITTEN = (".local", ".aurora-lambda")
SOURCES = DefaultFilter(
    ignore_dirs=(*DefaultFilter.ignore_dirs, *WRITTEN),
    ignore_entity_patterns=(*DefaultFilter.ignore_entity_patterns, *EDITOR_FILES),
)
LOG_MILLISECONDS = 100
NAMED_FILES = 3
WRONG_USE = 2
RUNNER = "migrations"
# What whoever has asked the runner, a deployment above all, has told already.
TOLD = ('"platform.report"', '"errorType": "Migration')


def dev(options: argparse.Namespace) -> None:
    """Deploy at each save, and follow the logs."""
    stack = options.stack or "local"
    flags = [flag for flag in ("containers", "verbose", "yes") if getattr(options, flag)]
    config = [word for assignment in options.config for word in ("-c", assignment)]
    arguments = ["-s", stack, *config, *(f"--{flag}" for flag in flags)]
    develop(Deployment(Project.find(), stack, overrides(options.config), options, arguments))


@dataclass(frozen=True)
class Deployment:
    """The deployment of one stack, again and again, as often as possible without running its program.

    Attributes:
        project: The project.
        stack: The name in `stacks/Pulumi.<name>.yaml`.
        overrides: The configuration of `-c`.
        options: The options of `dev`.
        arguments: What to type after `up` for the same.
        packages: What this process has imported, which may be older than what is there now.
    """

    project: Project
    stack: str
    overrides: Mapping[str, str]
    options: argparse.Namespace
    arguments: Sequence[str]
    packages: str = field(default_factory=packages_digest)

    def deploy(self, saved: Sequence[Path]) -> None:
        """Deploy what was saved, all that there is at first, and tell how that went."""
        if saved:
            print_line((f"\n{_describe(self.project.root, saved)}", "bold"))
        paths = LocalPaths.for_checkout(self.project.root)
        if not deploy_in_turn(paths, self._redeploy if saved else self._run_program):
            print_line(("Not all is deployed: what failed goes on as it was. Mend it and save.", "red"))
            return
        print_line(("Watching for the next save; Ctrl-C ends it.", "dim"))

    def _redeploy(self) -> bool:
        """Deploy in this process where that takes no program; return whether all went well."""
        if self.packages == packages_digest():
            try:
                with started_progress(fold=not self.options.verbose) as progress:
                    if repeat(self.stack, self.overrides, progress, containers=self.options.containers):
                        return True
            except (LocalError, ProjectError, OSError) as error:
                print_error(error, self.stack, self.options.config)
                return False
        return self._run_program("--quiet")

    def _run_program(self, *more: str) -> bool:
        """Deploy in a process of its own, started as this one was, which imports the program as it is now."""
        command = [sys.executable, *sys.orig_argv[1 : 1 - len(sys.argv)], "up", *self.arguments, *more]
        process = subprocess.Popen(command)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # It got the signal too, and says where it stopped.
            process.wait()
            raise
        if code == WRONG_USE and not more:
            sys.exit(code)
        return code == 0


def develop(deployment: Deployment) -> None:
    """Deploy a stack here with the options of `up`, and again after each save, until Ctrl-C.

    A save that cannot be deployed changes nothing of what runs. Wrong options or configuration at the beginning end it.
    """
    logs = LogReader(LocalPaths.for_checkout().logs / deployment.stack)
    # Only what is logged from now on is printed.
    logs.read()
    project = deployment.project
    # The project's own sources, and the packages', of which those installed for editing may be saved too.
    packages = [folder for folder in package_folders() if folder.name in WATCHED_PACKAGES]
    folders = [project.program, project.stack_files, project.application, project.requirements, *packages]
    try:
        deploy_on_save(sorted({*folders}), deployment.deploy, partial(_print_logs, logs))
    except KeyboardInterrupt:
        remains = "The stack keeps running; to stop it: aurora-lambda down --keep-data"
        print_line(f"\n{remains if status()['running'] else 'Nothing runs here.'}")


def deploy_in_turn(paths: LocalPaths, deploy: Callable[[], bool]) -> bool:
    """Deploy after another `up` or `down` that is under way, or comes between; return whether all went well."""
    with working("waiting for another up or down"):
        waited_for_other(paths)
    while not deploy():
        if not waited_for_other(paths):
            return False
    return True


def deploy_on_save(
    folders: Sequence[Path], deploy: Callable[[Sequence[Path]], None], meanwhile: Callable[[], None]
) -> None:
    """Call `deploy` at once, and again with the files that were saved; what is saved during a call makes one more.

    Args:
        folders: The folders to watch, with all below them. A program of its own components has no application.
        deploy: Deploys; gets the saved files, none at first.
        meanwhile: Called ten times a second while nothing is deployed.
    """
    deployed, saved = False, set[Path]()
    while True:
        there = {folder for folder in folders if folder.is_dir()}
        # It watches from before the first round on, so no save is missed.
        for changes in watch(*there, watch_filter=SOURCES, rust_timeout=LOG_MILLISECONDS, yield_on_timeout=True):
            files = {Path(file) for _, file in changes}
            moved = there ^ {folder for folder in folders if folder.is_dir()}
            saved |= files | moved
            if moved or files & there:
                # What comes in the place of a folder that was deleted or moved is not watched yet.
                break
            if saved or not deployed:
                deploy(sorted(saved))
                deployed, saved = True, set()
            meanwhile()


def _describe(root: Path, saved: Sequence[Path]) -> str:
    """Return a line on what was saved, without the files that were there for a moment only."""
    names = [os.path.relpath(file, root) for file in saved if file.exists()]
    more = f" and {len(names) - NAMED_FILES} more" if len(names) > NAMED_FILES else ""
    return f"Saved {', '.join(names[:NAMED_FILES])}{more}" if names else f"Deleted {os.path.relpath(saved[0], root)}"


def _print_logs(logs: LogReader) -> None:
    for event in logs.read():
        if event.function == RUNNER and any(each in event.text for each in TOLD):
            continue
        if parts := format_event(event, name_width=NAME_WIDTH):
            print_line(*parts)
