"""Resets, which drop table by table: one that was interrupted is finished by the next run, or forgotten."""

from pathlib import Path

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.servers.dsql import DsqlServer
from tests.images.dsql.conftest import Application
from tests.images.revisions import history, tables
from tests.images.runs import steps, table_names

pytestmark = pytest.mark.slow

OWN = {"alembic_version", "migration_checksums"}


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Return revisions that make three tables."""
    return history(tmp_path, *tables(3))


@pytest.fixture
def interrupted(application: Application, versions: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    """Return an application whose reset was stopped after the first of four tables; the fourth is of no revision."""
    application.run(versions=versions)
    application.admin_rows("CREATE TABLE t9 (id integer PRIMARY KEY)")
    application.admin_rows("INSERT INTO t2 VALUES (7)")
    left = iter((True, False))

    def run(server: DsqlServer, *statements: str) -> None:
        for statement in statements:
            if statement.startswith("DROP TABLE") and not next(left):
                raise RuntimeError("stopped")
            original(server, statement)

    original = DsqlServer.run
    with monkeypatch.context() as patched:
        patched.setattr(DsqlServer, "run", run)
        with pytest.raises(MigrationError, match="reset failed: RuntimeError: stopped"):
            application.run({"command": "reset"}, versions, ALLOW_RESET="true")
    assert table_names(application.database) - OWN == {"t2", "t3", "t9"}
    return application


@pytest.mark.parametrize("command", ["deploy", "reset"])
def test_an_interrupted_reset_is_finished_by_the_next_run(
    interrupted: Application, versions: Path, command: str
) -> None:
    """Tables that were to go stay, or meet the revision that makes them: no deployment would succeed any more."""
    result = interrupted.run({"command": command}, versions, ALLOW_RESET="true")
    assert steps(result) == ["0001", "0002", "0003"]
    assert table_names(interrupted.database) - OWN == {"t1", "t2", "t3"}
    assert interrupted.rows("SELECT * FROM t2") == []


def test_a_stamp_forgets_an_interrupted_reset(interrupted: Application, versions: Path, tmp_path: Path) -> None:
    """Whoever has put the tables back by hand would lose them to the deployment of the next revision."""
    interrupted.admin_rows("CREATE TABLE t1 (id integer PRIMARY KEY)")
    interrupted.run({"command": "stamp", "revision": "head"}, versions)
    assert steps(interrupted.run(versions=history(tmp_path / "more", *tables(4)))) == ["0004"]
    assert interrupted.rows("SELECT * FROM t2") == [(7,)]
