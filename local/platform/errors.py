"""What can go wrong on this machine; every message says what to type."""


class LocalError(Exception):
    """Something asked of this machine cannot be done; the message holds the remedy."""


class UsageError(LocalError):
    """What was typed, or the configuration, is wrong."""


class ServerUnavailable(LocalError):  # noqa: N818 - the name a person reads: what is missing, not that it failed
    """A database server is not installed, does not start, or does not answer."""
