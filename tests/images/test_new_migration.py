"""Writing revisions from what the code has and a real database lacks."""

import shutil
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, Enum, ForeignKey, Index, MetaData, String, Table

from aurora_lambda_runtime.database.types import UtcTimestamp, Uuid
from aurora_lambda_runtime.migrations.autogenerate.changes import Decisions
from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images.runs import create_revision, rows, run, steps, table_names
from tests.sample_application import VERSIONS, tables

pytestmark = pytest.mark.slow


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Return the history as it was before there were comments."""
    for name in sorted(path.name for path in VERSIONS.glob("000[12]_*.py")):
        shutil.copy(VERSIONS / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Return a copy of the whole history: other tests read the one that is here."""
    return shutil.copytree(VERSIONS, tmp_path / "history")


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> MetaData:
    """Return the tables in the code, to be changed."""
    copy = MetaData(naming_convention=tables.metadata.naming_convention)
    for table in tables.metadata.sorted_tables:
        table.to_metadata(copy)
    monkeypatch.setattr(tables, "metadata", copy)
    return copy


def replace_columns(code: MetaData, name: str, *columns: Column) -> None:
    """Leave the table with its id and these columns alone."""
    code.remove(code.tables[name])
    Table(name, code, Column("id", Uuid, primary_key=True), *columns)


def refused(database: Database, versions: Path) -> str:
    """Return why no revision is written; none is."""
    before = sorted(versions.iterdir())
    with pytest.raises(MigrationError) as refusal:
        create_revision(database.environment(), versions=versions)
    assert sorted(versions.iterdir()) == before
    return str(refusal.value)


def test_a_new_table_and_its_index_become_two_revisions_that_apply(database: Database, versions: Path) -> None:
    """What `aurora-lambda new-migration` writes has to work as it is, there and back, on both engines."""
    run({}, database.environment(), versions=versions)
    written = create_revision(database.environment(), versions=versions)
    assert [path.name for path in written] == [
        "0003_create_comments.py",
        "0004_index_comments_by_note_id_and_created_at.py",
    ]
    for _ in range(2):
        assert steps(run({}, database.environment(), versions=versions)) == ["0003", "0004"]
        checked = run({"command": "check"}, database.environment(), versions=versions)
        assert checked["output"] == "code and database agree"
        run({"command": "downgrade", "revision": "0002"}, database.environment(), versions=versions)


def test_a_new_revision_reads_like_those_there_are(postgres: Database, versions: Path) -> None:
    """A person reviews it: formatted, with the imports it needs, with our own types and no other engine's."""
    run({}, postgres.environment(), versions=versions)
    first, second = create_revision(postgres.environment(), "add comments", versions)
    assert (
        first.read_text()
        == """\
\"\"\"create comments\"\"\"

import sqlalchemy as sa
from alembic import op

from aurora_lambda_runtime.database import types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "comments",
        sa.Column("id", types.Uuid(), nullable=False),
        sa.Column("note_id", types.Uuid(), nullable=False),
        sa.Column("text", sa.String(length=100), nullable=False),
        sa.Column("created_at", types.UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_comments_note_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )


def downgrade() -> None:
    op.drop_table("comments")
"""
    )
    assert (
        second.read_text()
        == """\
\"\"\"index comments by note_id and created_at\"\"\"

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(op.f("ix_comments_note_id_created_at"), "comments", ["note_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_comments_note_id_created_at"), table_name="comments")
"""
    )


def test_a_single_change_is_called_by_the_message(database: Database, history: Path, code: MetaData) -> None:
    """Why a change was made is known to a person alone."""
    code.tables["notes"].append_column(Column("kind", Enum("tea", "cup", name="kind", native_enum=False)))
    run({}, database.environment())
    (written,) = create_revision(database.environment(), "Tell teas from cups", history)
    assert written.name == "0005_tell_teas_from_cups.py"
    assert steps(run({}, database.environment(), versions=history)) == ["0005"]
    agreed = run({"command": "check"}, database.environment(), versions=history)["output"]
    assert agreed == "code and database agree"


