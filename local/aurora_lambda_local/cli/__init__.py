"""The command `aurora-lambda`."""

INTERRUPTED = 130


def run() -> int:
    """Run the command; Ctrl-C during its first imports ends it as quietly as later."""
    try:
        from aurora_lambda_local.cli.main import main

        return main()
    except KeyboardInterrupt:
        return INTERRUPTED
