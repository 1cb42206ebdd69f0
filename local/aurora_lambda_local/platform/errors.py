"""Errors of the local stack. Every message says what to type to fix it."""

import traceback
from contextlib import suppress


class LocalError(Exception):
    """Something asked of this machine cannot be done; the message holds the remedy."""


class UsageError(LocalError):
    """What was typed, or the configuration, is wrong."""


class ServerUnavailableError(LocalError):
    """A database server is not installed, does not start, or does not answer."""


def print_error(error: Exception) -> None:
    """Print an error's traceback, or nothing where the disk is full."""
    with suppress(OSError):
        traceback.print_exception(error)
