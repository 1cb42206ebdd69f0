"""`aurora-lambda`: the commands that people type."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lambda_images.migrations.request import COMMANDS, TAKE_REVISION
from local.platform.errors import LocalError, UsageError

RUNNER = "migration-runner"
NOTHING_TO_PRINT = {"sql": "-- nothing is pending", "current": "no revision", "history": "no revisions"}
PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 the function or migration failed, 2 wrong use or wrong configuration."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has stopped; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        print(f"error: {error}", file=sys.stderr)
        return code
    return 0


def _exit_code(error: Exception) -> int | None:
    """The exit code of a failure that has been put into words; None for a fault of this program."""
    from cli.stack import FailedError
    from stacks.settings import SettingsError

    if isinstance(error, UsageError | SettingsError):
        return 2
    return 1 if isinstance(error, FailedError | LocalError) else None


def _up(options: argparse.Namespace) -> None:
    from local.program.deploy import up

    outputs = up(
        "local" if options.stack is None else options.stack, _overrides(options.config), containers=options.containers
    ).outputs
    print("\nOutputs:")
    for key, value in sorted(outputs.items()):
        print(f"    {key}: {json.dumps(value)}")
    print("\nTry:")
    for command in _suggestions(outputs):
        print(f"    {command}")


def _suggestions(outputs: Mapping[str, Any]) -> list[str]:
    found = shutil.which("aurora-lambda")
    typed = "aurora-lambda" if found and Path(found).samefile(sys.argv[0]) else os.path.relpath(sys.argv[0])
    return [f"{typed} invoke handler", f"{typed} migrate status", f"curl {outputs['functionUrl']}info"]


def _overrides(assignments: Sequence[str]) -> dict[str, str]:
    pairs = [assignment.partition("=") for assignment in assignments]
    if wrong := [key for key, equals, _ in pairs if not key or not equals]:
        raise UsageError(f"-c takes key=value, not {wrong[0]!r}; for example: -c engine=mysql")
    return {key: value for key, _, value in pairs}


def _down(options: argparse.Namespace) -> None:
    from local.commands import down

    down(keep_data=options.keep_data)
    print("Stopped; the databases are kept." if options.keep_data else "Stopped; the data is deleted.")


def _status(options: argparse.Namespace) -> None:
    from local.commands import status

    report = status()
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for key, value in report.items():
        for line_key, line in _lines(key, value):
            print(f"{line_key:16} {line}")


def _lines(key: str, value: Any) -> list[tuple[str, Any]]:
    """A report's value as lines, the key beside the first one."""
    if not isinstance(value, dict):
        return [(key, "-" if value in (None, "") else value)]
    return [
        (key if number == 0 else "", f"{name}: {_words(item)}") for number, (name, item) in enumerate(value.items())
    ]


