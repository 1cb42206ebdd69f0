"""What goes wrong on demand."""

import itertools

import psycopg
import pytest

from tests.local.databases.dsql.clients import Clients, refusal, rows


@pytest.fixture
def table(dsql: Clients) -> Clients:
    """A schema with an empty table."""
    dsql.connect().execute("CREATE TABLE t (id int PRIMARY KEY)")
    return dsql


def test_commits_are_refused_on_demand(table: Clients) -> None:
    """A retry that never runs in a test is not known to work."""
    table.inject(conflict_rate=1)
    connection = table.connect()
    assert refusal(connection, "INSERT INTO t VALUES (1)") == (
        "40001",
        "change conflicts with another transaction (OC000)",
    )
    assert refusal(connection, "CREATE TABLE u (a int)") == (
        "40001",
        "schema has been updated by another transaction (OC001)",
    )
    assert rows(connection, "SELECT count(*) FROM t") == [(0,)]


def test_connections_are_dropped_before_a_commit_or_after_it(table: Clients) -> None:
    """Whoever repeats a write after a lost connection would double it on AWS, where the commit may be done."""
    found = set()
    for number in itertools.count():
        table.inject(drop_rate=1)
        with pytest.raises(psycopg.OperationalError):
            table.connect().execute("INSERT INTO t VALUES (%s)", [number])
        table.inject(drop_rate=0)
        found.add(bool(rows(table.connect(), "SELECT 1 FROM t WHERE id = %s", [number])))
        if found == {False, True}:
            break