def test_a_column_is_dropped_only_when_somebody_says_so(database: Database, code: MetaData) -> None:
    """Its data is gone in production as soon as the revision is deployed."""
    run({}, database.environment())
    replace_columns(code, "notes", Column("created_at", UtcTimestamp, nullable=False, index=True))
    assert refused(database, VERSIONS) == (
        "nothing was written: it would drop column notes.text with all that it holds. To write it, run"
        " `aurora-lambda new-migration --yes`; on a terminal you are asked, also whether it was renamed"
    )


def test_a_changed_type_is_refused_with_the_way_that_every_engine_takes(
    database: Database, history: Path, code: MetaData
) -> None:
    """Texts that the code allows would be cut off or refused, and nobody have been told why."""
    run({}, database.environment(), versions=history)
    replace_columns(
        code,
        "notes",
        Column("text", String(150), nullable=False),
        Column("created_at", UtcTimestamp, nullable=False, index=True),
    )
    assert refused(database, history) == (
        "nothing was written, for one history serves every engine: revision 0005 (change text of notes) cannot be"
        " applied, and nothing was: Aurora DSQL cannot change the type of column notes.text: add a column of the new"
        " type, fill it with update_in_batches, and drop the old one"
    )


def test_what_only_a_linter_refuses_is_written_for_no_engine(database: Database, history: Path, code: MetaData) -> None:
    """Whoever switches the engine a year later would find an applied revision that it cannot take."""
    run({}, database.environment(), versions=history)
    notes = code.tables["notes"]
    Index("ix_newest", notes.c.created_at.desc())
    assert refused(database, history) == (
        "nothing was written, for one history serves every engine: revision 0005 (CREATE INDEX ASYNC ix_newest ON notes"
        " (created_at DESC)): Index key sort direction DESC is not supported in DSQL. Remove explicit ASC or DESC."
        " NULLS FIRST/LAST may be retained."
    )


def test_a_drop_and_an_addition_may_be_a_rename(database: Database, versions: Path, code: MetaData) -> None:
    """A column dropped and made anew is empty."""
    run({}, database.environment(), versions=versions)
    create_revision(database.environment(), versions=versions)
    run({}, database.environment(), versions=versions)
    key = "00000000-0000-0000-0000-000000000001"
    key = key if database.engine == "postgres" else key.replace("-", "")
    rows(database, f"INSERT INTO notes VALUES ('{key}', 'tea', '2026-01-01 00:00:00')")
    replace_columns(
        code,
        "notes",
        Column("body", String(100), nullable=False),
        Column("more", String(100)),
        Column("created_at", UtcTimestamp, nullable=False, index=True),
    )
    asked = []

    def is_rename(old: str, new: str) -> bool:
        asked.append((old, new))
        return new == "notes.body"

    written = create_revision(database.environment(), versions=versions, decisions=Decisions(is_rename))

    assert asked[-1] == ("notes.text", "notes.body")
    assert {path.name[5:] for path in written} == {"rename_text_of_notes_to_body.py", "add_more_to_notes.py"}
    run({}, database.environment(), versions=versions)
    assert rows(database, "SELECT body FROM notes") == [("tea",)]
    run({"command": "downgrade", "revision": "0004"}, database.environment(), versions=versions)
    assert rows(database, "SELECT text FROM notes") == [("tea",)]


def test_a_table_may_be_renamed(database: Database, code: MetaData, versions: Path) -> None:
    """A table dropped and made anew is empty; its indexes get the names that the code has for them."""
    versions = shutil.copytree(VERSIONS, versions / "all")
    run({}, database.environment(), versions=versions)
    code.remove(code.tables["comments"])
    Table(
        "remarks",
        code,
        Column("id", Uuid, primary_key=True),
        Column("note_id", Uuid, ForeignKey("notes.id"), nullable=False),
        Column("text", String(100), nullable=False),
        Column("created_at", UtcTimestamp, nullable=False),
        Index(None, "note_id", "created_at"),
    )
    asked = []

    def is_rename(old: str, new: str) -> bool:
        asked.append((old, new))
        return True

    written = create_revision(database.environment(), versions=versions, decisions=Decisions(is_rename))

    assert asked == [("comments", "remarks")]
    assert [path.name[5:] for path in written] == [
        "rename_comments_to_remarks.py",
        "index_remarks_by_note_id_and_created_at.py",
        "drop_ix_comments_note_id_created_at.py",
    ]
    for _ in range(2):
        run({}, database.environment(), versions=versions)
        checked = run({"command": "check"}, database.environment(), versions=versions)
        assert checked["output"] == "code and database agree"
        run({"command": "downgrade", "revision": "0004"}, database.environment(), versions=versions)