def _words(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return "{name}, {memorySize} MB, {timeout} s, {environments} environments".format(**value)


def _invoke(options: argparse.Namespace) -> None:
    from cli.stack import find_stack

    payload = _payload(options.payload)
    answer = find_stack(options.stack).invoke(options.name, payload)
    print(_pretty(answer))


def _payload(text: str) -> bytes:
    """The payload, checked here so that nothing is invoked with a wrong one."""
    if text == "-":
        text = sys.stdin.read()
    try:
        json.loads(text)
        payload = text.encode()
    except (ValueError, RecursionError) as error:
        raise UsageError(f'the payload is not JSON ({error}); for example: \'{{"command": "get"}}\'') from None
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise UsageError(f"the payload has {len(payload)} bytes; Lambda takes {PAYLOAD_LIMIT_BYTES} at most")
    return payload


def _pretty(answer: str) -> str:
    with suppress(ValueError):
        return json.dumps(json.loads(answer), indent=2, ensure_ascii=False)
    return answer


def _migrate(options: argparse.Namespace) -> None:
    from cli.stack import find_stack

    command = options.migration_command
    if (command in TAKE_REVISION) != bool(options.revision):
        raise UsageError(f"{' and '.join(TAKE_REVISION)} take a revision, and nothing else does: --revision 0003")
    event = {"command": command, **({"revision": options.revision} if options.revision else {})}
    answer = find_stack(options.stack).invoke(RUNNER, json.dumps(event).encode())
    print(_pretty(answer) if options.json else _summary(json.loads(answer)))


def _summary(result: dict[str, Any]) -> str:
    """What a command that prints something printed; of one that does something, what it did."""
    if result["output"] or result["command"] in NOTHING_TO_PRINT:
        return str(result["output"]).rstrip("\n") or NOTHING_TO_PRINT[result["command"]]
    lines = []
    if result["applied"]:
        lines.append("undone:" if result["command"] == "downgrade" else "applied:")
        lines += ["  {revision}  {message}  ({duration_ms} ms)".format(**step) for step in result["applied"]]
    if result["pending"]:
        lines.append("pending:")
        lines += ["  {revision}  {message}".format(**step) for step in result["pending"]]
    before, after = (result[key] or "empty" for key in ("before", "after"))
    position = after if before == after else f"{before} -> {after}"
    summary = f"{result['command']}: {result['status']}, {result['engine']} at {position} ({result['duration_ms']} ms)"
    return "\n".join([*lines, summary])


def _logs(options: argparse.Namespace) -> None:
    from cli.stack import find_stack

    for text in find_stack(options.stack).log(options.name, follow=options.follow):
        print(text, end="", flush=True)


def _new_migration(options: argparse.Namespace) -> None:
    from lambda_images.database.contract import DATABASE_URL
    from lambda_images.migrations.errors import MigrationError
    from lambda_images.migrations.generate import create_revision
    from local.commands import status

    report = status()
    if not report["running"]:
        raise UsageError("a migration is written against the database running here; start it with: aurora-lambda up")
    try:
        paths = create_revision({DATABASE_URL: report["databaseUrl"]}, options.message)
    except MigrationError as error:
        raise LocalError(str(error)) from None
    for path in paths:
        print(path)
    print("Read it, then apply it here with: aurora-lambda up")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aurora-lambda",
        description="Run the stack on this machine, and work with it here or on AWS by the same words.",
        epilog="Exit codes: 0 done, 1 the function or migration failed, 2 wrong use or wrong configuration.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _commands_of_this_machine(commands)
    _commands_of_a_stack(commands)
    return parser


def _commands_of_this_machine(commands: Any) -> None:
    up = _command(
        commands, "up", _up, "deploy a stack's program on this machine", stack="stack to deploy (default local)"
    )
    up.add_argument("-c", "--config", metavar="KEY=VALUE", action="append", default=[], help="configure for this time")
    up.add_argument("--containers", action="store_true", help="run the functions in containers of the real images")

    down = _command(commands, "down", _down, "stop everything here and delete its data")
    down.add_argument("--keep-data", action="store_true", help="keep the databases for the next up")

    status = _command(commands, "status", _status, "say what runs here and where it answers")
    status.add_argument("--json", action="store_true", help="for programs")

    new = _command(commands, "new-migration", _new_migration, "write a revision from what changed in the tables' code")
    new.add_argument("message", metavar="MESSAGE", help="what the revision does")


def _commands_of_a_stack(commands: Any) -> None:
    where = "stack on AWS, or the one running here (default)"
    invoke = _command(commands, "invoke", _invoke, "invoke a function", stack=where)
    invoke.add_argument("name", metavar="NAME", help="handler or migration-runner")
    invoke.add_argument(
        "payload", metavar="PAYLOAD", nargs="?", default="{}", help="JSON, or - to read it (default {})"
    )

    migrate = _command(commands, "migrate", _migrate, "run the migration runner", stack=where)
    migrate.add_argument(
        "migration_command",
        metavar="COMMAND",
        nargs="?",
        default="deploy",
        choices=COMMANDS,
        help=f"one of {', '.join(COMMANDS)} (default deploy)",
    )
    migrate.add_argument("--revision", metavar="R", help="for stamp and downgrade")
    migrate.add_argument("--json", action="store_true", help="the runner's own answer")

    history = _command(commands, "history", _migrate, "list the revisions", stack=where)
    history.set_defaults(migration_command="history", revision=None, json=False)

    logs = _command(commands, "logs", _logs, "print a function's log", stack=where)
    logs.add_argument("name", metavar="NAME", help="handler or migration-runner")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what it logs from now on")


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], help_: str, stack: str = ""
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_, description=help_)
    parser.set_defaults(run=run)
    if stack:
        parser.add_argument("-s", "--stack", metavar="STACK", help=stack)
    return parser


if __name__ == "__main__":
    sys.exit(main())
