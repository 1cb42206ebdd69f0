"""How PostgreSQL, and Aurora DSQL with it, write names and strings in a statement."""


def quoted(identifier: str) -> str:
    """Return an identifier as SQL, whatever it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a string as SQL, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"
