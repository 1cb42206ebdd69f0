"""The stack's own Pulumi program, realised on this machine."""
