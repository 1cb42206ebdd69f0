"""Database servers that run on this machine."""
