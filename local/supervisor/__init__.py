"""The long-lived process that owns what `up` starts, and the client that asks it."""
