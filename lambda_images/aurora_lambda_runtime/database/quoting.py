"""Names and strings in a statement of PostgreSQL, and of Aurora DSQL with it."""


def quoted(identifier: str) -> str:
    """Return an identifier as SQL, whatever it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a string as SQL, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"
