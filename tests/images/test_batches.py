"""Data changes made a batch at a time, on real servers."""

from pathlib import Path
from textwrap import dedent

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images.runs import rows, run, steps

pytestmark = pytest.mark.slow

CREATE = """
from alembic import op
import sqlalchemy as sa

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("region", sa.String(2), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("phone", sa.String(20)),
    )
"""

FILL = """
from alembic import op
import sqlalchemy as sa

revision = "0002"
down_revision = "0001"
people = sa.table("people", sa.column("region"), sa.column("number"))


def upgrade() -> None:
    op.bulk_insert(people, [{"region": region, "number": n} for region in ("eu", "us") for n in range(60)])
"""

CHANGE = """
from alembic import op
import sqlalchemy as sa

from aurora_lambda_runtime.migrations.batches import delete_in_batches, update_in_batches

revision = "0003"
down_revision = "0002"
people = sa.Table(
    "people",
    sa.MetaData(),
    sa.Column("region", sa.String(2), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("phone", sa.String(20)),
)


def upgrade() -> None:
    {change}
"""


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Return a history that makes 120 people without a phone number."""
    (tmp_path / "0001_create_people.py").write_text(CREATE)
    (tmp_path / "0002_fill_people.py").write_text(FILL)
    return tmp_path


def change(versions: Path, body: str) -> Path:
    """Add a revision that runs `body`."""
    (versions / "0003_change_people.py").write_text(dedent(CHANGE).format(change=body))
    return versions


def test_rows_are_updated_a_batch_at_a_time(database: Database, versions: Path) -> None:
    """A data migration over more than 3,000 rows could not run on Aurora DSQL, and would hold locks elsewhere."""
    body = 'assert update_in_batches(people, {"phone": "none"}, people.c.phone.is_(None), batch_rows=50) == 120'
    assert steps(run({}, database.environment(), versions=change(versions, body))) == ["0001", "0002", "0003"]
    assert rows(database, "SELECT phone, count(*) FROM people GROUP BY phone") == [("none", 120)]


def test_a_stopped_update_goes_on_with_the_rows_that_are_left(database: Database, versions: Path) -> None:
    """After a failure half way, the next deployment would update rows twice."""
    failing = 'update_in_batches(people, {"phone": "first"}, people.c.number < 30, batch_rows=50)'
    with pytest.raises(MigrationError, match="still satisfy"):
        run({}, database.environment(), versions=change(versions, failing))
    resumed = 'update_in_batches(people, {"phone": "second"}, people.c.phone.is_(None), batch_rows=50)'
    run({}, database.environment(), versions=change(versions, resumed))
    assert rows(database, "SELECT count(*) FROM people WHERE phone IS NULL") == [(0,)]


def test_rows_are_deleted_a_batch_at_a_time(database: Database, versions: Path) -> None:
    """Without it old rows could be cleared away on Aurora DSQL by hand only."""
    body = "assert delete_in_batches(people, people.c.number >= 10, batch_rows=30) == 100"
    run({}, database.environment(), versions=change(versions, body))
    assert rows(database, "SELECT region, count(*) FROM people GROUP BY region ORDER BY region") == [
        ("eu", 10),
        ("us", 10),
    ]


def test_the_sql_command_shows_the_change_as_one_statement(database: Database, versions: Path) -> None:
    """Reviewers would see no trace of a data change in the rendered SQL."""
    run({}, database.environment(), versions=versions)
    body = 'update_in_batches(people, {"phone": "none"}, people.c.phone.is_(None))'
    output = run({"command": "sql"}, database.environment(), versions=change(versions, body))["output"]
    assert "UPDATE people SET phone='none' WHERE people.phone IS NULL;" in output


KEYLESS = 'notes = sa.table("people", sa.column("region"), sa.column("number"), sa.column("phone"))\n    '


@pytest.mark.parametrize(
    "body",
    [
        'update_in_batches(notes, {"phone": "none"}, notes.c.number == 2)',
        "delete_in_batches(notes, notes.c.number == 2)",
    ],
)
def test_a_table_without_a_primary_key_is_refused_and_no_row_changed(
    database: Database, versions: Path, body: str
) -> None:
    """One batch would overwrite or delete every row of the table, and the deployment would end green."""
    run({}, database.environment(), versions=versions)
    with pytest.raises(MigrationError, match=r"people has no primary key: give the batches key=\[people\.c\.<unique"):
        run({}, database.environment(), versions=change(versions, KEYLESS + body))
    assert rows(database, "SELECT count(*) FROM people WHERE phone IS NULL") == [(120,)]


def test_a_key_may_be_given_and_only_the_selected_rows_change(database: Database, versions: Path) -> None:
    """A key that several rows share would change the others of it too."""
    body = 'assert update_in_batches(notes, {"phone": "none"}, notes.c.region == "eu", key=[notes.c.number]) == 60'
    body = body.replace('notes.c.region == "eu"', '(notes.c.region == "eu") & notes.c.phone.is_(None)')
    run({}, database.environment(), versions=change(versions, KEYLESS + body))
    assert rows(database, "SELECT region, count(*) FROM people WHERE phone = 'none' GROUP BY region") == [("eu", 60)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            'other = sa.table("other")\n    run_in_batches('
            "op.get_bind(), people, sa.delete(other), people.c.number == 2)",
            "the batches select from people, and the change is to another table",
        ),
        ("delete_in_batches(people, people.c.number == 2, 0)", "batch_rows must be at least 1: 0"),
    ],
)
def test_a_change_that_its_batches_do_not_bound_is_refused(
    postgres: Database, versions: Path, body: str, reason: str
) -> None:
    """Every row of the other table would go; with batches of no rows nothing would, and the revision end well."""
    body = "from aurora_lambda_runtime.migrations.batches import run_in_batches\n    " + body
    with pytest.raises(MigrationError, match=reason):
        run({}, postgres.environment(), versions=change(versions, body))
