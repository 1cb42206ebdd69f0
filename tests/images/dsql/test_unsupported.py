"""Revisions that DSQL cannot apply, found before anything has run."""

from pathlib import Path

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.images.dsql.conftest import Application
from tests.images.revisions import history, tables

pytestmark = pytest.mark.slow

CHANGE_TYPE = ">op.alter_column('t1', 'id', type_=op.f('text'))"
REFUSAL = (
    r"^revision 0003 \(step 3\) cannot be applied, and nothing was: Aurora DSQL cannot change the type of column t1.id:"
    r" add a column of the new type, fill it with update_in_batches, and drop the old one$"
)


@pytest.mark.parametrize("command", ["deploy", "reset"])
def test_what_cannot_be_done_stops_the_run_before_its_first_statement(
    application: Application, tmp_path: Path, command: str
) -> None:
    """Half of a release's revisions applied, or all tables dropped for nothing, is worse than none."""
    versions = history(tmp_path, *tables(2), CHANGE_TYPE)
    with pytest.raises(MigrationError, match=REFUSAL):
        application.run({"command": command}, versions, ALLOW_RESET="true")
    assert application.run({"command": "current"}, versions)["after"] is None


def test_what_cannot_be_undone_stops_a_downgrade_before_its_first_statement(
    application: Application, tmp_path: Path
) -> None:
    """It stopped half way, and said neither at which revision nor what it had undone."""
    versions = history(tmp_path, *tables(3))
    second = versions / "0002_step_2.py"
    second.write_text(
        second.read_text().replace("op.execute('DROP", "op.alter_column('t2', 'id', nullable=False)  # '")
    )
    application.run(versions=versions)
    with pytest.raises(MigrationError) as refusal:
        application.run({"command": "downgrade", "revision": "base"}, versions)
    assert str(refusal.value) == (
        "revision 0002 (step 2) cannot be undone, and nothing was: Aurora DSQL cannot make column t2.id NOT NULL:"
        " add a CHECK (... IS NOT NULL) with create_check_constraint"
    )
    assert application.run({"command": "current"}, versions)["after"] == "0003"


def test_a_revision_that_has_to_read_rows_is_not_judged_ahead(application: Application, tmp_path: Path) -> None:
    """What it sends depends on what it finds; without a database it finds nothing."""
    reads = ">op.get_bind().exec_driver_sql('SELECT id FROM t1').fetchall()"
    assert application.run(versions=history(tmp_path, *tables(1), reads))["after"] == "0002"


def test_check_says_what_dsql_would_refuse(application: Application, tmp_path: Path) -> None:
    """A statement written by hand is no operation of Alembic's: only a parser of SQL finds it before it runs."""
    application.run(versions=history(tmp_path, *tables(1)))
    versions = history(tmp_path, *tables(1), "ALTER TABLE t1 ADD COLUMN a integer DEFAULT 7")
    with pytest.raises(MigrationError) as failure:
        application.run({"command": "check"}, versions)
    assert str(failure.value) == (
        "0002 step 2 is not applied: run `aurora-lambda migrate`; revision 0002 (ALTER TABLE t1 ADD COLUMN a integer"
        " DEFAULT 7): ADD COLUMN 'a' with inline DEFAULT or NOT NULL constraint is not supported in DSQL. Split into"
        " steps: CREATE TABLE with the column, or ADD COLUMN without constraints then backfill."
    )


def test_a_statement_that_dsql_would_refuse_stops_the_run_before_its_first(
    application: Application, tmp_path: Path
) -> None:
    """Written by hand, only the lint knows it, and half of the release was applied before the server said it."""
    versions = history(tmp_path, *tables(1), "ALTER TABLE t1 ADD COLUMN a integer DEFAULT 7")
    with pytest.raises(MigrationError, match=r"^nothing was applied: revision 0002 \(ALTER TABLE t1 ADD COLUMN a"):
        application.run(versions=versions)
    assert application.run({"command": "current"}, versions)["after"] is None
