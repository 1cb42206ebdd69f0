"""Names and strings in a statement of PostgreSQL, and of Aurora DSQL with it; colons in what SQLAlchemy is given."""

import re


def quoted(identifier: str) -> str:
    """Return an identifier as SQL, whatever it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a string as SQL, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"


def without_parameters(sql: str) -> str:
    """Return SQL for SQLAlchemy's `text`, in which a colon before a word begins no parameter."""
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", sql)
