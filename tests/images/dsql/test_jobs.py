"""Migrations whose statements go on as jobs: they are waited for, and their failures found."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.dsql_faults import FaultyServer
from tests.images.dsql.conftest import Application
from tests.images.revisions import history

pytestmark = pytest.mark.slow

TABLE = "CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer)"
ROWS = "INSERT INTO t VALUES (1, 7, 1), (2, 7, 2), (3, 8, 3)"
UNIQUE = ">op.create_unique_constraint('uq_t_a', 't', ['a'])"
INDEX = ">op.create_index('ix_t_a', 't', ['a'])"
INDEXES = """
    SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = 't'::regclass AND NOT indisprimary"""


def indexes(application: Application) -> dict[str, bool]:
    """Return the indexes of the table by name, and whether each is valid; not of its primary key."""
    return dict(application.admin_rows(INDEXES))


def test_an_index_is_valid_when_the_deployment_says_so(
    application: Application, dsql_server: FaultyServer, tmp_path: Path
) -> None:
    """A query would go on reading the whole table, and nobody would know until when."""
    dsql_server.faults = replace(dsql_server.faults, job_seconds=0.5)
    application.run(versions=history(tmp_path, TABLE, INDEX))
    assert indexes(application) == {"ix_t_a": True}


def test_rows_that_are_not_unique_are_named_and_the_index_is_dropped(application: Application, tmp_path: Path) -> None:
    """The invalid index of a failed build goes on refusing rows, and nothing says so."""
    versions = history(tmp_path, TABLE, ROWS, UNIQUE)
    with pytest.raises(MigrationError) as failure:
        application.run(versions=versions)
    assert str(failure.value).startswith(
        "revision 0003 (step 3) failed during deploy: JobFailedError: index uq_t_a could not be built and was dropped:"
        ' could not create unique index "uq_t_a"; not unique in t (a): 7 (2 rows). The database is at revision 0002'
    )
    assert indexes(application) == {}
    application.admin_rows("UPDATE t SET a = 9 WHERE id = 2")
    assert application.run(versions=versions)["after"] == "0003"
    assert indexes(application) == {"uq_t_a": True}


def test_a_constraint_that_old_rows_break_fails_the_revision(application: Application, tmp_path: Path) -> None:
    """Added without a look at old rows, it would be believed."""
    check = ">op.create_check_constraint('ck_t_a', 't', 'a > 7')"
    versions = history(tmp_path, TABLE, ROWS, check)
    with pytest.raises(MigrationError, match='JobFailedError: check constraint "ck_t_a" of relation "t" is violated'):
        application.run(versions=versions)
    application.admin_rows("UPDATE t SET a = 9 WHERE a = 7")
    assert application.run(versions=versions)["after"] == "0003"


def test_a_job_longer_than_the_function_is_waited_for_by_the_next_deployment(
    application: Application, dsql_server: FaultyServer, tmp_path: Path
) -> None:
    """An index of a large table takes hours, and a function has 15 minutes: nothing may be begun twice."""
    dsql_server.faults = replace(dsql_server.faults, job_seconds=3)
    versions = history(tmp_path, TABLE, INDEX, ROWS)
    first = application.run(versions=versions, remaining=lambda: 7.0)
    assert (first["status"], first["after"]) == ("incomplete", "0001")
    assert re.search("was (submitted|processing) when time ran out and goes on without the runner", first["output"])
    dsql_server.faults = replace(dsql_server.faults, job_seconds=0)
    second = application.run(versions=versions)
    assert (second["status"], second["after"]) == ("ok", "0003")
    jobs = f"SELECT count(*) FROM sys.jobs WHERE object_name = '{application.database.name}.ix_t_a'"
    assert application.admin_rows(jobs) == [(1,)]


def test_an_invalid_index_that_nothing_builds_is_built_anew(application: Application, tmp_path: Path) -> None:
    """A build that failed while no runner was looking: `it is there already` would help nobody."""
    application.run(versions=history(tmp_path, TABLE, ROWS))
    application.admin_rows("CREATE UNIQUE INDEX ASYNC uq_t_a ON t (a)")
    while application.admin_rows("SELECT 1 FROM sys.jobs WHERE status IN ('submitted', 'processing')"):
        pass
    application.admin_rows("UPDATE t SET a = 9 WHERE id = 2")
    application.run(versions=history(tmp_path, TABLE, ROWS, UNIQUE))
    assert indexes(application) == {"uq_t_a": True}
