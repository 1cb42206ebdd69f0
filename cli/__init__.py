"""The command `aurora-lambda`."""
