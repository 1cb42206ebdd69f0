"""Database servers on this machine."""