def test_a_dropped_table_comes_back_on_any_engine(database: Database, code: MetaData, versions: Path) -> None:
    """One history serves all engines: what undoes a drop must not name the types of the one it was written on."""
    versions = shutil.copytree(VERSIONS, versions / "all")
    run({}, database.environment(), versions=versions)
    code.remove(code.tables["comments"])
    decisions = Decisions(may_drop=lambda lost: lost == "table comments")
    (written,) = create_revision(database.environment(), versions=versions, decisions=decisions)
    assert [
        line.strip().partition(", nullable")[0] for line in written.read_text().splitlines() if "Column" in line
    ] == [
        'sa.Column("id", types.Uuid()',
        'sa.Column("note_id", types.Uuid()',
        'sa.Column("text", sa.String(length=100)',
        'sa.Column("created_at", types.UtcTimestamp()',
    ]
    for _ in range(2):
        run({}, database.environment(), versions=versions)
        run({"command": "downgrade", "revision": "0004"}, database.environment(), versions=versions)
    assert table_names(database) == {"alembic_version", "notes", "comments"}


def test_the_index_of_a_foreign_key_is_dropped_as_often_as_it_is_made(database: Database) -> None:
    """MySQL puts an index in its place, which is still there the second time."""
    run({}, database.environment())
    for _ in range(2):
        run({"command": "downgrade", "revision": "0003"}, database.environment())
        assert steps(run({}, database.environment())) == ["0004"]


def test_an_enum_that_only_postgresql_has_is_refused(postgres: Database, code: MetaData) -> None:
    """It would be created in one revision, missing in the next, and left behind by a downgrade."""
    run({}, postgres.environment())
    code.tables["notes"].append_column(Column("kind", Enum("tea", "cup", name="kind")))
    with pytest.raises(MigrationError) as refusal:
        create_revision(postgres.environment(), versions=VERSIONS)
    assert str(refusal.value) == (
        "nothing was written: the Enum of column kind would be a type that only PostgreSQL knows."
        " Write Enum(..., native_enum=False), which is text on every engine"
    )


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
    with pytest.raises(
        MigrationError,
        match="^not yet applied: 0003 create comments, 0004 index comments by note. Run `aurora-lambda up` first$",
    ):
        create_revision(database.environment(), "comments", VERSIONS)


def test_a_database_that_is_not_there_is_said(database: Database) -> None:
    """Before the first `up` there is nothing to compare with."""
    with pytest.raises(MigrationError, match=f"^there is no database '{database.name}': run `aurora-lambda migrate`$"):
        create_revision(database.environment(), "comments", VERSIONS)


@pytest.mark.parametrize("message", ["!", "!!!"])
def test_a_message_is_needed(message: str) -> None:
    """It becomes the file's name and the history's line."""
    with pytest.raises(MigrationError, match="^a message says what the revision does: "):
        create_revision({}, message)


@pytest.mark.parametrize("message", ['say "no" """ twice', "ends in \\", 'ends in "', "two\nlines  of it"])
def test_any_message_makes_revisions_that_run(postgres: Database, versions: Path, code: MetaData, message: str) -> None:
    """A quote in the message must not leave a file behind that stops every deployment."""
    code.remove(code.tables["comments"])
    code.tables["notes"].append_column(Column("more", String(10)))
    run({}, postgres.environment(), versions=versions)
    create_revision(postgres.environment(), message, versions)
    applied = run({}, postgres.environment(), versions=versions)["applied"]
    assert [step["message"] for step in applied] == [" ".join(message.split())]


