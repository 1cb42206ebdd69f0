"""Errors of the local stack. Every message says what to type to mend it."""


class LocalError(Exception):
    """Something asked of this machine cannot be done; the message holds the remedy."""


class UsageError(LocalError):
    """What was typed, or the configuration, is wrong."""


class ServerUnavailableError(LocalError):
    """A database server is not installed, does not start, or does not answer."""
