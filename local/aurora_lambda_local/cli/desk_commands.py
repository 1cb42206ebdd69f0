"""The commands for one's own tools and one's browser: `env`, `run`, `put-item` and `console`."""

import argparse
import shlex
import sys

from aurora_lambda_local.platform.errors import UsageError


def env(options: argparse.Namespace) -> None:
    """Print a stack's environment as a shell takes it."""
    from aurora_lambda_local.cli.stack_environment import stack_environment

    for name, value in sorted(stack_environment(options.stack).items()):
        print(f"export {name}={shlex.quote(value)}")


def run(options: argparse.Namespace) -> None:
    """Run a command with a stack's environment; its exit status is this command's."""
    from aurora_lambda_local.cli.stack_environment import run_command, stack_environment

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("run takes a command; for example: aurora-lambda run -- python script.py")
    run_command(command, stack_environment(options.stack))


def console(options: argparse.Namespace) -> None:
    """Open the console in a browser, or print its address."""
    import webbrowser

    from aurora_lambda_local.platform.paths import LocalPaths
    from aurora_lambda_local.supervisor.client import SupervisorClient

    paths = LocalPaths.for_checkout()
    address = SupervisorClient(paths).console_address()
    # A file that leads there: what a browser is started with, other users of this machine see.
    paths.console_link.touch(0o600)
    paths.console_link.write_text(f'<!doctype html><meta http-equiv="refresh" content="0; url={address}">')
    if options.prints or not webbrowser.open(paths.console_link.as_uri()):
        print(address)


def put_item(options: argparse.Namespace) -> None:
    """Put an item into a table of the stack that runs here."""
    from aurora_lambda_local.cli.put_item import put_item as put

    text = sys.stdin.read() if options.item == "-" else options.item
    print(f"put into {put(options.table, text)}")
