"""The commands on functions, here or on AWS: `invoke`, `logs` and `replay`."""

import argparse
import re
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

from aurora_lambda_local.cli.terminal import print_line, tracked
from aurora_lambda_local.deployed.log_lines import NAME_WIDTH, format_event
from aurora_lambda_local.deployed.logs import read_logs
from aurora_lambda_local.deployed.replay import replay as replay_failures
from aurora_lambda_local.deployed.stack import parse_payload, pretty_json, program_name, select_stack
from aurora_lambda_local.platform.errors import UsageError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def invoke(options: argparse.Namespace) -> None:
    """Invoke a function and print its answer."""
    if options.debug and options.payload == "-":
        raise UsageError('--debug needs this terminal for itself; type: --debug "$(cat event.json)"')
    payload = parse_payload(sys.stdin.read() if options.payload == "-" else options.payload)
    if options.debug:
        from aurora_lambda_local.cli.debugging import invoke_here

        sys.exit(invoke_here(select_stack(options.stack), options.name, payload))
    print(pretty_json(select_stack(options.stack).invoke(options.name, payload)))


def logs(options: argparse.Namespace) -> None:
    """Print functions' logs."""
    since = parse_since(options.since) if options.since else None
    stack = select_stack(options.stack)
    names = [program_name(arn) for arn in stack.functions().values()]
    name_width = 0 if len(options.names) == 1 else max([NAME_WIDTH, *map(len, names)])
    for event in read_logs(stack, options.names, since, follow=options.follow):
        if options.json:
            print(event.text, flush=True)
        elif parts := format_event(event, name_width=name_width):
            print_line(*parts)


def replay(options: argparse.Namespace) -> None:
    """Give a mapping's failed records to its function again."""
    since = parse_since(options.since) if options.since else None
    track = partial(tracked, text="replaying")
    for line in replay_failures(options.stack, options.mapping, since, dry_run=options.dry_run, track=track):
        print(line, flush=True)


def parse_since(text: str) -> datetime:
    """Return the time that `--since` names: so long ago, or an ISO 8601 time, in UTC where it names no zone.

    >>> parse_since("2026-11-21T15:00").isoformat()
    '2026-11-21T15:00:00+00:00'

    Raises:
        UsageError: it is neither.
    """
    try:
        if ago := re.fullmatch(r"(\d+)([smhd])", text, re.ASCII):
            return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"--since takes 10m, 2h, 1d or a time such as 2026-11-21T15:00, not {text!r}") from None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
