"""What the runner notes of an applied revision's file, and says once that has been edited."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images.revisions import history, tables
from tests.images.runs import rows, run
from tests.services import CountingProxy

pytestmark = pytest.mark.slow

# Of a revision with one statement.
MESSAGES = {"mysql": 8, "postgres": 2, "dsql": 4}

EDITED = (
    "0001 step 1 was edited after it was applied: restore it and write a new revision, or keep the edit by"
    " `aurora-lambda migrate stamp 0002`"
)


@pytest.fixture
def edited(database: Database, tmp_path: Path) -> Database:
    """Return a database of two revisions, of which the first has been edited since."""
    run({}, database.environment(), versions=history(tmp_path, *tables(2)))
    file = tmp_path / "0001_step_1.py"
    file.write_text(file.read_text().replace("id integer", "id bigint"))
    return database


def test_an_edited_revision_is_said_and_fails_the_check_alone(edited: Database, tmp_path: Path) -> None:
    """A database made anew would differ from this one, and nobody would know since when."""
    status = run({"command": "status"}, edited.environment(), versions=tmp_path)
    assert (status["status"], status["output"]) == ("ok", EDITED)
    with pytest.raises(MigrationError) as refusal:
        run({"command": "check"}, edited.environment(), versions=tmp_path)
    assert str(refusal.value) == EDITED
    assert run({}, edited.environment(), versions=tmp_path)["status"] == "ok"


def test_a_stamp_keeps_an_edit(edited: Database, tmp_path: Path) -> None:
    """A harmless edit would be complained of for ever."""
    run({"command": "stamp", "revision": "0002"}, edited.environment(), versions=tmp_path)
    assert run({"command": "status"}, edited.environment(), versions=tmp_path)["output"] == "up to date"


def test_a_revision_that_is_undone_may_be_edited(edited: Database, tmp_path: Path) -> None:
    """The way to mend the revision one is still writing: down, edit, up."""
    run({"command": "downgrade", "revision": "base"}, edited.environment(), versions=tmp_path)
    assert rows(edited, "SELECT * FROM migration_checksums") == []
    run({}, edited.environment(), versions=tmp_path)
    assert run({"command": "status"}, edited.environment(), versions=tmp_path)["output"] == "up to date"


def test_comments_and_formatting_are_no_edit(database: Database, tmp_path: Path) -> None:
    """`make lint` may format applied revisions anew when its rules change."""
    run({}, database.environment(), versions=history(tmp_path, *tables(1)))
    file = tmp_path / "0001_step_1.py"
    file.write_text(file.read_text().replace("op.execute('", "op.execute(  # Why.\n        '").replace("'", '"'))
    assert run({"command": "status"}, database.environment(), versions=tmp_path)["output"] == "up to date"


def test_a_database_from_before_checksums_goes_on(edited: Database, tmp_path: Path) -> None:
    """What was applied before them is not known, which must neither fail a deployment nor be called an edit."""
    rows(edited, "DROP TABLE migration_checksums")
    assert run({"command": "status"}, edited.environment(), versions=tmp_path)["output"] == "up to date"
    history(tmp_path, *tables(3))
    run({}, edited.environment(), versions=tmp_path)
    assert [revision for (revision,) in rows(edited, "SELECT revision FROM migration_checksums")] == ["0003"]


NICK, AGE, LATER = (
    "ALTER TABLE t1 ADD COLUMN nick varchar(9)",
    "ALTER TABLE t1 ADD COLUMN age integer",
    "CREATE TABLE later (id integer NOT NULL PRIMARY KEY)",
)


@pytest.fixture
def other_branch(database: Database, tmp_path: Path) -> Path:
    """Return branch B's history; branch A has deployed its own revision 0002 to the database."""
    ours, theirs = tmp_path / "b", tmp_path / "a"
    run({}, database.environment(), versions=history(theirs, *tables(1), NICK))
    history(ours, *tables(1), AGE)
    for folder, message in ((theirs, "add nick"), (ours, "add age")):
        (folder / "0002_step_2.py").rename(folder / "0002_own.py")
        file = folder / "0002_own.py"
        file.write_text(file.read_text().replace("step 2", message, 1))
    run({"command": "stamp", "revision": "0002"}, database.environment(), versions=theirs)
    return ours


OTHER = (
    "revision 0002 is 'add nick' in the database and 'add age' here: another branch's revision has this number."
    " Get that branch's code, then move yours behind it by `aurora-lambda new-migration --renumber`"
)