def test_a_mistake_in_the_tables_is_an_error_and_no_traceback(
    postgres: Database, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is for people in the middle of editing that file."""
    run({}, postgres.environment(), versions=versions)
    monkeypatch.setitem(sys.modules, "tests.sample_application.tables", None)
    with pytest.raises(MigrationError) as failure:
        create_revision(postgres.environment(), "add comments", versions)
    assert str(failure.value) == (
        "tables.py cannot be loaded: ModuleNotFoundError: import of tests.sample_application.tables halted;"
        " None in sys.modules"
    )


class Unwritable(String):
    def __repr__(self) -> str:
        return "String(("


def test_revisions_that_cannot_be_loaded_are_not_left_behind(postgres: Database, versions: Path) -> None:
    """Half of what was to be written would fail the next deployment."""
    run({}, postgres.environment(), versions=versions)
    before = sorted(versions.glob("*.py"))
    table = Table("zebras", tables.metadata, Column("name", Unwritable(10)))
    try:
        with pytest.raises(MigrationError, match="^no revision was written: SyntaxError: "):
            create_revision(postgres.environment(), "add", versions)
    finally:
        tables.metadata.remove(table)
    assert sorted(versions.glob("*.py")) == before


def test_an_index_that_mysql_has_alone_is_dropped_there_and_passed_over_elsewhere(
    database: Database, versions: Path
) -> None:
    """One history serves all engines: what tidies one must not stop the others' deployments."""
    versions = shutil.copytree(VERSIONS, versions / "all")
    if database.engine == "postgres":
        (versions / "0005_tidy.py").write_text(
            'from aurora_lambda_runtime.migrations.indexes import drop_foreign_key_index\nrevision = "0005"\n'
            'down_revision = "0004"\n\ndef upgrade():\n    drop_foreign_key_index("fk_comments_note_id", "comments",'
            ' "fk_comments_note_id", ["note_id"])\n\ndef downgrade():\n    pass\n'
        )
        assert run({}, database.environment(), versions=versions)["after"] == "0005"
        return
    run({}, database.environment(), versions=versions)
    rows(database, f"CREATE INDEX {'ASYNC ' * (database.engine == 'dsql')}fk_comments_note_id ON comments (note_id)")
    (written,) = create_revision(database.environment(), versions=versions)
    assert written.name == "0005_drop_fk_comments_note_id.py"
    assert steps(run({}, database.environment(), versions=versions)) == ["0005"]
    assert run({"command": "check"}, database.environment(), versions=versions)["output"] == "code and database agree"
    run({"command": "downgrade", "revision": "0004"}, database.environment(), versions=versions)
    assert steps(run({}, database.environment(), versions=versions)) == ["0005"]


def test_what_another_engine_refuses_is_not_written(database: Database, code: MetaData, versions: Path) -> None:
    """Applied here, it could no longer be edited when a switch of the engine meets it."""
    versions = shutil.copytree(VERSIONS, versions / "all")
    run({}, database.environment(), versions=versions)
    code.tables["notes"].append_column(Column("kind", String(10), nullable=False))
    before = sorted(versions.glob("*.py"))
    with pytest.raises(MigrationError) as refusal:
        create_revision(database.environment(), versions=versions)
    assert str(refusal.value) == (
        "nothing was written, for one history serves every engine: revision 0005 (add kind to notes) cannot be applied,"
        " and nothing was: Aurora DSQL cannot add column notes.kind as NOT NULL: add it nullable, fill it with"
        " update_in_batches, and add a CHECK (... IS NOT NULL)"
    )
    assert sorted(versions.glob("*.py")) == before
    code.tables["notes"].c.kind.nullable = True
    create_revision(database.environment(), versions=versions)
    run({}, database.environment(), versions=versions)
    code.tables["notes"].c.kind.nullable = False
    with pytest.raises(MigrationError, match="Aurora DSQL cannot make column notes.kind NOT NULL: add a CHECK"):
        create_revision(database.environment(), versions=versions)
