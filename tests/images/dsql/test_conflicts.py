"""Migrations that lose to concurrent transactions."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.dsql_faults import FaultyServer
from tests.images.dsql.conftest import Application
from tests.images.killed_runner import contents
from tests.images.revisions import history

pytestmark = pytest.mark.slow

REVISIONS = 20


def revisions() -> list[str]:
    """Return tables and, after each, rows, an index and a column with a default for the table before."""
    found = []
    for number in range(1, REVISIONS, 2):
        found.append(f"CREATE TABLE t{number} (id integer PRIMARY KEY, a integer)")
        found.append(f""">op.execute("INSERT INTO t{number} VALUES (1, 1), (2, 2)")
    op.create_index("ix_t{number}_a", "t{number}", ["a"])
    op.execute("UPDATE t{number} SET a = a + 1")""")
    return found


def test_twenty_revisions_converge_where_a_fifth_of_all_commits_is_refused(
    application: Application, neighbour: Application, dsql_server: FaultyServer, tmp_path: Path
) -> None:
    """A shared cluster is never quiet: a deployment that gives up at the first conflict never ends."""
    versions = history(tmp_path, *revisions())
    dsql_server.faults = replace(dsql_server.faults, conflict_rate=0.2)
    result = application.run(versions=versions)
    dsql_server.faults = replace(dsql_server.faults, conflict_rate=0)
    assert (result["status"], result["after"]) == ("ok", "0020")
    neighbour.run(versions=versions)
    undisturbed = contents(neighbour.database)
    assert len(undisturbed) == len(["alembic_version", "migration_checksums"]) + REVISIONS // 2
    assert contents(application.database) == undisturbed


def test_two_steps_back_are_two_whatever_is_refused(
    application: Application, dsql_server: FaultyServer, tmp_path: Path
) -> None:
    """`-2`, counted anew after each conflict, would go back too far."""
    versions = history(tmp_path, *(f"CREATE TABLE t{number} (id integer)" for number in range(1, 6)))
    application.run(versions=versions)
    dsql_server.faults = replace(dsql_server.faults, conflict_rate=0.5)
    result = application.run({"command": "downgrade", "revision": "-2"}, versions)
    dsql_server.faults = replace(dsql_server.faults, conflict_rate=0)
    assert (result["before"], result["after"]) == ("0005", "0003")
