"""Histories of revisions made for a test."""

from pathlib import Path

TEMPLATE = '''"""{message}"""

from alembic import op

revision = "{revision}"
down_revision = {before!r}


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''


def history(directory: Path, *upgrades: str) -> Path:
    """Write revisions, each of which runs one of `upgrades`: SQL, or a Python statement that starts with `>`."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, upgrade in enumerate(upgrades, start=1):
        statement = upgrade[1:] if upgrade.startswith(">") else f"op.execute({upgrade!r})"
        text = TEMPLATE.format(
            message=f"step {number}",
            revision=f"{number:04d}",
            before=f"{number - 1:04d}" if number > 1 else None,
            upgrade=statement,
            downgrade=f"op.execute('DROP TABLE t{number}')",
        )
        (directory / f"{number:04d}_step_{number}.py").write_text(text)
    return directory


def tables(count: int) -> list[str]:
    """Statements that make the tables t1, t2, ..."""
    return [f"CREATE TABLE t{number} (id integer PRIMARY KEY)" for number in range(1, count + 1)]
