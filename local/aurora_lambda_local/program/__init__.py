"""The short-lived side: run the stack's program and ask the supervisor for each resource."""
