"""Tables as the console shows and changes them, on a real server of each engine."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from aurora_lambda_local.deployed.sql import OpenDatabase, run_query
from aurora_lambda_local.deployed.tables import COUNTED_ROWS, Selection, Table, table_names
from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.migrations.servers import open_server
from tests.conftest import Database

DIGITS = "CREATE TABLE parts (id varchar(9) PRIMARY KEY, name varchar(40) NOT NULL, weight integer, data {bytes})"


@pytest.fixture
def parts(database: Database) -> Iterator[Table]:
    """A table with three rows, which a column tells apart, and one without a key beside it."""
    settings = database_settings(database.environment())
    with closing(open_server(Connector(settings), create=True)):
        pass
    if settings.engine == "dsql":
        run_query(settings, f"CREATE SCHEMA {settings.schema}")
    run_query(settings, DIGITS.format(bytes="varbinary(9)" if settings.engine == "mysql" else "bytea"))
    run_query(settings, "CREATE TABLE heap (id integer)")
    for number, name in enumerate(("Bolt", "nut 100%", "Wheel")):
        weight = "NULL" if name == "Wheel" else str(number * 10)
        run_query(settings, f"INSERT INTO parts (id, name, weight) VALUES ('p{number}', '{name}', {weight})")
    with closing(OpenDatabase(settings)) as opened:
        yield Table(opened, "parts")


def names(table: Table, **chosen: object) -> list[str | None]:
    return [row["name"] for row in table.page(Selection(**chosen)).rows]  # ty: ignore[invalid-argument-type]


def test_rows_are_filtered_sorted_and_counted_alike(parts: Table) -> None:
    """Somebody on another engine would get errors where a colleague gets rows."""
    assert [(each.name, each.in_key, each.nullable) for each in parts.columns.values()] == [
        ("id", True, False),
        ("name", False, False),
        ("weight", False, True),
        ("data", False, True),
    ]
    page = parts.page(Selection())
    assert (page.count, page.has_next, page.rows[0]) == (
        3,
        False,
        {"id": "p0", "name": "Bolt", "weight": "0", "data": None},
    )
    assert names(parts, column="name", operator="contains", operand="NUT") == ["nut 100%"]
    assert names(parts, column="weight", operator=">", operand="5") == ["nut 100%"]
    assert names(parts, column="weight", operator="is null") == ["Wheel"]
    assert names(parts, column="id", operator="=", operand="p0") == ["Bolt"]
    assert names(parts, order="id", descending=True) == ["Wheel", "nut 100%", "Bolt"]


def test_many_rows_come_page_by_page_and_are_not_counted_for_ever(postgres: Database) -> None:
    """A table of millions would be read to its end at each look."""
    settings = database_settings(postgres.environment())
    with closing(open_server(Connector(settings), create=True)):
        pass
    run_query(settings, "CREATE TABLE many AS SELECT n AS id FROM generate_series(1, 10100) n")
    run_query(settings, "ALTER TABLE many ADD PRIMARY KEY (id)")
    with closing(OpenDatabase(settings)) as opened:
        table = Table(opened, "many")
        first, last = table.page(Selection()), table.page(Selection(page=202))
    assert (first.count, first.has_next, first.rows[-1]) == (COUNTED_ROWS + 1, True, {"id": "50"})
    assert (last.has_next, last.rows[0], last.rows[-1]) == (False, {"id": "10051"}, {"id": "10100"})


def test_a_row_is_inserted_changed_and_deleted(parts: Table) -> None:
    """A wrong value in a developer's data would need another tool, and another for each engine."""
    parts.insert({"id": "p3", "name": "it's", "weight": "7", "data": "00ff"})
    seen = parts.row({"id": "p3"})
    assert seen == {"id": "p3", "name": "it's", "weight": "7", "data": "00ff"}
    parts.update({"id": "p3"}, {**seen, "weight": None, "data": "ab"}, seen)
    assert parts.row({"id": "p3"}) == {"id": "p3", "name": "it's", "weight": None, "data": "ab"}
    parts.delete({"id": "p3"})
    assert parts.page(Selection()).count == 3
    with pytest.raises(UsageError, match=r"^parts has no such row any more$"):
        parts.delete({"id": "p3"})


def test_what_somebody_else_has_changed_meanwhile_is_kept(parts: Table) -> None:
    """The one who saves last would undo the other's work unseen."""
    seen = parts.row({"id": "p0"})
    parts.update({"id": "p0"}, {**seen, "name": "Screw"}, seen)
    with pytest.raises(UsageError, match=r"^the row has been changed meanwhile, and nothing was saved: open it again$"):
        parts.update({"id": "p0"}, {**seen, "name": "Nail"}, seen)
    assert parts.row({"id": "p0"})["name"] == "Screw"


def test_no_more_than_one_row_is_ever_changed(parts: Table) -> None:
    """A request that leaves out the key would change or delete every row."""
    for key in ({}, {"name": "Bolt"}, {"id": "p0", "name": "Bolt"}):
        with pytest.raises(UsageError, match=r"^a row of parts is told by id$"):
            parts.delete(key)
    heap = Table(parts._database, "heap")
    with pytest.raises(UsageError, match=r"^rows of heap are not changed here"):
        heap.insert({"id": "1"})
    assert (parts.page(Selection()).count, heap.is_editable) == (3, False)


def test_what_is_wrong_is_said(parts: Table) -> None:
    """A name out of an address could end in the middle of a statement, or a mistake in a traceback."""
    with pytest.raises(UsageError, match=r"^parts has no column 'x; DROP'; it has id, name, weight, data$"):
        parts.page(Selection(order="x; DROP"))
    with pytest.raises(UsageError, match=r"^there is no operator 'OR'"):
        parts.page(Selection(column="id", operator="OR"))
    with pytest.raises(UsageError, match=r"^there is no table 'nope' here; there are: heap, parts$"):
        Table(parts._database, "nope")
    with pytest.raises(UsageError, match=r"^data takes bytes as hexadecimal digits"):
        parts.insert({"id": "p9", "name": "x", "data": "xyz"})
    with pytest.raises(LocalError, match=r"refused the statement"):
        parts.insert({"id": "p0", "name": "twice"})
    assert table_names(parts._database) == ["heap", "parts"]
