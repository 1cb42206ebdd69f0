"""The error of a stack's configuration, which Pulumi prints without a traceback."""

import pulumi


class SettingsError(pulumi.RunError):
    """The configuration is wrong; the message lists every mistake and what to type instead."""

    def __init__(self, stack: str, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__("\n  ".join([f"stack {stack!r} has {count} in its configuration:", *mistakes]))
