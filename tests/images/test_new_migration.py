"""Writing revisions from what the code has and a real database lacks."""

import shutil
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, String, Table

from lambda_images.migrations.errors import MigrationError
from lambda_images.migrations.generate import create_revision
from tests.conftest import Database
from tests.images.runs import run
from tests.sample_application import VERSIONS
from tests.sample_application.tables import metadata

pytestmark = pytest.mark.slow


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Return the history as it was before there were comments."""
    for name in sorted(path.name for path in VERSIONS.glob("000[12]_*.py")):
        shutil.copy(VERSIONS / name, tmp_path / name)
    return tmp_path


def test_a_new_table_and_its_index_become_two_revisions_that_apply(database: Database, versions: Path) -> None:
    """What `aurora-lambda new-migration` writes has to work as it is, on both engines."""
    run({}, database.environment(), versions=versions)
    written = create_revision(database.environment(), "add comments", versions)
    assert [path.name for path in written] == ["0003_add_comments_1.py", "0004_add_comments_2.py"]
    result = run({}, database.environment(), versions=versions)
    assert [step["revision"] for step in result["applied"]] == ["0003", "0004"]
    assert run({"command": "check"}, database.environment(), versions=versions)["output"] == "code and database agree"


def test_a_new_revision_reads_like_those_there_are(postgres: Database, versions: Path) -> None:
    """A person reviews it: it names our own types, and no other engine's."""
    run({}, postgres.environment(), versions=versions)
    first, second = create_revision(postgres.environment(), "add comments", versions)
    assert first.read_text().startswith(
        '"""add comments 1"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        "from lambda_images.database import types\n\n"
        "revision = '0003'\ndown_revision = '0002'\n"
    )
    assert "sa.Column('id', types.Uuid(), nullable=False)" in first.read_text()
    assert "sa.Column('created_at', types.UtcTimestamp(), nullable=False)" in first.read_text()
    assert (
        "op.create_index(op.f('ix_comments_note_id_created_at'), 'comments', ['note_id', 'created_at']"
        in second.read_text()
    )
    assert "op.drop_index(op.f('ix_comments_note_id_created_at'), table_name='comments')" in second.read_text()


def test_nothing_to_write_is_said(database: Database) -> None:
    """An empty revision would only be noise in the history."""
    run({}, database.environment())
    before = sorted(VERSIONS.iterdir())
    with pytest.raises(MigrationError, match="^nothing to write: code and database agree. Change "):
        create_revision(database.environment(), "nothing", VERSIONS)
    assert sorted(VERSIONS.iterdir()) == before


def test_a_database_that_is_behind_is_migrated_first(database: Database) -> None:
    """Compared with an old database, the code would get revisions that are there already."""
    run({}, database.environment())
    run({"command": "downgrade", "revision": "0002"}, database.environment())
    with pytest.raises(MigrationError, match="^2 revisions are pending: run `aurora-lambda migrate` first$"):
        create_revision(database.environment(), "comments", VERSIONS)


def test_a_database_that_is_not_there_is_said(database: Database) -> None:
    """Before the first `up` there is nothing to compare with."""
    with pytest.raises(MigrationError, match=f"^there is no database '{database.name}': run `aurora-lambda migrate`$"):
        create_revision(database.environment(), "comments", VERSIONS)


@pytest.mark.parametrize("message", ["", "  ", "!!!"])
def test_a_message_is_needed(message: str) -> None:
    """It becomes the file's name and the history's line."""
    with pytest.raises(MigrationError, match="^a revision needs a message: "):
        create_revision({}, message)


@pytest.mark.parametrize("message", ['say "no" """ twice', "ends in \\", 'ends in "', "two\nlines  of it"])
def test_any_message_makes_revisions_that_run(postgres: Database, versions: Path, message: str) -> None:
    """A quote in the message must not leave a file behind that stops every deployment."""
    run({}, postgres.environment(), versions=versions)
    create_revision(postgres.environment(), message, versions)
    applied = run({}, postgres.environment(), versions=versions)["applied"]
    shown = " ".join(message.split())
    assert [step["message"] for step in applied] == [f"{shown} 1", f"{shown} 2"]


def test_a_mistake_in_the_tables_is_an_error_and_no_traceback(
    postgres: Database, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is for people in the middle of editing that file."""
    run({}, postgres.environment(), versions=versions)
    monkeypatch.setitem(sys.modules, "lambda_images.application.tables", None)
    with pytest.raises(MigrationError) as failure:
        create_revision(postgres.environment(), "add comments", versions)
    assert str(failure.value) == (
        "no revision was written: ModuleNotFoundError:"
        " import of lambda_images.application.tables halted; None in sys.modules"
    )


class Unwritable(String):
    def __repr__(self) -> str:
        return "String(("


def test_revisions_that_cannot_be_loaded_are_not_left_behind(postgres: Database, versions: Path) -> None:
    """Half of what was to be written would fail the next deployment."""
    run({}, postgres.environment(), versions=versions)
    before = sorted(versions.glob("*.py"))
    table = Table("zebras", metadata, Column("name", Unwritable()))
    try:
        with pytest.raises(MigrationError, match="^no revision was written: SyntaxError: "):
            create_revision(postgres.environment(), "add", versions)
    finally:
        metadata.remove(table)
    assert sorted(versions.glob("*.py")) == before
