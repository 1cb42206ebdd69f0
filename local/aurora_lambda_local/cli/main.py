"""`aurora-lambda`: the command line."""

import argparse
import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version

from aurora_lambda_local.cli import INTERRUPTED
from aurora_lambda_local.cli.parsing import CommandParser, parse
from aurora_lambda_local.cli.reporting import AWS_HERE, print_error
from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_local.platform.shell import restart_without_python_settings, use_local_environment
from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.migrations.request import COMMANDS

SHELLS = ("bash", "zsh", "fish")
WEB = ("none", "fastapi", "flask")
CONFIG_ACTIONS = ("get", "set", "rm")
_SubParsers = argparse._SubParsersAction


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done. 1: the function or migration failed. 2: wrong use or wrong configuration.
    """
    if arguments is None:
        restart_without_python_settings()
    # A shell may have closed it: `aurora-lambda up >&-`.
    sys.stdout = sys.stdout or io.StringIO()
    code = _run(_parse(sys.argv[1:] if arguments is None else arguments))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader is gone; without this, Python would report the output that is left in the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _run(options: argparse.Namespace) -> int:
    if not options.may_be_on_aws:
        use_local_environment()
        if stack := getattr(options, "stack", None):
            # Pulumi takes ORGANIZATION/PROJECT/STACK too; what is kept here is of this project.
            options.stack = stack.rpartition("/")[2]
    module, _, function = options.run.partition(".")
    try:
        getattr(import_module(f"aurora_lambda_local.cli.{module}"), function)(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        stack = getattr(options, "stack", None) or "local"
        print_error(error, stack, getattr(options, "config", []), "aws" if options.may_be_on_aws else AWS_HERE)
        return code
    return 0


def _exit_code(error: Exception) -> int | None:
    """Return the exit code of an error with a message for people; None for a fault of this program."""
    from pulumi import RunError

    from aurora_lambda.project import ProjectError
    from aurora_lambda_local.deployed.stack import StackRequestError

    if isinstance(error, UsageError | RunError | ProjectError):
        return 2
    # A file that this machine does not let be read or written is nobody's bug either; the message names it.
    expected = isinstance(error, StackRequestError | LocalError) or (isinstance(error, OSError) and error.filename)
    return 1 if expected else None


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser, parsers = command_parsers()
    return parse(parser, parsers, {"migrate": COMMANDS, "config": CONFIG_ACTIONS}, arguments)


def command_parsers() -> tuple[CommandParser, Mapping[str, CommandParser]]:
    """Return the parser of all commands, and that of each."""
    parser = CommandParser(
        prog="aurora-lambda",
        description="Run the stack on this machine, and work with it here or on AWS by the same commands.",
        epilog="Exit codes: 0 done, 1 the function or migration failed, 2 wrong use or wrong configuration.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('aurora-lambda-local')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_service_commands(subparsers)
    _add_local_commands(subparsers)
    _add_writing_commands(subparsers)
    _add_config_commands(subparsers)
    _add_stack_commands(subparsers)
    _add_tool_commands(subparsers)
    purpose = "print the completion script of a shell"
    completion = _add_command(subparsers, "completion", "commands.completion", purpose)
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")
    completion.set_defaults(all_commands=parser)
    return parser, subparsers.choices


def _add_service_commands(subparsers: _SubParsers) -> None:
    new = _add_command(subparsers, "new", "new_service.new", "write a service of your own, which runs as it is")
    new.add_argument("name", metavar="NAME", help="the folder to make, and the service's name, such as link-shortener")
    new.add_argument("--engine", choices=list(ENGINES), default="mysql", help="its database (default mysql)")
    new.add_argument("--web", choices=WEB, default="none", help="what answers its URL (default none: routes)")

    purpose = "take a newer aurora-lambda into a service, and say what it brings and what up would do"
    upgrade = _add_command(subparsers, "upgrade", "upgrade.upgrade", purpose)
    upgrade.add_argument(
        "version",
        metavar="VERSION",
        nargs="?",
        help="a number (default the newest), a revision of git, or the folder of newer wheels: as the service has it",
    )


def _add_local_commands(subparsers: _SubParsers) -> None:
    stack = "stack to deploy (default local)"
    up = _add_command(subparsers, "up", "commands.up", "deploy a stack's program on this machine", stack)
    up.add_argument("--debug", metavar="NAME", help="let a function wait for an editor's debugger")
    up.add_argument("-q", "--quiet", action="store_true", help="print only what changes")
    purpose = "say what up would do, the SQL of pending revisions included, and change nothing"
    preview = _add_command(subparsers, "preview", "commands.preview", purpose, stack)
    purpose = "deploy on this machine whenever a source is saved, and follow the logs"
    dev = _add_command(subparsers, "dev", "dev.dev", purpose, stack)
    for command in (up, dev):
        command.add_argument("-y", "--yes", action="store_true", help="delete what holds data without asking")
    for command in (up, preview, dev):
        command.add_argument(
            "-c", "--config", metavar="KEY=VALUE", action="append", default=[], help="configure for this time"
        )
        command.add_argument(
            "--containers", action="store_true", help="run the functions in containers of the real images"
        )
        command.add_argument("--verbose", action="store_true", help="name also the resources that are only recorded")

    down = _add_command(subparsers, "down", "commands.down", "stop everything here and delete its data")
    down.add_argument("--keep-data", action="store_true", help="keep the databases for the next up")
    down.add_argument("-y", "--yes", action="store_true", help="delete the data without asking")

    status = _add_command(subparsers, "status", "commands.status", "say what runs here and where it answers")
    status.add_argument("key", metavar="KEY", nargs="?", help="print one value or output alone, such as functionUrl")
    status.add_argument("--json", action="store_true", help="for programs")

    console = _add_command(subparsers, "console", "commands.console", "open the console of the stack in a browser")
    console.add_argument("--print", action="store_true", dest="prints", help="print its address, for any browser here")

    purpose = "run a statement on the database that runs here, or print the command that opens its shell"
    sql = _add_command(subparsers, "sql", "commands.sql", purpose)
    sql.add_argument("query", metavar="QUERY", nargs="?", help="one statement, or - to read it; pipes get whole cells")


def _add_writing_commands(subparsers: _SubParsers) -> None:
    purpose = "write a revision from what changed in the tables' code"
    new = _add_command(subparsers, "new-migration", "migration_commands.new_migration", purpose)
    new.add_argument("message", metavar="MESSAGE", nargs="?", default="", help="what it does, if it is one change")
    new.add_argument("--yes", action="store_true", help="drop columns and tables without asking")
    purpose = "move your own revisions behind those of another branch that have the same numbers (without names it"
    new.add_argument(
        "--renumber", metavar="FILE", nargs="*", help=f"{purpose} asks about those the database here lacks)"
    )

    purpose = "take over an Alembic history: number its revisions, which keep their code"
    history = _add_command(subparsers, "adopt", "migration_commands.adopt_history", purpose)
    history.add_argument(
        "path", metavar="PATH", help="the folder of its revisions, or Alembic's own with versions in it"
    )

    purpose = "write a function for the stream of a DynamoDB table, its test and its entry in a stack's file"
    stream = _add_command(
        subparsers, "new-stream", "new_stream.new_stream", purpose, "stack to feed it (default local)"
    )
    stream.add_argument("name", metavar="NAME", help="the function's name, such as send-receipts")
    stream.add_argument("table", metavar="TABLE", help="the table's name, as the stack has it")


def _add_config_commands(subparsers: _SubParsers) -> None:
    stack = "stack whose file it is (default local)"
    purpose = "print or change what a stack's file configures"
    config = _add_command(subparsers, "config", "configuration.show", purpose, stack)
    config.set_defaults(key=None)
    actions = config.add_subparsers(title="actions", metavar="ACTION")
    get = _add_command(actions, "get", "configuration.show", "print a key's value")
    set_ = _add_command(actions, "set", "configuration.set_key", "give a key a value")
    rm = _add_command(actions, "rm", "configuration.remove_key", "remove a key, which gives it its default")
    for action in (get, set_, rm):
        action.add_argument("key", metavar="KEY", help="such as engine, or with --path 'subnetIds[0]'")
        action.add_argument("--path", action="store_true", help="KEY leads into a list or an object")
        # The stack may be named before the action or after it.
        action.add_argument("-s", "--stack", metavar="STACK", default=argparse.SUPPRESS, help=stack)
    set_.add_argument("value", metavar="VALUE")


def _add_stack_commands(subparsers: _SubParsers) -> None:
    where = "stack on AWS, or the one running here (default)"
    for command in (*_function_commands(subparsers, where), *_migration_commands(subparsers, where)):
        command.set_defaults(may_be_on_aws=True)


def _function_commands(subparsers: _SubParsers, where: str) -> Iterable[CommandParser]:
    invoke = _add_command(subparsers, "invoke", "function_commands.invoke", "invoke a function", where)
    invoke.add_argument("name", metavar="NAME", help="handler, migration-runner, or what the program adds")
    invoke.add_argument(
        "payload", metavar="PAYLOAD", nargs="?", default="{}", help="JSON, or - to read it (default {})"
    )

    purpose = "run it in this terminal, with no deadline, from the sources as they are: breakpoint() stops it"
    invoke.add_argument("--debug", action="store_true", help=purpose)

    logs = _add_command(subparsers, "logs", "function_commands.logs", "print the logs of functions", where)
    logs.add_argument("names", metavar="NAME", nargs="*", help="such as handler; none means all functions")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what they log from now on")
    logs.add_argument("--since", metavar="TIME", help="10m, 2h, 1d or a time in UTC (default all; on AWS 1h)")
    logs.add_argument("--json", action="store_true", help="the lines as they were logged, for programs")

    purpose = "go back to the code that ran before, by the versions that deployments have published"
    rollback = _add_command(subparsers, "rollback", "function_versions.rollback", purpose, where)

    purpose = "delete the published versions of functions that nothing leads to"
    prune = _add_command(subparsers, "prune-versions", "function_versions.prune", purpose, where)
    prune.add_argument(
        "--keep", metavar="N", type=int, default=1, help="newest ones to keep for a rollback (default 1)"
    )

    purpose = "give the records that a stream's mapping has given up to its function again"
    replay = _add_command(subparsers, "replay", "function_commands.replay", purpose, where)
    replay.add_argument("mapping", metavar="MAPPING", help="name of the mapping, as in the output streamMappings")
    replay.add_argument(
        "--since", metavar="TIME", help="only what failed at this time or later, such as 2026-11-21T15:00"
    )
    replay.add_argument("--dry-run", action="store_true", help="only list the failures")
    return invoke, logs, rollback, prune, replay


def _add_tool_commands(subparsers: _SubParsers) -> None:
    where = "stack on AWS, of which its outputs are known, or the one running here (default)"
    purpose = "print a stack's outputs, and where its database and AWS services answer here, as a shell's variables"
    env = _add_command(subparsers, "env", "stack_environment.env", purpose, where)
    env.set_defaults(may_be_on_aws=True)

    purpose = "run one of your own tools with these variables: aurora-lambda run -- python script.py"
    run = _add_command(subparsers, "run", "stack_environment.run", purpose, where)
    run.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER, help="the tool and its arguments")
    run.set_defaults(may_be_on_aws=True)

    purpose = "put an item into a DynamoDB table that runs here"
    item = _add_command(subparsers, "put-item", "put_item.put_item", purpose)
    item.add_argument("table", metavar="TABLE", help="the table's name, as the stack has it or whole")
    item.add_argument("item", metavar="JSON", help="the item, plain or with DynamoDB's types, or - to read it")


def _migration_commands(subparsers: _SubParsers, where: str) -> Iterable[CommandParser]:
    migrate = _add_command(subparsers, "migrate", "migration_commands.migrate", "run the migration runner", where)
    migrate.add_argument(
        "migration_command",
        metavar="COMMAND",
        nargs="?",
        default="deploy",
        choices=list(COMMANDS),
        help=f"one of {', '.join(COMMANDS)} (default deploy)",
    )
    migrate.add_argument("revision", metavar="REVISION", nargs="?", help="for stamp and downgrade")
    migrate.add_argument("--revision", dest="revision_option", metavar="R", help=argparse.SUPPRESS)
    migrate.add_argument("--json", action="store_true", help="the runner's own answer")

    history = _add_command(subparsers, "history", "migration_commands.migrate", "list the revisions", where)
    history.set_defaults(migration_command="history", revision=None, revision_option=None, json=False)
    return migrate, history


def _add_command(subparsers: _SubParsers, name: str, run: str, help_: str, stack: str = "") -> CommandParser:
    """Add a command; `run` is its function in this folder, by name, so that none imports what only others need."""
    command: CommandParser = subparsers.add_parser(name, help=help_, description=help_)
    command.set_defaults(run=run, parser=command, may_be_on_aws=False)
    if stack:
        command.add_argument("-s", "--stack", metavar="STACK", help=stack)
    return command


if __name__ == "__main__":
    sys.exit(main())
