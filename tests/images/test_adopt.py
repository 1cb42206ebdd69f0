"""An Alembic history taken over, on real databases: ids of Alembic's own kind, several statements a revision."""

from pathlib import Path

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.adopt import adopt
from tests.conftest import Database
from tests.images.revisions import history as history_of
from tests.images.runs import rows, run

FIRST = '''"""create account and item

Revision ID: ae1027a6acf
Revises:
Create Date: 2024-01-01 10:00:00

"""
from alembic import op
import sqlalchemy as sa

revision: str = "ae1027a6acf"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("account", sa.Column("id", sa.String(36), primary_key=True), sa.Column("name", sa.String(50)))
    op.create_table("item", sa.Column("id", sa.String(36), primary_key=True), sa.Column("account_id", sa.String(36)))
    op.create_index("ix_item_account", "item", ["account_id"])


def downgrade() -> None:
    op.drop_index("ix_item_account", "item")
    op.drop_table("item")
    op.drop_table("account")
'''
SECOND = '''"""Add two columns for Jürgen!

Revision ID: 1975ea83b712
Revises: ae1027a6acf

"""
from alembic import op
import sqlalchemy as sa

revision = '1975ea83b712'
down_revision = 'ae1027a6acf'


def upgrade():
    op.add_column("account", sa.Column("seen", sa.Integer))
    op.add_column("item", sa.Column("count", sa.Integer))


def downgrade():
    op.drop_column("item", "count")
    op.drop_column("account", "seen")
'''


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Return the folder of an Alembic project's revisions."""
    folder = tmp_path / "alembic" / "versions"
    folder.mkdir(parents=True)
    (folder / "ae1027a6acf_create.py").write_text(FIRST)
    (folder / "1975ea83b712_columns.py").write_text(SECOND)
    return folder


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Return the folder of an application without revisions."""
    return tmp_path / "versions"


def test_revisions_keep_their_order_and_their_code(history: Path, versions: Path) -> None:
    """A rewritten history would be another one than what production has."""
    assert adopt(history, versions) == {
        "ae1027a6acf": versions / "0001_create_account_and_item.py",
        "1975ea83b712": versions / "0002_add_two_columns_for_j_rgen.py",
    }
    first, second = (path.read_text() for path in sorted(versions.glob("*.py")))
    assert first == FIRST.replace("Revision ID: ae1027a6acf", "Revision ID: 0001").replace(
        'revision: str = "ae1027a6acf"\ndown_revision: str | None = None',
        'revision: str = "0001"\ndown_revision: str | None = None\nadopted_from = "ae1027a6acf"',
    )
    assert second == SECOND.replace(
        "Revision ID: 1975ea83b712\nRevises: ae1027a6acf", "Revision ID: 0002\nRevises: 0001"
    ).replace(
        "revision = '1975ea83b712'\ndown_revision = 'ae1027a6acf'",
        'revision = "0002"\ndown_revision = "0001"\nadopted_from = "1975ea83b712"',
    )


def test_an_adopted_history_goes_up_and_down(history: Path, versions: Path, database: Database) -> None:
    """What another project wrote is applied, undone and checked as one's own is."""
    adopt(history, versions)
    applied = run({}, database.environment(), versions=versions)["applied"]
    assert [each["revision"] for each in applied] == ["0001", "0002"]
    down = run({"command": "downgrade", "revision": "base"}, database.environment(), versions=versions)
    assert down["after"] is None
    assert run({}, database.environment(), versions=versions)["after"] == "0002"
    assert run({"command": "status"}, database.environment(), versions=versions)["output"] == "up to date"
    history_of_it = run({"command": "history"}, database.environment(), versions=versions)["output"]
    assert (
        history_of_it
        == "0001 -> 0002 (head), Add two columns for Jürgen! (current)\n<base> -> 0001, create account and item"
    )


