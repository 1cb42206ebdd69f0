"""The actions of `aurora-lambda config`."""

import argparse
from typing import TYPE_CHECKING

from aurora_lambda_local.cli.terminal import print_line

if TYPE_CHECKING:
    from aurora_lambda_local.cli.configuration import StackConfiguration


def show(options: argparse.Namespace) -> None:
    """Print the configuration in a stack's file, or one value of it."""
    configuration = _configuration(options)
    if options.key:
        print(configuration.get(options.key, path=options.path))
        return
    for line in configuration.lines():
        print_line(line)


def set_key(options: argparse.Namespace) -> None:
    """Set a key in a stack's file."""
    configuration = _configuration(options)
    configuration.set(options.key, options.value, path=options.path)
    _print_change(configuration)


def remove_key(options: argparse.Namespace) -> None:
    """Remove a key from a stack's file."""
    configuration = _configuration(options)
    configuration.remove(options.key, path=options.path)
    _print_change(configuration)


def _print_change(configuration: "StackConfiguration") -> None:
    up = "aurora-lambda up" if configuration.stack == "local" else f"aurora-lambda up -s {configuration.stack}"
    print(f"{configuration.file} is changed; apply it here with: {up}")


def _configuration(options: argparse.Namespace) -> "StackConfiguration":
    from aurora_lambda_local.cli.configuration import StackConfiguration

    return StackConfiguration(options.stack or "local")
