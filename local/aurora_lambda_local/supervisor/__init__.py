"""The long-lived process that owns everything that `up` starts, and the client for it."""
