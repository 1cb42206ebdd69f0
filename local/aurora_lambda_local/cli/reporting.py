"""Tell a person how a command goes on and how it failed."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from aurora_lambda_local.cli.formatting import advice_here
from aurora_lambda_local.cli.terminal import print_line
from aurora_lambda_local.program.progress import Progress

# AWS's command line, as it reaches the stack that is up here.
AWS_HERE = "aurora-lambda run -- aws"


def started_progress(*, fold: bool, planned: bool = False) -> AbstractContextManager[Progress]:
    """Return the progress of an `up`, as lines, or on a terminal with what is in work below them."""
    if not sys.stdout.isatty():
        return nullcontext(Progress(fold=fold, planned=planned))
    from aurora_lambda_local.cli.live_progress import LiveProgress

    return LiveProgress(fold=fold, planned=planned)


def print_error(error: Exception, stack: str, assignments: Sequence[str], aws: str = AWS_HERE) -> None:
    """Print an error's message with what to type here; the arguments are those of `advice_here`."""
    message = advice_here(str(error), stack, assignments, aws)
    print_line(("error:", "bold red"), f" {message}", stream=sys.stderr)
