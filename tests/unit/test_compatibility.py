"""Revisions that break the code now running, named before they are applied."""

from pathlib import Path
from tempfile import mkdtemp

import pytest
from sqlalchemy import Column, MetaData, String, Table

from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.migrations.history.compatibility import breaking_changes, named_tables

REVISION = '''"""{revision}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = None


def upgrade() -> None:
    {upgrade}
'''
RUNNING = {"users": {"id": False, "name": False, "nick": True}}
FIRST = "First deploy code that does without, then this revision"
NOT_NULL = (
    "makes users.nick NOT NULL, and the code that runs now may leave it empty. First deploy code that always gives it a"
    " value, then this revision"
)


def broken(folder: Path, *upgrades: str, version: str | None = None, engine: str = "postgres") -> list[tuple[str, str]]:
    """Return what revisions of these statements break."""
    # Python takes a file of the same path, size and second for the one that it has compiled.
    folder = Path(mkdtemp(dir=folder))
    for number, upgrade in enumerate(upgrades, 1):
        revision = f"{number:04}"
        (folder / f"{revision}_change.py").write_text(REVISION.format(revision=revision, upgrade=upgrade))
    return list(breaking_changes(version, folder, ENGINES[engine], RUNNING))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("upgrade", "why"),
    [
        ('op.drop_table("users")', f"drops users, which the code that runs now uses. {FIRST}"),
        ('op.drop_column("users", "nick")', f"drops users.nick, which the code that runs now uses. {FIRST}"),
        (
            'op.rename_table("users", "people")',
            "renames users, which the code that runs now uses. Make the new table beside it, and drop the old one"
            " later",
        ),
        (
            'op.alter_column("users", "nick", new_column_name="handle", existing_type=sa.String(9))',
            "renames users.nick, which the code that runs now uses. First add handle, fill it, and deploy code that"
            " writes both; then drop nick in a later deployment",
        ),
        (
            'op.add_column("users", sa.Column("kind", sa.String(9), nullable=False))',
            "adds users.kind NOT NULL, and the code that runs now gives it no value. Give it a server_default, or let"
            " it be NULL until the new code runs",
        ),
        ('op.create_check_constraint("ck", "users", "nick IS NOT NULL")', NOT_NULL),
        ('op.create_check_constraint("ck", "users", sa.column("nick").is_not(None))', NOT_NULL),
    ],
)
def test_a_revision_that_breaks_the_code_now_running_is_named(
    tmp_path: Path, engine: str, upgrade: str, why: str
) -> None:
    """Requests would fail from the migration until the new code is there, and for good after a rollback."""
    assert broken(tmp_path, upgrade, engine=engine) == [("0001", why)]


def test_not_null_breaks_code_that_may_leave_the_column_empty(tmp_path: Path) -> None:
    """Its inserts would be refused."""
    nick = 'op.alter_column("users", "nick", nullable=False, existing_type=sa.String(9))'
    assert broken(tmp_path, nick) == [("0001", NOT_NULL)]
    name = 'op.alter_column("users", "name", nullable=False, existing_type=sa.String(9))'
    assert broken(tmp_path, name) == []
    unknown = 'op.alter_column("users", "kind", nullable=False, existing_type=sa.String(9){})'
    assert [len(broken(tmp_path, unknown.format(more))) for more in ("", ', existing_server_default="x"')] == [1, 0]


@pytest.mark.parametrize(
    "upgrade",
    [
        'op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True))',
        'op.add_column("users", sa.Column("kind", sa.String(9)))',
        'op.add_column("users", sa.Column("kind", sa.String(9), nullable=False, server_default="x"))',
        'op.drop_column("users", "unused")',
        'op.drop_table("unused")',
        'op.create_index("ix", "users", ["nick"])',
        'op.create_check_constraint("ck", "users", "name IS NOT NULL")',
        'op.alter_column("users", "name", nullable=True, existing_type=sa.String(9))',
        'op.execute("DROP TABLE users")',
        'op.get_bind().execute(sa.text("SELECT 1")).scalar()',
        "raise SystemExit",
    ],
)
def test_what_breaks_nothing_is_not_named(tmp_path: Path, upgrade: str) -> None:
    """A warning at each deployment would be read by nobody."""
    assert broken(tmp_path, upgrade) == []


def test_only_pending_revisions_count_and_all_of_them(tmp_path: Path) -> None:
    """What is applied already would be warned of for ever, or the second of two be missed."""
    drops = [f'op.drop_column("users", "{name}")' for name in ("name", "nick")]
    assert [revision for revision, _ in broken(tmp_path, *drops)] == ["0001", "0002"]
    assert [revision for revision, _ in broken(tmp_path, *drops, version="0001")] == ["0002"]


def test_the_tables_that_code_names_are_told_by_their_columns() -> None:
    """The next deployment would compare itself with something else than what runs."""
    metadata = MetaData()
    Table("users", metadata, Column("id", String(9), primary_key=True), Column("nick", String(9)))
    assert named_tables(metadata) == {"users": {"id": False, "nick": True}}
