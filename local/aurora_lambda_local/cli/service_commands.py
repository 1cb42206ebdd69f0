"""The commands that write into a service: `new`, `upgrade` and `new-stream`."""

import argparse
import shlex
import subprocess
import sys

from aurora_lambda.project import Project
from aurora_lambda_local.cli.terminal import print_line, working


def new_stream(options: argparse.Namespace) -> None:
    """Write a function for a table's stream, its test and its entry in a stack's file."""
    from aurora_lambda_local.cli.new_stream import create_stream

    for path in create_stream(options.name, options.table, options.stack or "local"):
        print(path)
    print("Write what it does, then try it here with: aurora-lambda up")


def new(options: argparse.Namespace) -> None:
    """Write a service of one's own."""
    with working(f"writing {options.name}"):
        from aurora_lambda_local.cli.new_service import create_service, lock_packages

        service = create_service(options.name, options.engine, options.web)
    for note in service.notes:
        print_line(("note:", "yellow"), f" {note}")
    with working("resolving its packages"):
        lock_packages(service.folder)
    print_line((f"{service.folder.name}:", "bold"), f" a service on {service.database}, in {service.folder}")
    print_line(("\nNext:", "bold"))
    for command in (f"cd {shlex.quote(options.name)}", "make up", "make test"):
        print_line(f"    {command}")


def upgrade(options: argparse.Namespace) -> None:
    """Take another version of aurora-lambda into a service, and print what it brings and would do."""
    from aurora_lambda_local.cli.upgrade import news, take_version

    root = Project.find().root
    with working("resolving and installing"):
        before, after = take_version(root, options.version)
    print_line(("aurora-lambda:", "bold"), f" {before} -> {after}" if before != after else f" stays at {after}")
    print_line(f"\n{news(root, before, after) or 'Its changelog has nothing newer.'}")
    print_line(("\nWhat `aurora-lambda up` would do now:", "bold"))
    sys.exit(subprocess.run([root / ".venv/bin/aurora-lambda", "preview"], cwd=root, check=False).returncode)
