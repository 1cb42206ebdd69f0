"""The commands for published versions: `rollback` and `prune-versions`."""

import argparse

from aurora_lambda_local.platform.errors import UsageError


def rollback(options: argparse.Namespace) -> None:
    """Lead the functions back to the code before, and print what was done and what the next deployment does."""
    from aurora_lambda_local.cli.function_versions import roll_back
    from aurora_lambda_local.deployed.stack import select_stack

    stack = select_stack(options.stack)
    for line in roll_back(stack):
        print(line)
    deploy = "aurora-lambda up" if stack.endpoint else "pulumi up"
    print(
        f"A function stays there until {deploy} changes it. Mend the code, or take the commit back, before you type it."
    )


def prune_versions(options: argparse.Namespace) -> None:
    """Delete published versions that nothing leads to, and print each."""
    from aurora_lambda_local.cli.function_versions import prune_versions as prune
    from aurora_lambda_local.deployed.stack import select_stack

    if options.keep < 0:
        raise UsageError(f"--keep takes a number of versions, not {options.keep}")
    stack = select_stack(options.stack)
    if stack.endpoint:
        raise UsageError(
            "versions cost nothing on this machine, and go by themselves; name a stack on AWS with --stack"
        )
    for arn in prune(stack, options.keep):
        print(f"deleted {arn}")
