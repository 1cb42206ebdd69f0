"""Parse the command line; a mistake is answered with the command's own usage and what to type."""

import argparse
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

# What people of Pulumi, Docker Compose, Alembic and Jets type, and what it is called here.
OTHER_WORDS = {
    "build": "up --containers",
    "db:generate": "new-migration",
    "db:migrate": "migrate",
    "deploy": "up",
    "destroy": "down",
    "downgrade": "migrate downgrade REVISION",
    "exec": "invoke NAME",
    "generate": "new-migration",
    "output": "status",
    "outputs": "status",
    "plan": "preview",
    "ps": "status",
    "psql": "sql",
    "refresh": "up",
    "restart": "up",
    "revision": "new-migration",
    "run": "invoke NAME",
    "stack": "status",
    "start": "up",
    "stop": "down --keep-data",
    "upgrade": "migrate",
    "watch": "dev",
}


class CommandParser(argparse.ArgumentParser):
    """A parser of one command, or of all of them."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the mistake, and exit with 2."""
        self.exit(2, f"{self.format_usage()}error: {message}\n")


def parse(parser: CommandParser, commands: Sequence[str], arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; each command's parser is its default `parser`. Exit with 2 on a mistake."""
    if arguments and not arguments[0].startswith("-") and arguments[0] not in commands:
        parser.error(_unknown_command(arguments[0], commands))
    options, left = parser.parse_known_args(arguments)
    command: CommandParser = getattr(options, "parser", parser)
    if left and not arguments[0].startswith("-"):
        # Options may stand before the words; argparse takes them in any order only when asked to.
        options, left = command.parse_known_intermixed_args(arguments[len(command.prog.split()) - 1 :])
    if left:
        command.error(_unknown_argument(command, left[0]))
    return options


def _unknown_command(word: str, commands: Sequence[str]) -> str:
    if word in OTHER_WORDS:
        return f"{word} has another name here; type: aurora-lambda {OTHER_WORDS[word]}"
    near = get_close_matches(word, commands, n=1)
    return f"there is no command {word}; " + (f"type: aurora-lambda {near[0]}" if near else "see aurora-lambda --help")


def _unknown_argument(command: CommandParser, argument: str) -> str:
    if not argument.startswith("-"):
        return f"{command.prog} takes no {argument}; leave it out, or quote what belongs together"
    near = get_close_matches(argument, re.findall(r"--[a-z-]+", command.format_usage()), n=1)
    return f"{command.prog} takes no {argument}; " + (f"did you mean {near[0]}?" if near else "leave it out")
