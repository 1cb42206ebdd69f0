"""Parse the command line; a mistake is answered with the command's own usage and what to type."""

import argparse
import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import NoReturn

# What people of Pulumi, Docker Compose, Alembic, SST and Jets type most, and what it is called here.
OTHER_WORDS = {
    "config unset": "config rm KEY",
    "db:generate": "new-migration",
    "db:migrate": "migrate",
    "deploy": "up",
    "destroy": "down",
    "help": "--help",
    "init": "new NAME",
    "logs --tail": "logs --since 10m",
    "migrate upgrade": "migrate",
    "plan": "preview",
    "ps": "status",
    "shell": "run -- COMMAND",
    "stack": "status",
    "stop": "down --keep-data",
}


class CommandParser(argparse.ArgumentParser):
    """A parser of one command, or of all of them."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the mistake, and exit with 2."""
        self.exit(2, f"{self.format_usage()}error: {message}\n")


def parse(
    parser: CommandParser,
    commands: Mapping[str, CommandParser],
    actions: Mapping[str, Collection[str]],
    arguments: Sequence[str],
) -> argparse.Namespace:
    """Return the parsed command line, or exit with 2 on a mistake.

    Args:
        parser: The parser of all commands.
        commands: The parser of each.
        actions: The words that may follow some of the commands.
        arguments: What was typed.
    """
    if not arguments:
        parser.exit(2, parser.format_help())
    word, *rest = [*arguments, "-"]
    if not word.startswith("-") and word not in commands:
        parser.error(_unknown_word(word, word, commands))
    if word in actions and not rest[0].startswith("-") and rest[0] not in actions[word]:
        commands[word].error(_unknown_word(f"{word} {rest[0]}", rest[0], actions[word]))
    options, left = parser.parse_known_args(arguments)
    command: CommandParser = getattr(options, "parser", parser)
    if left and not word.startswith("-"):
        # Options may stand before the words; argparse takes them in any order only when asked to.
        options, left = command.parse_known_intermixed_args(arguments[len(command.prog.split()) - 1 :])
    if left:
        command.error(_unknown_argument(command, left[0]))
    return options


def _unknown_word(typed: str, word: str, known: Collection[str]) -> str:
    if typed in OTHER_WORDS:
        return f"{typed} has another name here; type: aurora-lambda {OTHER_WORDS[typed]}"
    before = typed.removesuffix(word)
    near = get_close_matches(word, known, n=1, cutoff=0.7)
    remedy = f"type: aurora-lambda {before}{near[0]}" if near else f"see aurora-lambda {before}--help"
    return f"there is no command {typed}; {remedy}"


def _unknown_argument(command: CommandParser, argument: str) -> str:
    mistake = f"{command.prog} takes no {argument}"
    name, _, value = argument.partition("=")
    usage = command.format_usage()
    if argument.startswith("-"):
        if name in re.findall(r"-[\w-]+", usage):
            return f"{argument} comes after the command; type: {command.prog} {argument}"
        typed = f"{command.prog} {name}".removeprefix("aurora-lambda ")
        if typed in OTHER_WORDS:
            return f"{mistake}; type: aurora-lambda {OTHER_WORDS[typed]}"
        near = get_close_matches(name, re.findall(r"--[a-z-]+", usage), n=1)
        return f"{mistake}; " + (f"did you mean {near[0]}?" if near else "leave it out")
    if value and "KEY=VALUE" in usage:
        return f"{mistake}; type: {command.prog} -c {argument}"
    remedy = "name a stack with -s STACK" if "KEY=VALUE" in usage else "quote what belongs together"
    return f"{mistake}; leave it out, or {remedy}"