def test_a_database_that_alembic_made_is_stamped_and_goes_on(history: Path, versions: Path, database: Database) -> None:
    """Production, where the tables are, must not be made anew nor lose a row."""
    adopt(history, versions)
    run({}, database.environment(), versions=versions)
    rows(database, "UPDATE alembic_version SET version_num = 'ae1027a6acf'")
    rows(database, "DELETE FROM migration_checksums")
    rows(database, "ALTER TABLE account DROP COLUMN seen")
    rows(database, "ALTER TABLE item DROP COLUMN count")
    rows(database, "INSERT INTO account (id, name) VALUES ('1', 'kept')")
    with pytest.raises(MigrationError) as refusal:
        run({}, database.environment(), versions=versions)
    assert str(refusal.value) == (
        "the database is at revision ae1027a6acf of the history that was adopted, which is 0001 here: run"
        " `aurora-lambda migrate stamp 0001`"
    )
    assert run({"command": "stamp", "revision": "0001"}, database.environment(), versions=versions)["after"] == "0001"
    assert [each["revision"] for each in run({}, database.environment(), versions=versions)["applied"]] == ["0002"]
    assert rows(database, "SELECT id, name, seen FROM account") == [("1", "kept", None)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "2_branch.py",
            SECOND.replace("revision = '1975ea83b712'", "revision = '2'"),
            r"^(2|1975ea83b712)_\w+\.py does not follow (2|1975ea83b712) alone: a history here is one line, without"
            r" branches, merges and depends_on. First write into it: down_revision = '(2|1975ea83b712)'$",
        ),
        (
            "2_merge.py",
            "revision = '2'\ndown_revision = ('1975ea83b712', 'ae1027a6acf')\n",
            "^2_merge.py does not follow 1975ea83b712 alone",
        ),
        ("2_import.py", "import nowhere\nrevision = '2'", "cannot be read: ModuleNotFoundError: No module named"),
        ("2_lost.py", "revision = '2'\ndown_revision = 'lost'", "versions follows 'lost', which is not there$"),
        (
            "2_computed.py",
            "revision = str(2)\ndown_revision = '1975ea83b712'\n",
            "2_computed.py has no line such as revision = '0003': nothing was written",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Revision lost referenced")
def test_a_history_that_cannot_be_adopted_says_why(
    history: Path, versions: Path, name: str, text: str, message: str
) -> None:
    """Half a history would be worse than none, so nothing is written."""
    (history / name).write_text(text)
    with pytest.raises(MigrationError, match=message):
        adopt(history, versions)
    assert not versions.exists()


def test_revisions_that_are_there_are_left_alone(history: Path, versions: Path) -> None:
    """Two histories in one folder would be neither."""
    adopt(history, versions)
    with pytest.raises(MigrationError, match="has revisions already, 0001_create_account_and_item.py first"):
        adopt(history, versions)


def test_a_folder_without_revisions_says_which_to_name(versions: Path, tmp_path: Path) -> None:
    """People name the folder of alembic.ini first, and what it says has to lead to the other."""
    project = tmp_path / "project"
    with pytest.raises(MigrationError, match=f"^there is no folder {project}$"):
        adopt(project, versions)
    project.mkdir()
    with pytest.raises(MigrationError, match="has no revisions of Alembic: name the folder that its files are in"):
        adopt(project, versions)
    (project / "models.py").write_text("tables = []\n")
    wrong = f"^{project} is not the folder of Alembic's revisions, versions: Could not determine revision id from"
    with pytest.raises(MigrationError, match=wrong):
        adopt(project, versions)


@pytest.mark.parametrize("engine", ["postgres", "dsql"])
def test_an_index_is_dropped_without_the_name_of_its_table(
    engine: str, request: pytest.FixtureRequest, versions: Path
) -> None:
    """PostgreSQL needs none, and some histories give none: their deployment would end there."""
    database: Database = request.getfixturevalue(engine)
    made = ("CREATE TABLE t1 (n integer)", f"CREATE INDEX {'ASYNC ' * (engine == 'dsql')}ix_n ON t1 (n)")
    steps = history_of(versions, *made, '>op.drop_index("ix_n")')
    assert run({}, database.environment(), versions=steps)["after"] == "0003"