@pytest.mark.parametrize("more", [False, True], ids=["at its head", "with a revision more"])
def test_a_deployment_over_another_branchs_revision_is_refused(
    database: Database, other_branch: Path, more: bool
) -> None:
    """The handler would go out without its column, and the deployment say that all is well."""
    if more:
        history(other_branch, *tables(1), AGE, LATER)
        (other_branch / "0002_step_2.py").unlink()
    with pytest.raises(MigrationError) as refusal:
        run({}, database.environment(), versions=other_branch)
    assert str(refusal.value) == f"nothing was applied: {OTHER}"
    status = run({"command": "status"}, database.environment(), versions=other_branch)
    assert (status["status"], status["after"]) == ("incomplete", "0002")
    assert OTHER in status["output"].splitlines()


def test_a_database_with_ones_own_former_number_gets_all_by_what_it_is_told(
    database: Database, other_branch: Path, tmp_path: Path
) -> None:
    """A database kept while its revision was moved could only be thrown away."""
    versions, before = other_branch, tmp_path / "a"
    history(versions, *tables(1), AGE, NICK)
    (versions / "0002_step_2.py").unlink()
    moved = versions / "0003_step_3.py"
    moved.write_text(moved.read_text().replace("step 3", "add nick", 1))
    for folder, column in ((before / "0002_own.py", "nick"), (versions / "0003_step_3.py", "nick")):
        text = folder.read_text().partition("def downgrade")[0]
        folder.write_text(f'{text}def downgrade() -> None:\n    op.drop_column("t1", "{column}")\n')
    with pytest.raises(MigrationError, match=r"where 'add nick' is 0003 now: .*`aurora-lambda migrate downgrade 0001`"):
        run({}, database.environment(), versions=versions)
    run({"command": "downgrade", "revision": "0001"}, database.environment(), versions=before)
    assert run({}, database.environment(), versions=versions)["after"] == "0003"
    assert rows(database, "SELECT age, nick FROM t1") == []


def test_a_database_that_keeps_no_messages_yet_gets_them(database: Database, tmp_path: Path) -> None:
    """A deployment by this version would fail on every database of the version before."""
    run({}, database.environment(), versions=history(tmp_path, *tables(1)))
    rows(database, "ALTER TABLE migration_checksums DROP COLUMN message")
    assert run({"command": "status"}, database.environment(), versions=tmp_path)["output"] == "up to date"
    history(tmp_path, *tables(2))
    run({}, database.environment(), versions=tmp_path)
    found = rows(database, "SELECT revision, message FROM migration_checksums ORDER BY revision")
    assert found == [("0001", None), ("0002", "step 2")]


def test_a_message_is_kept_whatever_it_holds(database: Database, tmp_path: Path) -> None:
    """The revisions in which two branches differ would be told by garbled names, or a quote fail the deployment."""
    message = 'give 100 % of it\'s "names" %s a back\\slash; and é'
    versions = history(tmp_path, *tables(2))
    (file,) = tmp_path.glob("0002_*.py")
    file.write_text(file.read_text().replace('"""step 2"""', repr(message)))
    run({}, database.environment(), versions=versions)
    noted = rows(database, "SELECT revision, message FROM migration_checksums ORDER BY revision")
    assert noted == [("0001", "step 1"), ("0002", message)]
    assert rows(database, "SELECT version_num FROM alembic_version") == [("0002",)]


def test_showing_the_sql_of_pending_revisions_notes_nothing_of_them(database: Database, tmp_path: Path) -> None:
    """They would be taken for applied, and another branch's of the same number go unnoticed."""
    run({}, database.environment(), versions=history(tmp_path, *tables(1)))
    shown = run({"command": "sql"}, database.environment(), versions=history(tmp_path, *tables(3)))
    assert "CREATE TABLE t3" in shown["output"]
    assert [revision for (revision,) in rows(database, "SELECT revision FROM migration_checksums")] == ["0001"]


def test_a_revision_costs_few_messages(database: Database, tmp_path: Path) -> None:
    """A deployment of a long history to a cluster that is far away would take minutes."""
    counted = []
    for count in (1, 2, 7):
        proxy = CountingProxy(database.port)
        with closing(proxy):
            run({}, replace(database, port=proxy.port).environment(), versions=history(tmp_path, *tables(count)))
            counted.append(proxy.taken())
    # The goodbye of a connection may be counted or not.
    assert round((counted[2] - counted[1]) / 4) == MESSAGES[database.engine]
