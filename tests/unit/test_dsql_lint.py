"""What dsql-lint says of revisions, and of whose."""

from types import ModuleType, SimpleNamespace

from alembic import op

from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.migrations.history.dsql_lint import find_unsupported
from aurora_lambda_runtime.migrations.history.offline import lint


def revision(number: str, sql: str) -> SimpleNamespace:
    """Return a revision that sends `sql`."""
    module = ModuleType(number)
    module.__dict__["upgrade"] = lambda: op.execute(sql)
    return SimpleNamespace(revision=number, doc="", module=module)


def test_what_dsql_would_refuse_is_named_with_the_way_that_works() -> None:
    """Whoever reads the line has to find the statement, and what to write instead."""
    found = find_unsupported({"0001": "CREATE TABLE t (id integer);", "0002": "ALTER TABLE t ADD b text NOT NULL;"})
    assert found == [
        "revision 0002 (ALTER TABLE t ADD b text NOT NULL): ADD COLUMN 'b' with inline DEFAULT or NOT NULL constraint"
        " is not supported in DSQL. Split into steps: CREATE TABLE with the column, or ADD COLUMN without constraints"
        " then backfill."
    ]


def test_only_an_engine_with_a_linter_is_asked() -> None:
    """PostgreSQL and MySQL take what DSQL refuses."""
    revisions = [revision("0001", "CREATE INDEX a ON t (id)")]
    assert lint(revisions, ENGINES["postgres"]) == lint(revisions, ENGINES["mysql"]) == []
    assert lint(revisions, ENGINES["dsql"]) == [
        "revision 0001 (CREATE INDEX a ON t (id)): CREATE INDEX without ASYNC is not supported in DSQL. Index: a"
        " Use `CREATE INDEX ASYNC ...` instead."
    ]


def test_a_revision_that_reads_the_database_is_passed_over() -> None:
    """What it sends depends on rows that nobody has here: a check that fails on it would never pass."""
    reads = revision("0001", "")
    reads.module.__dict__["upgrade"] = lambda: op.get_bind().exec_driver_sql("SELECT 1")
    assert lint([reads], ENGINES["dsql"]) == []
