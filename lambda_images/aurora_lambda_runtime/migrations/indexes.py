"""Drops an index that MySQL may use for a foreign key: what revisions of earlier releases call."""

from collections.abc import Sequence

from alembic import op


def drop_foreign_key_index(name: str, table: str, foreign_key: str, _columns: Sequence[str]) -> None:
    """Drop an index that begins with a foreign key's columns; one of the key's name may be there on MySQL alone."""
    op.drop_index(name, table_name=table, if_exists=name == foreign_key or None)
